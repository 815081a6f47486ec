from __future__ import annotations

import pytest

from matrixbuild.core.declared import Text
from matrixbuild.core.facts import Facts
from matrixbuild.core.manifest import Target
from matrixbuild.core.profile import Profile
from tests.manifest_texts import declared, manifest_text, told
from tests.profile_cases import on_profile
from tests.profile_texts import profile

TARGETS = """  targets:
    provider:
      when: {fips: true}
      earthly: +provider
      needs: [base]
      args: {A: weak, B: weak}
      image: {repository: "{{ registry }}/edge", tag: "{{ os }}"}
      resources: {cpu: 4, memory: 8Gi}
    base: {earthly: +base, on: false, axes: [os], image: {repository: "{{ registry }}/base", tag: "{{ os }}"}}
    uki:
      - {until: v4.4, earthly: +old-uki, on: false, image: {repository: "{{ registry }}/uki", tag: "{{ os }}"}}
      - {since: v4.5, until: v4.9, earthly: +uki, image: {repository: "{{ registry }}/uki", tag: "{{ os }}"}}"""
AXES = '  axes:\n    os: [{distribution: ubuntu, version: "22.04"}]\n    fips: [false, true]'


def known() -> Profile:
    return profile(targets=TARGETS)


def read(targets: str = "", line: str = "v4.5.1") -> dict[str, Target]:
    """The targets by name, of a manifest in which nothing is wrong."""
    found = on_profile(Facts(profile=known(), line=line), axes=AXES, targets=targets)
    assert told(found.problems) == []
    return {target.name: target for target in found.manifest.targets}


def refused(targets: str, line: str = "v4.5.1", **parts: str) -> list[str]:
    return told(on_profile(Facts(profile=known(), line=line), **{"axes": AXES, "targets": targets, **parts}).problems)


def words(texts: tuple[Text, ...]) -> list[str]:
    return [text.value for text in texts]


class TestOnAndOff:
    def test_what_the_manifest_does_not_name(self) -> None:
        assert list(read()) == ["provider", "uki"]

    def test_false_turns_off_and_true_on(self) -> None:
        assert list(read("  targets: {base: true, uki: false}")) == ["base", "provider"]

    def test_both_say_what_is_so_anyway(self) -> None:
        assert list(read("  targets: {base: false, provider: true}")) == ["provider", "uki"]

    def test_a_mapping_turns_on(self) -> None:
        assert list(read("  targets: {base: {privileged: true}}")) == ["base", "provider", "uki"]

    def test_what_is_turned_on_has_to_have_cells(self) -> None:
        """As the profile alone has it, it is none of the author's business."""
        none = AXES.replace("[false, true]", "[false]")
        assert refused("", axes=none) == []
        for written in ("true", "{privileged: true}"):
            assert refused(f"  targets: {{provider: {written}}}", axes=none) == [
                "m.yaml:10:13: the target 'provider' has no cell [provider] (its `when` matches none that is left)"
            ]


class TestMerging:
    def test_what_the_manifest_says_wins_and_the_rest_stays(self) -> None:
        own = read("  targets: {provider: {args: {B: own, C: own}, image: {repository: r, tag: t}, resources: {cpu: 1}}}")["provider"]
        assert [(arg.name, arg.value.value) for arg in own.args] == [("B", "own"), ("C", "own")]
        assert [(arg.name, arg.value.value) for arg in own.weak_args] == [("A", "weak")]
        assert own.image
        assert (own.image.repository.value, own.image.tag.value) == ("r", "t")
        assert [(one.pool, one.written) for one in own.resources] == [("cpu", "1"), ("memory", "8Gi")]
        assert (own.earthly and own.earthly.value, words(own.needs)) == ("+provider", ["base"])

    def test_of_an_image_or_a_dockerfile_a_part_is_enough(self) -> None:
        own = read('  targets: {provider: {image: {tag: "{{ os }}-own"}}}')["provider"]
        assert own.image
        assert (own.image.repository.value, own.image.tag.value) == ("{{ registry }}/edge", "{{ os }}-own")

    def test_lists_replace(self) -> None:
        assert words(read("  targets: {provider: {needs: []}}")["provider"].needs) == []

    def test_a_dockerfile_stands_instead_of_an_earthly_target(self) -> None:
        own = read('  targets: {provider: {docker: {context: "."}}}')["provider"]
        assert (own.earthly, own.docker and own.docker.context.value) == (None, ".")

    def test_conditions_merge(self) -> None:
        """Values that the matrix lacks are a mistake in the manifest's own conditions, and none in the profile's."""
        own = "  targets: {provider: {when: {os: ubuntu-22.04}}}"
        assert len(read(own)["provider"].when) == 2
        assert refused(own, axes=AXES.replace("[false, true]", "[false]")) == [
            "m.yaml:10:31: the target 'provider' has no cell [os] (its `when` matches none that is left)"
        ]
        assert refused("  targets: {provider: {when: {os: leap}}}") == [
            "m.yaml:10:35: os is never 'leap' [leap] (it is ubuntu-22.04)",
        ]


class TestVersions:
    @pytest.mark.parametrize(("line", "earthly"), [("v4.3.9", "+old-uki"), ("v4.5.1", "+uki"), ("", "+old-uki")])
    def test_one_form_is_chosen(self, line: str, earthly: str) -> None:
        found = read("  targets: {uki: true}", line)["uki"].earthly
        assert found
        assert found.value == earthly

    def test_on_is_a_matter_of_the_form(self) -> None:
        assert ["uki" in read(line=line) for line in ("v4.3.9", "v4.4.1", "v4.5.1", "v4.9.0")] == [False, False, True, False]

    @pytest.mark.parametrize("written", ["true", "{privileged: true}"])
    @pytest.mark.parametrize(("line", "why"), [("v4.4.1", "it came with v4.5"), ("v4.9.0", "it went with v4.9")])
    def test_a_target_of_other_versions(self, written: str, line: str, why: str) -> None:
        assert refused(f"  targets: {{uki: {written}}}", line) == [
            f"m.yaml:10:13: {line} has no target 'uki' [uki] ({why}: remove it, or name another version of the source)"
        ]

    def test_all_of_them_cannot_be_turned_off(self) -> None:
        assert refused("  targets: {provider: false, uki: false}") == [
            "m.yaml:4:1: no target is left to build [spec] (turn one on under spec.targets)"
        ]

    def test_needs_no_turning_off(self) -> None:
        assert list(read("  targets: {uki: false}", "v4.9.0")) == ["provider"]

    def test_and_its_name_is_free(self) -> None:
        own = read("  targets: {uki: {earthly: +mine, artifacts: [{path: /k, as: k}]}}", "v4.9.0")["uki"]
        assert (own.earthly and own.earthly.value, own.weak_args) == ("+mine", ())


class TestUnknown:
    @pytest.mark.parametrize("switch", ["true", "false"])
    def test_near_misses(self, switch: str) -> None:
        assert refused(f"  targets: {{providr: {switch}}}") == [
            "m.yaml:10:13: no profile has a target 'providr' to turn on or off [providr] (did you mean 'provider'?)"
        ]

    def test_what_there_is(self) -> None:
        assert refused("  targets: {kubelet: false}") == [
            "m.yaml:10:13: no profile has a target 'kubelet' to turn on or off [kubelet] (the profile has provider, base, uki)"
        ]

    def test_without_a_profile(self) -> None:
        assert told(declared(manifest_text(targets="  targets: {iso: false}")).problems) == [
            "m.yaml:12:13: no profile has a target 'iso' to turn on or off [iso] (a target without a profile is a mapping)"
        ]

    @pytest.mark.parametrize(
        ("target", "message"),
        [
            ("{image: {repository: r, tag: t}}", "12:13: spec.targets.t has no 'earthly' [t] (The Earthly target, as in `earthly +provider-image`.)"),
            (
                "{engine: docker, image: {repository: r, tag: t}}",
                "12:17: spec.targets.t has engine docker and no 'docker' [engine] (docker: {context: DIR, dockerfile: FILE})",
            ),
            (
                "{earthly: +t}",
                "12:13: spec.targets.t has neither 'image' nor 'artifacts' [t] (without one there is nothing to publish, to reuse or to lock)",
            ),
            (
                "{earthly: +t, docker: {context: .}, image: {repository: r, tag: t}}",
                "12:30: spec.targets.t takes exactly one of earthly and docker, and has both [docker] (make two targets of it)",
            ),
            (
                "{earthly: +t, engine: docker, image: {repository: r, tag: t}}",
                "12:30: spec.targets.t has an Earthly target and engine docker [engine] (remove it: the manifest's engine builds Earthly targets)",
            ),
            (
                "{docker: {context: .}, image: {repository: r, tag: t}, artifacts: [{path: /k, as: k}]}",
                "12:71: spec.targets.t builds a Dockerfile, which leaves no artifacts [artifacts] (give it an image alone)",
            ),
            (
                "{earthly: +t, image: {tag: t}}",
                "12:30: spec.targets.t.image has no 'repository' [image] (The repository, registry included.)",
            ),
            (
                "{earthly: +t, image: {repository: r}}",
                "12:30: spec.targets.t.image has no 'tag' [image] (The tag. It has to differ wherever the content differs.)",
            ),
            (
                "{docker: {dockerfile: d}, image: {repository: r, tag: t}}",
                "12:17: spec.targets.t.docker has no 'context' [docker] (The directory of the source that the Dockerfile's COPY takes from.)",
            ),
        ],
    )
    def test_what_a_target_has_to_be(self, target: str, message: str) -> None:
        assert told(declared(manifest_text(targets=f"  targets: {{t: {target}}}")).problems) == [f"m.yaml:{message}"]
