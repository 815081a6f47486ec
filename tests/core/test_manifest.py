from __future__ import annotations

import pytest

from matrixbuild.core.declared import Effect
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.matching import shown
from matrixbuild.core.surroundings import Publish, Retry, Schedule
from tests.manifest_texts import declared, manifest_text, told


def manifest(**parts: str) -> Manifest:
    return declared(manifest_text(**parts))


class TestDefaults:
    def test_what_is_left_out(self) -> None:
        found = manifest()
        assert (found.name, found.source.path and found.source.path.value, found.registry.value) == ("edge", "edge", "registry.example.com/edge")
        assert (found.engine.kind, found.limits, found.schedule, found.publish, found.layout) == ("auto", (), Schedule(), Publish(), "")
        assert (found.vars, found.args, found.rules, found.include, found.problems) == ((), (), (), (), ())
        [target] = found.targets
        assert (target.axes, target.when, target.needs, target.artifacts, target.resources) == (None, (), (), (), ())


class TestKeys:
    """Each key reaches its value: one that is read and ignored would break the promise of design.md 1."""

    def test_publish_tags(self) -> None:
        assert manifest(publish="  publish: {tags: mutable}").publish.mutable
        assert not manifest(publish="  publish: {tags: immutable}").publish.mutable
        assert not manifest(publish="  publish: {}").publish.mutable

    @pytest.mark.parametrize("engine", ["embedded", "{kind: embedded}"])
    def test_engine(self, engine: str) -> None:
        assert manifest(engine=f"  engine: {engine}").engine.kind == "embedded"

    def test_layout(self) -> None:
        assert manifest(registry="  registry: oci-layout:../out/registry").layout == "oci-layout:../out/registry"

    def test_schedule(self) -> None:
        found = manifest(
            schedule='  schedule: {limits: {cpu: 1.5, memory: 8Gi, disk: "1G", push: 4}, retry: {attempts: 5, wait: {initial: 500ms, max: 1h}}}'
        )
        assert [(limit.pool, limit.amount, limit.written) for limit in found.limits] == [
            ("cpu", 1500, "1.5"),
            ("memory", 8 * 2**30, "8Gi"),
            ("disk", 10**9, "1G"),
            ("push", 4, "4"),
        ]
        assert found.schedule.retry == Retry(attempts=5, initial=0.5, maximum=3600.0)

    def test_a_long_first_wait_raises_the_longest(self) -> None:
        assert manifest(schedule="  schedule: {retry: {wait: {initial: 1h}}}").schedule.retry == Retry(initial=3600.0, maximum=3600.0)

    def test_vars_and_args_keep_their_spelling(self) -> None:
        found = manifest(vars='  vars: {a: x, b: true, c: 7, d: "1.30"}', args="  args: {A: False, B: 3}")
        assert [(name, text.value) for name, text in found.vars] == [("a", "x"), ("b", "true"), ("c", "7"), ("d", "1.30")]
        assert [(arg.name, arg.value.value) for arg in found.args] == [("A", "false"), ("B", "3")]

    def test_vars_that_are_written_as_booleans_are_booleans_to_conditions(self) -> None:
        found = manifest(vars='  vars: {a: x, b: true, c: 7, d: "true", e: false}')
        assert [(name, text.scalar) for name, text in found.vars] == [("a", "x"), ("b", True), ("c", "7"), ("d", "true"), ("e", False)]

    def test_a_var_that_is_set_stays_the_boolean_that_it_is(self) -> None:
        found = declared(manifest_text(vars="  vars: {a: x, b: true}"), a="false", b="false")
        assert [(name, text.scalar) for name, text in found.vars] == [("a", "false"), ("b", False)]

    def test_a_var_that_is_a_boolean_cannot_be_set_to_another_word(self) -> None:
        found = declared(manifest_text(vars="  vars: {b: true}"), b="no")
        assert told(found.problems) == ["--set:1:3: the var 'b' is true or false, not 'no' [no] (write --set b=true or --set b=false)"]

    def test_rules(self) -> None:
        [rule] = manifest(rules='  rules:\n    - {name: a, when: {fips: true}, require: {os.version: ["22.04", "24.04"], os: x}, reason: why}').rules
        assert (rule.name, rule.reason, rule.effect, str(rule.place)) == ("a", "why", Effect.REQUIRE, "m.yaml:18:14")
        assert [(one.subject, shown(one.wanted)) for one in (*rule.when, *rule.conditions)] == [
            ("fips", "true"),
            ("os.version", "22.04 or 24.04"),
            ("os", "x"),
        ]

    def test_target(self) -> None:
        targets = """  targets:
    a:
      axes: [os]
      when: {fips: true}
      earthly: ./sub+a
      needs: [b]
      args: {X: "{{ os }}"}
      artifacts: [{path: /x, as: y}]
      resources: {cpu: 1, pool: 2}
    b: {earthly: +b, image: {repository: r, tag: t}}"""
        found, other = manifest(targets=targets).targets
        assert [text.value for text in found.axes or ()] == ["os"]
        assert [one.subject for one in found.when] == ["fips"]
        assert (found.earthly and found.earthly.value, [text.value for text in found.needs]) == ("./sub+a", ["b"])
        assert [(arg.name, arg.value.value, str(arg.place)) for arg in found.args] == [("X", "{{ os }}", "m.yaml:18:14")]
        assert [(one.path.value, one.name.value) for one in found.artifacts] == [("/x", "y")]
        assert [(one.pool, one.amount) for one in found.resources] == [("cpu", 1000), ("pool", 2)]
        assert other.image
        assert (other.image.repository.value, other.image.tag.value) == ("r", "t")


class TestProblems:
    @pytest.mark.parametrize(
        ("registry", "message"),
        [
            ("https://registry.example.com", "spec.registry: a registry is named without a scheme"),
            ("edge/images", "spec.registry: 'edge/images' does not say on which host it is"),
            ("oci-layout:", "spec.registry: the directory of the layout is missing"),
            ("registry.example.com/Edge", "spec.registry: 'registry.example.com/Edge' is not a registry"),
            ("registry.example.com/", "spec.registry: 'registry.example.com/' is not a registry"),
        ],
    )
    def test_registry(self, registry: str, message: str) -> None:
        assert told(manifest(registry=f'  registry: "{registry}"').problems) == [
            f'm.yaml:6:13: {message} ["{registry}"] (write host[:port]/path, or oci-layout:DIR)'
        ]

    @pytest.mark.parametrize(
        "registry", ["localhost:5000", "localhost/edge", "registry.example.com:5000/a/b", "docker.io/me", "[::1]:5000/x", "oci-layout:x y"]
    )
    def test_registries(self, registry: str) -> None:
        assert manifest(registry=f'  registry: "{registry}"').problems == ()

    @pytest.mark.parametrize(
        ("parts", "message"),
        [
            (
                {"vars": '  vars: {a: "{{ os }}"}'},
                'm.yaml:17:13: spec.vars.a: a var is no template ["{{ os }}"] (write the template where the var is used)',
            ),
            (
                {"axes": "  axes:\n    needs: [a]"},
                "m.yaml:8:5: an axis cannot be called 'needs': the word has a meaning in templates [needs] (choose another name)",
            ),
            (
                {"axes": '  axes:\n    os: [{a: b, version: "1", versions: ["2"]}]'},
                "m.yaml:8:31: an axis value has either 'version' or 'versions' [versions] (remove one of them)",
            ),
            (
                {"rules": "  rules:\n    - {name: a, deny: {fips: true}, reason: b}\n    - {name: a, deny: {fips: true}, reason: b}"},
                "m.yaml:19:14: two rules are called 'a' [a] (the first is in line 18)",
            ),
            (
                {"schedule": "  schedule: {limits: {cpu: lots}}"},
                "m.yaml:17:28: spec.schedule.limits.cpu: 'lots' is not an amount of cores: write 2, 1.5 or 500m [lots]",
            ),
            (
                {"schedule": "  schedule: {retry: {wait: {initial: 1h, max: 5m}}}"},
                "m.yaml:17:47: spec.schedule.retry.wait: the first wait is longer than the longest [5m] (raise max, or lower initial)",
            ),
            (
                {"schedule": "  schedule: {retry: {wait: {initial: soon}}}"},
                "m.yaml:17:38: spec.schedule.retry.wait.initial: 'soon' is not a time: write 500ms, 5s, 5m or 1h [soon]",
            ),
        ],
    )
    def test_single_values(self, parts: dict[str, str], message: str) -> None:
        assert told(manifest(**parts).problems) == [message]
