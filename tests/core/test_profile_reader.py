from __future__ import annotations

from matrixbuild.core.catalogs import CatalogSource
from matrixbuild.core.declared import Effect
from matrixbuild.core.earthfile.statements import Statement
from matrixbuild.core.profile import Span
from matrixbuild.core.versions import Scheme
from tests.profile_texts import profile


class TestDefaults:
    def test_what_is_left_out(self) -> None:
        found = profile()
        assert (found.name, found.file, found.version, found.stands_for) == ("edge", "edge.yaml", "", {})
        assert (found.values, found.vars, found.args, found.rules, found.ambient) == ((), (), (), (), ())
        assert (found.requirements, found.forms, found.statements) == ((), (), ())
        assert (found.catalog, found.catalog_axis, found.fips_axis) == (None, "", "")
        os, _ = found.axes
        assert (os.scheme, os.default, os.always, os.args, os.suffix, os.span) == (Scheme.DOTTED, None, False, (), None, Span())
        [target] = found.targets
        assert (target.on, target.span) == (True, Span())

    def test_of_a_rule(self) -> None:
        [rule] = profile(rules="  rules: [{name: a, deny: {fips: true}, reason: why}]").rules
        assert (rule.span, rule.lines, rule.by, rule.targets, rule.about_args) == (Span(), "", "", (), False)

    def test_of_a_requirement(self) -> None:
        [one] = profile(files="  files: [{path: certs, reason: why}]").requirements
        assert (one.effect, one.arg, one.forbidden, one.containing, one.when, one.targets) == (Effect.DENY, "", "", "", (), ())
        assert (one.span, one.rule) == (Span(), "")


class TestKeys:
    """Each key reaches its value."""

    def test_axes(self) -> None:
        axes = """  axes:
    k: {description: Kubernetes, scheme: semver, default: "1.2.3", always: true, args: {A: "{{ k }}", B: true}, suffix: "{{ k }}", since: v4.1, until: v4.3}
    flag: {description: a flag, default: false}"""
        k, flag = profile(axes=axes).axes
        assert (k.name, k.description, k.scheme, k.always, k.span) == ("k", "Kubernetes", Scheme.SEMVER, True, Span(since="v4.1", until="v4.3"))
        assert (k.default and k.default.scalar, k.suffix and k.suffix.value) == ("1.2.3", "{{ k }}")
        assert [(arg.name, arg.value.value) for arg in k.args] == [("A", "{{ k }}"), ("B", "true")]
        assert flag.default is not None
        assert flag.default.scalar is False
        assert str(k.place) == "edge.yaml:6:5"

    def test_values(self) -> None:
        values = """  version: pe
  values:
    pe: {file: Earthfile, pattern: '^ARG PE=(?P<value>\\S+)'}
    repository: {value: registry.example.com}"""
        found = profile(values=values)
        assert found.version == "pe"
        assert [(one.name, one.text, one.file, one.pattern) for one in found.values] == [
            ("pe", "", "Earthfile", r"^ARG PE=(?P<value>\S+)"),
            ("repository", "registry.example.com", "", ""),
        ]

    def test_stands_for_vars_args_ambient_catalog(self) -> None:
        found = profile(
            more="""  standsFor: {v4.9.a: v4.9.7}
  vars: {customTag: "", count: 3}
  args: {DEBUG: false}
  ambient: [HTTP_PROXY]
  catalog: {file: versions.json, axis: k, fipsAxis: fips, earthfile: {target: a, fipsTarget: b, distributionArg: D, versionArg: V, fipsArg: F}}"""
        )
        assert found.stands_for == {"v4.9.a": "v4.9.7"}
        assert [(name, text.value) for name, text in found.vars] == [("customTag", ""), ("count", "3")]
        assert [(arg.name, arg.value.value) for arg in found.args] == [("DEBUG", "false")]
        assert [text.value for text in found.ambient] == ["HTTP_PROXY"]
        assert (found.catalog_axis, found.fips_axis) == ("k", "fips")
        assert found.catalog == CatalogSource(file="versions.json", plain="a", fips="b", distribution_arg="D", version_arg="V", fips_arg="F")

    def test_rules(self) -> None:
        rules = """  rules:
    - {name: R1, when: {fips: true}, warn: {args.REPO: ["", x]}, targets: [provider], lines: "^ARG", since: v4.5.3, until: v4.6, reason: why}
    - {name: R2, by: catalog, deny: {}, reason: why not}"""
        first, second = profile(rules=rules).rules
        assert (first.rule.name, first.rule.effect, first.rule.reason, first.rule.inherited) == ("R1", Effect.WARN, "why", True)
        assert [(one.axis, one.field) for one in (*first.rule.when, *first.rule.conditions)] == [("fips", None), ("args", "REPO")]
        assert (first.targets, first.lines, first.span, first.about_args) == (("provider",), "^ARG", Span(since="v4.5.3", until="v4.6"), True)
        assert (second.by, second.rule.effect, second.rule.when, second.rule.conditions) == ("catalog", Effect.DENY, (), ())

    def test_targets(self) -> None:
        targets = """  targets:
    keys: {on: false, since: v4.4.2, until: v4.9, earthly: +keys, artifacts: [{path: /k, as: k}]}
    base:
      - {until: v4.8.1, docker: {context: a}}
      - {since: v4.8.1, docker: {context: b}}"""
        keys, old, new = profile(targets=targets).targets
        assert (keys.name, keys.on, keys.span, str(keys.place)) == ("keys", False, Span(since="v4.4.2", until="v4.9"), "edge.yaml:9:5")
        assert keys.node.data == {"earthly": "+keys", "artifacts": [{"path": "/k", "as": "k"}]}
        assert [(one.name, one.on, one.span, one.node.data) for one in (old, new)] == [
            ("base", True, Span(until="v4.8.1"), {"docker": {"context": "a"}}),
            ("base", True, Span(since="v4.8.1"), {"docker": {"context": "b"}}),
        ]

    def test_files(self) -> None:
        files = """  files:
    - {rule: R19, path: user-data, containing: fips=1, effect: warn, when: {fips: true}, targets: [iso], since: v4.1, until: v4.2, reason: why}
    - {arg: CLUSTERCONFIG, reason: why}
    - {reason: why, forbidden: certs/**}"""
        first, second, third = profile(files=files).requirements
        assert (first.rule, first.path, first.containing, first.effect, first.targets) == ("R19", "user-data", "fips=1", Effect.WARN, ("iso",))
        assert ([one.subject for one in first.when], first.span, first.reason) == (["fips"], Span(since="v4.1", until="v4.2"), "why")
        assert (second.arg, second.path) == ("CLUSTERCONFIG", "")
        assert (third.forbidden, third.containing) == ("certs/**", "")
        assert [str(one.place) for one in (first, second, third)] == ["edge.yaml:11:19", "edge.yaml:12:8", "edge.yaml:13:21"]

    def test_forms(self) -> None:
        found = profile(forms="  forms: [{rule: R02, args: [A, B], pattern: x|y, hint: write x, since: v4.1, until: v4.2}]").forms
        span = Span(since="v4.1", until="v4.2")
        assert [(one.name, one.pattern, one.hint, one.rule, one.span) for one in found] == [
            ("A", "x|y", "write x", "R02", span),
            ("B", "x|y", "write x", "R02", span),
        ]

    def test_statements(self) -> None:
        written = "{file: Earthfile, text: env, unless: [C], reads: [A, B], reason: why, since: v4.1, until: v4.2}"
        [one] = profile(statements=f"  statements: [{written}]").statements
        assert one.statement == Statement(file="Earthfile", text="env", reads=frozenset({"A", "B"}), reason="why", source="edge")
        assert (one.unless, one.span) == (frozenset({"C"}), Span(since="v4.1", until="v4.2"))
