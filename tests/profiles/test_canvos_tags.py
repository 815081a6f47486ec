"""The canvos profile against CanvOS itself: what it says of a version has to be so at every upstream tag of that version."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest

from matrixbuild.core.declared_reader import conditions
from matrixbuild.core.matching import accepted
from matrixbuild.core.profile import ProfileRule, ProfileTarget, Requirement
from matrixbuild.core.spans import holds
from tests.profiles.canvos_repository import Tag, git, tags
from tests.profiles.test_canvos import AXES, PROFILE, cell, names, rendered

if "CANVOS_REPO" not in os.environ:
    pytest.skip("CANVOS_REPO does not name the git directory of a clone of CanvOS", allow_module_level=True)

LAYOUT_OF_ANOTHER_VERSION = "v4.7.17"
"""Its ubuntu-fips is that of v4.8, and it says v4.7.16 as the tag before it does: nothing tells the two apart."""


def line(tag: Tag) -> str:
    """The version that the tag's code is of, which `as: TAG` gives."""
    return PROFILE.stands_for.get(tag.name, tag.version)


def test_there_is_something_to_check() -> None:
    assert len(tags()) > 150
    assert {"v4.0.2", "v4.4.12", "v4.9.38", "v4.10.0", "main"} <= tags().keys()


def test_the_version_is_found_at_every_tag() -> None:
    [value] = [value for value in PROFILE.values if value.name == PROFILE.version]
    found = {name: re.search(value.pattern, tag.earthfile) for name, tag in tags().items()}
    assert {name: match["value"] if match else None for name, match in found.items()} == {name: tag.version for name, tag in tags().items()}


class TestStandsFor:
    @pytest.mark.parametrize("name", sorted(set(PROFILE.stands_for) - {"v4.10.0"}))
    def test_the_version_that_a_tag_says(self, name: str) -> None:
        assert PROFILE.stands_for[name] == tags()[name].version

    def test_a_tag_that_says_the_version_of_older_code(self) -> None:
        """v4.10.0 was tagged with the version of v4.9.21 in it, and is code that came later."""
        other = tags()[PROFILE.stands_for["v4.10.0"]]
        assert tags()["v4.10.0"].version == "v4.9.21"
        assert tags()["v4.10.0"].earthfile.replace("=v4.9.21", f"={other.version}") == other.earthfile

    def test_no_tag_is_missing(self) -> None:
        differing = {name for name, tag in tags().items() if name != tag.version} - {"main"}
        assert set(PROFILE.stands_for) == differing


@pytest.mark.parametrize("name", AXES)
def test_the_args_of_an_axis_are_declared_in_the_versions_that_have_it(name: str) -> None:
    axis = AXES[name]
    having = [tag for tag in tags().values() if holds(axis.span, tag.version)]
    assert having
    assert {(tag.name, arg.name) for tag in having for arg in axis.args if arg.name not in tag.base_args | own_args(tag)} == set()


def own_args(tag: Tag) -> set[str]:
    """Before v4.4.2 +provider-image has an ARG of its own for the Kubernetes version."""
    return {"K8S_VERSION"} & set(re.findall(r"ARG (\w+)", body(tag, "provider-image")))


@pytest.mark.parametrize("name", [name for name, axis in AXES.items() if axis.span.since not in ("", "v4.0.2")])
def test_no_version_has_an_axis_before_that(name: str) -> None:
    """But v4.10.0, which says an older version: `as: v4.10.0` gives it what it has."""
    axis = AXES[name]
    before = [tag for tag in tags().values() if not holds(axis.span, line(tag))]
    assert before
    assert {(tag.name, arg.name) for tag in before for arg in axis.args if arg.name in tag.base_args} == set()


def test_every_form_is_about_an_arg_that_there_is() -> None:
    declared = {arg for tag in tags().values() for arg in re.findall(r"^\s*ARG (?:--\S+ )*([A-Za-z_]\w*)", tag.earthfile, re.MULTILINE)}
    assert {form.name for form in PROFILE.forms} <= declared


@pytest.mark.parametrize("rule", [rule for rule in PROFILE.rules if rule.about_args], ids=lambda rule: rule.rule.name)
def test_args_that_rules_ask_for_are_there(rule: ProfileRule) -> None:
    asked = [one.field for one in (*rule.rule.when, *rule.rule.conditions) if one.axis == "args"]
    having = [tag for tag in tags().values() if holds(rule.span, line(tag))]
    assert having
    assert {(tag.name, arg) for tag in having for arg in asked if arg not in tag.base_args} == set()


def test_the_lines_of_a_rule_are_found() -> None:
    [rule] = [rule for rule in PROFILE.rules if rule.lines]
    found = {tag.name: re.findall(rule.lines, tag.earthfile) for tag in tags().values() if holds(rule.span, tag.version)}
    assert {name for name, lines in found.items() if not any("LET SPECTRO_PUB_REPO" in line for line in lines)} == set()
    assert {name for name, lines in found.items() if not any("provider-rke2" in line for line in lines)} == set()
    assert not re.search(rule.lines.replace("PROVIDER_BASE", "NEVER").replace("UBUNTU_IMAGE", "NEVER"), tags()["v4.4.12"].earthfile)


class TestTargets:
    @pytest.mark.parametrize("target", [target for target in PROFILE.targets if target.node.get("earthly")], ids=lambda target: target.name)
    def test_the_earthly_target_is_there(self, target: ProfileTarget) -> None:
        wanted = str(target.node["earthly"].value).removeprefix("+")
        having = [tag for tag in tags().values() if holds(target.span, tag.version)]
        assert having
        assert [tag.name for tag in having if wanted not in tag.earthly_targets] == []

    @pytest.mark.parametrize("target", [target for target in PROFILE.targets if target.node.get("earthly")], ids=lambda target: target.name)
    def test_its_args_are_declared(self, target: ProfileTarget) -> None:
        having = [tag for tag in tags().values() if holds(target.span, tag.version)]
        args = target.node.get("args")
        for tag in having:
            declared = set(re.findall(r"^\s*ARG (?:--\S+ )*([A-Za-z_]\w*)", tag.earthfile, re.MULTILINE))
            assert set(args.entries if args else ()) <= declared, tag.name

    @pytest.mark.parametrize("target", [target for target in PROFILE.targets if target.node.get("docker")], ids=lambda target: target.span.since)
    def test_the_dockerfile_is_there_and_asks_for_its_secrets(self, target: ProfileTarget) -> None:
        checked = 0
        for tag in tags().values():
            if not holds(target.span, tag.version) or tag.name == LAYOUT_OF_ANOTHER_VERSION:
                continue
            for path in dockerfiles(target, tag):
                content = tag.read(path)
                assert all(f"id={secret.value}" in content for secret in target.node["docker"]["secrets"].items), (tag.name, path)
                checked += 1
        assert checked

    def test_the_tag_with_another_layout(self) -> None:
        tag = tags()[LAYOUT_OF_ANOTHER_VERSION]
        assert tag.version == "v4.7.16"
        assert tag.holds("ubuntu-fips/20.04/Dockerfile")
        assert not tags()["v4.7.16"].holds("ubuntu-fips/20.04/Dockerfile")

    def test_no_family_has_a_base_image_that_is_left_out(self) -> None:
        """At the newest tag: every Dockerfile of ubuntu-fips and rhel-fips is one that a target builds."""
        tag = tags()["main"]
        built = {
            path for target in PROFILE.targets if target.node.get("docker") and holds(target.span, tag.version) for path in dockerfiles(target, tag)
        }
        there = {path for path in tag.paths if re.match(r"(?:ubuntu|rhel)-fips/.*Dockerfile", path)}
        assert built == there

    def test_what_an_installer_is_called(self) -> None:
        """`SAVE ARTIFACT /build/*` puts files into the root of the artifacts, and only build-iso writes a checksum."""
        for tag in tags().values():
            recipe = body(tag, "iso")
            assert "SAVE ARTIFACT /build/* AS LOCAL ./build/" in recipe, tag.name
            assert ".iso.sha256" in body(tag, "build-iso"), tag.name
            assert "sha256" not in body(tag, "build-uki-iso"), tag.name

    def test_what_keys_are_called(self) -> None:
        [target] = [target for target in PROFILE.targets if target.name == "keys"]
        for tag in tags().values():
            if holds(target.span, tag.version):
                saved = re.findall(r"SAVE ARTIFACT --if-exists (\S+) AS LOCAL \./(\S+)", body(tag, "uki-genkey"))
                assert saved == [(item["path"].value, item["as"].value) for item in target.node["artifacts"].items], tag.name


def dockerfiles(target: ProfileTarget, tag: Tag) -> Iterator[str]:
    """The Dockerfile for each version that the target's `when` means; it has to be in the tag's tree."""
    family = "rhel" if target.name == "rhel-fips-base" else "ubuntu"
    [wanted] = [condition.wanted for condition in conditions(target.node["when"]) if condition.subject == "os.version"]
    for version in accepted(wanted, ("8", "9", "10", "20.04", "22.04", "24.04"), AXES["os"].scheme, "os.version", []):
        seen = names(cell(os=f"{family}-{version}"))
        path = "/".join(rendered(str(target.node["docker"][key].value), seen) for key in ("context", "dockerfile"))
        assert tag.holds(path), (tag.name, path)
        yield path


def body(tag: Tag, target: str) -> str:
    found = re.search(rf"^{target}:\s*$(.*?)(?=^[A-Za-z][\w.-]*:\s*$|\Z)", tag.earthfile, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


class TestFiles:
    @pytest.mark.parametrize(
        "path", ["certs", "overlay/files/etc/spectrocloud/custom-hardware-specs-lookup.json", "overlay/files", "overlay/files-iso"]
    )
    def test_what_has_to_be_there_is_there(self, path: str) -> None:
        [one] = [one for one in PROFILE.requirements if one.path == path]
        assert [tag.name for tag in tags().values() if holds(one.span, tag.version) and not tag.holds(path)] == []

    @pytest.mark.parametrize("path", ["certs", "overlay/files/etc/spectrocloud/custom-hardware-specs-lookup.json"])
    def test_before_that_no_dockerfile_copies_it(self, path: str) -> None:
        [one] = [one for one in PROFILE.requirements if one.path == path]
        copying = {tag.name for tag in tags().values() if re.search(rf"^COPY {path}", tag.read("Dockerfile"), re.MULTILINE)}
        assert copying == {tag.name for tag in tags().values() if holds(one.span, tag.version)}

    @pytest.mark.parametrize("one", [one for one in PROFILE.requirements if one.arg], ids=lambda one: one.arg)
    def test_an_arg_that_names_a_file_is_declared(self, one: Requirement) -> None:
        having = [tag for tag in tags().values() if holds(one.span, tag.version)]
        assert [tag.name for tag in having if one.arg not in tag.base_args] == []

    def test_the_name_in_the_documentation_is_not_the_one_that_is_read(self) -> None:
        [one] = [one for one in PROFILE.requirements if one.forbidden == ".edge_custom_config.yaml"]
        for tag in tags().values():
            if holds(one.span, tag.version):
                assert "ARG EDGE_CUSTOM_CONFIG=.edge-custom-config.yaml" in tag.earthfile, tag.name


class TestStatements:
    def test_what_reads_the_whole_environment_is_found_where_it_stands(self) -> None:
        [one] = PROFILE.statements
        reading = {tag.name for tag in tags().values() if one.statement.text in tag.earthfile}
        assert reading == {tag.name for tag in tags().values() if holds(one.span, tag.version)}

    def test_what_it_reads_are_args_of_the_command_and_two_that_some_never_give(self) -> None:
        [one] = PROFILE.statements
        for tag in tags().values():
            if holds(one.span, tag.version):
                declared = set(re.findall(r"ARG (\w+)", body(tag, "OS_RELEASE") or body(tag, "OSRELEASE")))
                assert one.statement.reads - declared <= {"GITHUB_REPO", "ARTIFACT", "KAIROS_RELEASE"}, tag.name


CITED = re.compile(r"(?<![\w./-])(EF|ES|[\w./-]+):(\d+)@(v[\w.-]*\w|main)")
FILES = {"EF": "Earthfile", "ES": "earthly.sh"}


def citations() -> list[tuple[str, int, str]]:
    reasons = [*(rule.rule.reason for rule in PROFILE.rules), *(one.reason for one in PROFILE.requirements)]
    return sorted({(FILES.get(file, file), int(number), tag) for reason in reasons for file, number, tag in CITED.findall(reason)})


@pytest.mark.parametrize(("file", "number", "tag"), citations())
def test_a_line_that_is_cited_is_there(file: str, number: int, tag: str) -> None:
    lines = git("show", f"{tag}:{file}").splitlines()
    assert lines[number - 1].strip()
