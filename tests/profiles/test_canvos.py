"""The data of the canvos profile by itself: complete, consistent, and what its rules and templates say of single cells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import combinations

import pytest
from jsonschema import Draft202012Validator

from matrixbuild.adapters.profiles import profile, profile_document
from matrixbuild.adapters.schema_check import check, schema_text
from matrixbuild.core.declared import Condition, Effect, Text
from matrixbuild.core.matching import accepted
from matrixbuild.core.problems import Place, Problem
from matrixbuild.core.profile import ProfileRule, ProfileTarget, Span
from matrixbuild.core.sandbox import Names
from matrixbuild.core.spans import holds
from matrixbuild.core.templates import Scope, Template, compile_template
from tests.manifest_texts import told

PROFILE = profile(Text(value="canvos", place=Place(file="test", line=1)))
AXES = {axis.name: axis for axis in PROFILE.axes}
TARGETS = {target.name for target in PROFILE.targets}
NAMES = [rule.rule.name for rule in PROFILE.rules]

ELSEWHERE = {"R39": "Docker from snap is a fault of the machine: `doctor` looks for it"}
"""Rules of the list R01 to R40 that are not in the profile, and where they are."""

SOURCE = re.compile(r" \((?=[^()]*(?:librarium [\w-]+\.md|\b(?:EF|ES|[\w./-]+):\d+@\w|[\w./-]+\.\w+@\w))[^()]+\)$")

CELL: Mapping[str, str | bool] = {
    **{axis.name: axis.default.scalar for axis in PROFILE.axes if axis.default and axis.default.scalar is not None},
    "os": "ubuntu-22.04",
    "os.distribution": "ubuntu",
    "os.version": "22.04",
    "kubernetes": "k3s-1.34.6",
    "kubernetes.distribution": "k3s",
    "kubernetes.version": "1.34.6",
}
"""A cell that no rule finds fault with."""

GIVEN = {"args.CUSTOM_TAG": "demo"}


def cell(**changes: str | bool) -> dict[str, str | bool]:
    """CELL with other values: `os="rhel-9"` and `kubernetes="rke2-1.34.6"` change the fields too, NAME in capitals is an ARG."""
    found = dict(CELL) | GIVEN
    for name, value in changes.items():
        found[f"args.{name}" if name.isupper() else name] = value
        if name in ("os", "kubernetes"):
            distribution, _, version = str(value).rpartition("-")
            found |= {f"{name}.distribution": distribution, f"{name}.version": version}
    return found


def faults(rule: ProfileRule, values: Mapping[str, str | bool]) -> bool:
    """Whether a rule finds fault with a cell."""
    if not all(meets(one, values) for one in rule.rule.when):
        return False
    return all(meets(one, values) for one in rule.rule.conditions) is not (rule.rule.effect is Effect.REQUIRE)


def meets(condition: Condition, values: Mapping[str, str | bool]) -> bool:
    axis = AXES.get(condition.axis)
    scheme = axis.scheme if axis and condition.field == "version" else None
    value = values.get(condition.subject, "") if condition.axis == "args" else values[condition.subject]
    problems: list[Problem] = []
    found = accepted(condition.wanted, [value], scheme, condition.subject, problems)
    assert {problem.code for problem in problems} <= {"unknown-value"}, problems
    return bool(found)


def asked(line: str) -> Iterator[ProfileRule]:
    return (rule for rule in PROFILE.rules if not rule.by and holds(rule.span, line))


def told_of(line: str, values: Mapping[str, str | bool]) -> list[str]:
    """The names of the rules that find fault with a cell, each with what it does."""
    return [f"{rule.rule.name} {rule.rule.effect}" for rule in asked(line) if faults(rule, values)]


def disjoint(one: Span, other: Span) -> bool:
    lines = [one.since or "v0.0.0", other.since or "v0.0.0"]
    return not any(holds(one, line) and holds(other, line) for line in lines)


class TestForm:
    def test_it_is_valid(self) -> None:
        assert told(check(profile_document("canvos"), schema="profile")) == []

    @pytest.mark.parametrize("target", PROFILE.targets, ids=lambda target: f"{target.name}-{target.span.since}")
    def test_its_targets_have_the_form_of_a_manifest_s(self, target: ProfileTarget) -> None:
        schema = json.loads(schema_text("manifest"))
        validator = Draft202012Validator({"$ref": "#/$defs/target", "$defs": schema["$defs"]})
        assert [error.message for error in validator.iter_errors(target.node.data)] == []

    def test_every_rule_of_the_list_is_here_or_elsewhere(self) -> None:
        listed = {f"R{number:02}" for number in range(1, 41)}
        assert {name for name in NAMES if re.fullmatch(r"R\d\d", name)} == listed - ELSEWHERE.keys()

    def test_of_two_with_one_name_no_version_has_both(self) -> None:
        rules = [(rule.rule.name, rule.span) for rule in PROFILE.rules]
        targets = [(target.name, target.span) for target in PROFILE.targets]
        for named in (rules, targets):
            assert [one for one, other in combinations(named, 2) if one[0] == other[0] and not disjoint(one[1], other[1])] == []

    def test_every_reason_names_its_source(self) -> None:
        reasons = [
            *(rule.rule.reason for rule in PROFILE.rules),
            *(one.reason for one in PROFILE.requirements),
            *(one.statement.reason for one in PROFILE.statements),
        ]
        assert [reason for reason in reasons if not SOURCE.search(reason)] == []

    def test_a_rule_without_conditions_has_somebody_who_asks_for_it(self) -> None:
        by = {rule.rule.name: rule.by for rule in PROFILE.rules if rule.by}
        files, forms = {one.rule for one in PROFILE.requirements} - {""}, {one.rule for one in PROFILE.forms}
        assert {name for name, who in by.items() if who == "files"} == files
        assert {name for name, who in by.items() if who == "forms"} == forms - {"R01"}
        assert {name: who for name, who in by.items() if who not in ("files", "forms")} == {
            "R03": "catalog",
            "R04": "catalog",
            "R26": "names",
            "R40": "analysis",
        }

    def test_everything_named_is_there(self) -> None:
        conditions = [one for rule in PROFILE.rules for one in (*rule.rule.when, *rule.rule.conditions)]
        conditions += [one for requirement in PROFILE.requirements for one in requirement.when]
        assert {one.axis for one in conditions} - {"args"} <= AXES.keys()
        assert {one.field for one in conditions if one.axis in ("os", "kubernetes")} <= {"distribution", "version"}
        assert {name for rule in PROFILE.rules for name in rule.targets} <= TARGETS
        assert {name for one in PROFILE.requirements for name in one.targets} <= TARGETS
        assert PROFILE.version in {value.name for value in PROFILE.values}
        assert {PROFILE.catalog_axis, PROFILE.fips_axis} <= AXES.keys()
        for target in PROFILE.targets:
            assert {item.value for item in getattr(target.node.get("axes"), "items", ())} <= AXES.keys()
            assert {item.value for item in getattr(target.node.get("needs"), "items", ())} <= TARGETS

    def test_a_rule_about_args_drops_nothing(self) -> None:
        assert {rule.rule.effect for rule in PROFILE.rules if rule.about_args} == {Effect.DENY, Effect.WARN}

    def test_a_default_has_no_suffix_and_everything_else_one(self) -> None:
        assert [axis.name for axis in PROFILE.axes if (axis.suffix is None) is not (axis.default is None)] == []

    def test_five_axes_are_those_of_every_matrix(self) -> None:
        assert [axis.name for axis in PROFILE.axes if axis.always] == ["os", "kubernetes", "fips", "twoNode", "arch"]

    def test_an_installer_has_every_axis_but_two(self) -> None:
        installers = [target for target in PROFILE.targets if target.name in ("iso", "uki-iso")]
        for target in installers:
            assert [item.value for item in target.node["axes"].items] == [name for name in AXES if name not in ("kubernetes", "twoNode")]

    def test_a_base_image_is_for_no_cells_but_its_own(self) -> None:
        """Needs are joined on the axes both have: one without the axis fips would be the base of what is not FIPS, too."""
        bases = [target for target in PROFILE.targets if target.node.get("docker")]
        assert bases
        for target in bases:
            assert {one.partition(".")[0] for one in target.node["when"].entries} <= {item.value for item in target.node["axes"].items}

    def test_what_needs_credentials_or_makes_keys_is_off(self) -> None:
        assert {target.name for target in PROFILE.targets if not target.on} == {"fips-base", "rhel-fips-base", "keys"}


class TestVersion:
    @pytest.mark.parametrize("line", ["ARG PE_VERSION=v4.10.0-rc.2", 'ARG PE_VERSION="v4.10.0-rc.2"', "ARG PE_VERSION=v4.10.0-rc.2 "])
    def test_it_is_what_the_earthfile_says(self, line: str) -> None:
        [pattern] = [value.pattern for value in PROFILE.values if value.name == PROFILE.version]
        found = re.search(pattern, f"VERSION 0.6\n{line}\nARG PE_VERSION_OTHER=v1\n")
        assert found
        assert found["value"] == "v4.10.0-rc.2"

    def test_an_earthfile_without_it_has_none(self) -> None:
        [pattern] = [value.pattern for value in PROFILE.values if value.name == PROFILE.version]
        assert re.search(pattern, "VERSION 0.6\nARG PE_VERSION\nARG PE_VERSION=$OTHER\n") is None


class TestRules:
    """Each rule about cells: one that it finds fault with. The cell beside it, that it has nothing to say of, is CELL."""

    @pytest.mark.parametrize("line", ["v4.4.12", "v4.6.24", "v4.9.38", "v4.10.0-rc.2"])
    def test_a_plain_cell_is_fine(self, line: str) -> None:
        assert told_of(line, cell()) == []

    @pytest.mark.parametrize(
        ("line", "values", "expected"),
        [
            ("v4.9.38", cell(arch="armv7"), ["R01 deny"]),
            ("v4.9.38", cell(os="rhel-9"), ["R05 deny"]),
            ("v4.9.38", cell(os="rhel-9", BASE_IMAGE="base"), []),
            ("v4.9.38", cell(fips=True, kubernetes="rke2-1.34.6", SPECTRO_PUB_REPO="x"), ["R06 deny"]),
            ("v4.9.38", cell(fips=True, kubernetes="rke2-1.34.6", SPECTRO_PUB_REPO="x", BASE_IMAGE="base"), []),
            ("v4.9.38", cell(fips=True, os="rhel-9", kubernetes="rke2-1.34.6", SPECTRO_PUB_REPO="x"), ["R05 deny", "R06-rhel deny"]),
            ("v4.4.12", cell(fips=True, BASE_IMAGE="base"), ["R07 require"]),
            ("v4.9.38", cell(kubernetes="kubeadm-fips-1.34.6"), ["R08 warn"]),
            ("v4.4.12", cell(fips=True, os="opensuse-leap-15.5", kubernetes="rke2-1.29.0", BASE_IMAGE="base"), ["R09 require"]),
            ("v4.4.12", cell(fips=True, os="hadron-0.5.1", kubernetes="rke2-1.29.0", BASE_IMAGE="base"), ["R09 require"]),
            ("v4.10.0-rc.2", cell(fips=True, os="hadron-0.5.1", kubernetes="rke2-1.29.0", BASE_IMAGE="base", SPECTRO_PUB_REPO="x"), []),
            ("v4.4.12", cell(fips=True, updateKernel=True, kubernetes="rke2-1.29.0", BASE_IMAGE="base"), ["R10 exclude"]),
            ("v4.4.12", cell(fips=True, uki=True, os="ubuntu-24.04", kubernetes="rke2-1.29.0", BASE_IMAGE="base"), ["R11 exclude"]),
            ("v4.10.0-rc.2", cell(INSTALL_NVIDIA_GPU_DRIVERS="true", INSTALL_AMD_GPU_DRIVERS="true"), ["R12 deny"]),
            ("v4.10.0-rc.2", cell(gpu="nvidia", arch="arm64"), ["R13 require", "R31 warn"]),
            ("v4.10.0-rc.2", cell(gpu="nvidia"), []),
            ("v4.10.0-rc.2", cell(gpu="nvdia"), ["gpu-known deny"]),
            ("v4.10.0-rc.2", cell(gpu="amd"), ["amd-driver-prebuilt deny"]),
            ("v4.10.0-rc.2", cell(gpu="amd", AMDGPU_DRIVER_SOURCE="inbox"), []),
            ("v4.10.0-rc.2", cell(gpu="amd", AMDGPU_ARTIFACT_PATH="driver.tar.gz"), []),
            ("v4.9.38", cell(cis=True, os="opensuse-leap-15.6"), ["R14 require"]),
            ("v4.10.0-rc.2", cell(ubuntuPro=True, os="opensuse-leap-15.6"), ["R15 require"]),
            ("v4.9.38", cell(UBUNTU_PRO_KEY="token"), ["ubuntu-pro-token deny"]),
            ("v4.9.38", cell(updateKernel=True, os="ubuntu-22"), ["R16 deny", "dotted-version warn"]),
            ("v4.9.38", cell(os="ubuntu-24"), ["ubuntu-24 deny"]),
            ("v4.9.38", cell(os="ubuntu-20"), ["dotted-version warn"]),
            ("v4.9.38", cell(uki=True, kubernetes="rke2-1.34.6"), ["R17 require"]),
            ("v4.4.12", cell(uki=True, os="ubuntu-23.10", kubernetes="rke2-1.29.0"), []),
            ("v4.5.15", cell(uki=True, os="ubuntu-23.10", kubernetes="rke2-1.29.0"), ["R17 require"]),
            ("v4.9.38", cell(uki=True, arch="arm64", os="ubuntu-24.04", kubernetes="rke2-1.34.6"), ["R18 require", "R31 warn"]),
            ("v4.9.38", cell(uki=True, os="ubuntu-24.04"), ["R20 warn"]),
            ("v4.10.0-rc.2", cell(os="hadron-0.5.1", kubernetes="canonical-1.34.6", BASE_IMAGE="base"), ["R21 require", "R27 require"]),
            ("v4.9.38", cell(forceInteractive=True, uki=True, os="ubuntu-24.04", kubernetes="rke2-1.34.6"), ["R22 exclude"]),
            ("v4.9.38", cell(twoNode=True, kubernetes="rke2-1.34.6"), ["R23 require"]),
            ("v4.9.38", cell(twoNode=True, kubernetes="canonical-1.34.6"), []),
            ("v4.8.26", cell(twoNode=True, kubernetes="canonical-1.34.6"), ["R23 require"]),
            ("v4.9.38", cell(twoNode=True), []),
            ("v4.9.38", cell(twoNode=True, arch="arm64"), ["R24 require", "R31 warn"]),
            ("v4.9.38", cell(twoNode=True, os="rhel-9", BASE_IMAGE="base"), ["R25 require", "R25-doubt warn"]),
            ("v4.9.38", cell(twoNode=True, os="ubuntu-24.04"), ["R25-doubt warn"]),
            ("v4.9.38", cell(kubernetes="canonical-1.34.6", arch="arm64"), ["R27 require", "R31 warn"]),
            ("v4.9.38", cell(kubernetes="nodeadm-1.31.2", os="opensuse-leap-15.6"), ["R28 require"]),
            ("v4.9.38", cell(kubernetes="kubeadm-1.32.1", os="rhel-8", BASE_IMAGE="base"), ["R29 warn"]),
            ("v4.9.38", cell(kubernetes="kubeadm-1.31.9", os="rhel-8", BASE_IMAGE="base"), []),
            ("v4.9.38", cell(kubernetes="kubeadm-1.32.1", os="rhel-9", BASE_IMAGE="base"), []),
            ("v4.9.7", cell(kubernetes="k3s-1.35.0"), ["R30 warn"]),
            ("v4.9.10", cell(kubernetes="k3s-1.35.0"), []),
            ("v4.10.0-rc.2", cell(os="rhel-10.2", BASE_IMAGE="base"), ["R32 warn"]),
            ("v4.9.38", cell(os="sles-5.4", BASE_IMAGE="base"), ["R33 warn"]),
            ("v4.9.38", cell(maas=True, os="opensuse-leap-15.6"), ["R34 require"]),
            ("v4.9.38", cell(CUSTOM_TAG=""), ["R35 warn"]),
            ("v4.4.12", cell(fips=True, kubernetes="rke2-1.29.0", BASE_IMAGE="base"), []),
            ("v4.5.3", cell(fips=True, kubernetes="rke2-1.29.0", BASE_IMAGE="base"), ["fips-mixed-repositories warn"]),
            ("v4.10.0-rc.2", cell(os="ubuntu-24.04"), ["kubernetes-left-out warn"]),
            ("v4.10.0-rc.2", cell(os="ubuntu-24.04", bundleKubernetes=True), []),
            ("v4.9.38", cell(os="ubuntu-24.04"), []),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_what_they_say(self, line: str, values: Mapping[str, str | bool], expected: list[str]) -> None:
        assert told_of(line, values) == expected

    def test_every_rule_about_cells_is_tried(self) -> None:
        [mark] = [mark for mark in TestRules.test_what_they_say.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
        tried = {name.split()[0] for _, _, expected in mark.args[1] for name in expected}
        assert {rule.rule.name for rule in PROFILE.rules if not rule.by} == tried


class TestForms:
    @pytest.mark.parametrize(
        ("name", "good", "bad"),
        [
            ("ARCH", ["amd64", "arm64"], ["", "x86_64", "AMD64"]),
            ("TWO_NODE", ["true", "false"], ["True", "yes", "", "1"]),
            ("CUSTOM_TAG", ["", "palette-learn", "demo-fips-2n", "drbd9.2.13"], ["Demo", "a_b", "-a", "a b"]),
            (
                "IMAGE_REGISTRY",
                ["ttl.sh", "registry.example.com:5000/edge", "localhost:5000/a/b"],
                ["https://ttl.sh", "registry.example.com/a_b", "", "ttl.sh/"],
            ),
        ],
    )
    def test_what_they_accept(self, name: str, good: list[str], bad: list[str]) -> None:
        [form] = [form for form in PROFILE.forms if form.name == name]
        assert [text for text in good if not re.fullmatch(form.pattern, text)] == []
        assert [text for text in bad if re.fullmatch(form.pattern, text)] == []

    def test_every_axis_with_two_values_gives_an_arg_that_is_true_or_false(self) -> None:
        switches = {arg.name for axis in PROFILE.axes if axis.default and isinstance(axis.default.scalar, bool) for arg in axis.args}
        assert switches <= {form.name for form in PROFILE.forms if form.pattern == "true|false"}


def scope(**extra: tuple[str, ...]) -> Scope:
    fields = ("distribution", "version")
    axes = {name: (fields if name in ("os", "kubernetes") else ()) for name in AXES}
    profile_values = ("customTag", "suffix", *(value.name for value in PROFILE.values))
    return Scope(
        axes={**axes, "canvos": profile_values}, vars=tuple(name for name, _ in PROFILE.vars), image=True, is_arg=True, needs=extra.get("needs", ())
    )


def rendered(text: str, names: Mapping[str, object], needs: tuple[str, ...] = ()) -> str:
    problems: list[Problem] = []
    template = compile_template(Text(value=text, place=Place(file="t", line=1)), scope(needs=needs), problems)
    assert isinstance(template, Template), told(tuple(problems))
    return template.render(names)


def names(values: Mapping[str, str | bool], custom_tag: str = "") -> dict[str, object]:
    """What templates see of a cell."""
    found: dict[str, object] = {name: value for name, value in values.items() if "." not in name}
    for axis in ("os", "kubernetes"):
        fields = {field: values[f"{axis}.{field}"] for field in ("distribution", "version")}
        found[axis] = Names(axis, fields, str(values[axis]))
    found["canvos"] = Names("canvos", {"peVersion": "v4.9.38", "customTag": custom_tag, "suffix": "", "fipsRepository": "x"})
    found["vars"] = Names("vars", {"isoName": "installer", "customTag": ""})
    found["registry"] = "registry.example.com/edge"
    found["image"] = Names("image", {"ref": "registry.example.com/edge/x:y"})
    return found


def target_text(name: str, *path: str | int, line: str = "v4.9.38") -> str:
    [target] = [target for target in PROFILE.targets if target.name == name and holds(target.span, line)]
    node = target.node
    for step in path:
        node = node.items[step] if isinstance(step, int) else node[step]
    return str(node.value)


class TestTemplates:
    def test_args_of_a_plain_cell(self) -> None:
        found = {arg.name: rendered(arg.value.value, names(cell())) for axis in PROFILE.axes for arg in axis.args}
        assert found == {
            "OS_DISTRIBUTION": "ubuntu",
            "OS_VERSION": "22.04",
            "K8S_DISTRIBUTION": "k3s",
            "K8S_VERSION": "1.34.6",
            "ARCH": "amd64",
            "DISABLE_SELINUX": "true",
            "DRBD_VERSION": "9.2.13",
            **dict.fromkeys(
                [
                    "FIPS_ENABLED",
                    "TWO_NODE",
                    "IS_UKI",
                    "CIS_HARDENING",
                    "UPDATE_KERNEL",
                    "UBUNTU_PRO_ATTACH",
                    "INSTALL_NVIDIA_GPU_DRIVERS",
                    "INSTALL_AMD_GPU_DRIVERS",
                    "BUNDLE_K8S_AND_AGENT_PROVIDER",
                    "IS_MAAS",
                    "FORCE_INTERACTIVE_INSTALL",
                ],
                "false",
            ),
        }

    @pytest.mark.parametrize(
        ("axis", "value", "args", "suffix"),
        [
            ("fips", True, {"FIPS_ENABLED": "true"}, "fips"),
            ("twoNode", True, {"TWO_NODE": "true"}, "2n"),
            ("uki", True, {"IS_UKI": "true"}, "uki"),
            ("arch", "arm64", {"ARCH": "arm64"}, "arm64"),
            ("cis", True, {"CIS_HARDENING": "true"}, "cis"),
            ("updateKernel", True, {"UPDATE_KERNEL": "true"}, "kernel"),
            ("selinux", True, {"DISABLE_SELINUX": "false"}, "selinux"),
            ("ubuntuPro", True, {"UBUNTU_PRO_ATTACH": "true"}, "pro"),
            ("gpu", "nvidia", {"INSTALL_NVIDIA_GPU_DRIVERS": "true", "INSTALL_AMD_GPU_DRIVERS": "false"}, "nvidia"),
            ("gpu", "amd", {"INSTALL_NVIDIA_GPU_DRIVERS": "false", "INSTALL_AMD_GPU_DRIVERS": "true"}, "amd"),
            ("bundleKubernetes", True, {"BUNDLE_K8S_AND_AGENT_PROVIDER": "true"}, "bundled"),
            ("drbd", "9.2.10", {"DRBD_VERSION": "9.2.10"}, "drbd9.2.10"),
            ("maas", True, {"IS_MAAS": "true"}, "maas"),
            ("forceInteractive", True, {"FORCE_INTERACTIVE_INSTALL": "true"}, "interactive"),
        ],
    )
    def test_another_value_than_the_default(self, axis: str, value: str | bool, args: dict[str, str], suffix: str) -> None:
        seen = names(cell(**{axis: value}))
        assert {arg.name: rendered(arg.value.value, seen) for arg in AXES[axis].args} == args
        found = AXES[axis].suffix
        assert found is not None
        assert rendered(found.value, seen) == suffix
        [form] = [form for form in PROFILE.forms if form.name == "CUSTOM_TAG"]
        assert re.fullmatch(form.pattern, f"demo-{suffix}")

    @pytest.mark.parametrize("name", ["provider", "uki-provider"])
    @pytest.mark.parametrize(
        ("tag", "expected"),
        [("palette-learn-fips", "k3s-1.34.6-v4.9.38-palette-learn-fips"), ("", "k3s-1.34.6-v4.9.38")],
    )
    def test_the_name_of_a_provider_image(self, name: str, tag: str, expected: str) -> None:
        seen = names(cell(), tag)
        assert rendered(target_text(name, "image", "repository"), seen) == "registry.example.com/edge/ubuntu-22.04"
        assert rendered(target_text(name, "image", "tag"), seen) == expected
        assert rendered(target_text(name, "args", "IMAGE_PATH"), seen) == "registry.example.com/edge/x:y"
        assert rendered(target_text(name, "args", "IMAGE_REGISTRY"), seen) == "registry.example.com/edge"
        assert rendered(target_text(name, "args", "IMAGE_REPO"), seen) == "ubuntu-22.04"
        assert rendered(target_text(name, "args", "CUSTOM_TAG"), seen) == tag

    @pytest.mark.parametrize("name", ["iso", "uki-iso"])
    def test_the_name_of_an_installer(self, name: str) -> None:
        assert rendered(target_text(name, "args", "ISO_NAME"), names(cell(), "demo")) == "installer-ubuntu-22.04-v4.9.38-demo"
        assert rendered(target_text(name, "args", "ISO_NAME"), names(cell())) == "installer-ubuntu-22.04-v4.9.38"
        assert rendered(target_text(name, "artifacts", 0, "as"), names(cell(), "demo")) == "installer-ubuntu-22.04-v4.9.38-demo.iso"

    def test_the_name_of_a_checksum(self) -> None:
        assert target_text("iso", "artifacts", 1, "path") == "/*.iso.sha256"
        assert rendered(target_text("iso", "artifacts", 1, "as"), names(cell(), "demo")) == "installer-ubuntu-22.04-v4.9.38-demo.iso.sha256"

    @pytest.mark.parametrize("name", ["provider", "iso"])
    @pytest.mark.parametrize(("os", "base"), [("ubuntu-22.04", "u"), ("rhel-9", "r")])
    def test_a_base_image_is_the_need_of_its_family(self, name: str, os: str, base: str) -> None:
        needs = {"fips-base": Names("need", {"image": "u"}), "rhel-fips-base": Names("need", {"image": "r"})}
        seen = {**names(cell(os=os)), "needs": Names("needs", needs)}
        assert rendered(target_text(name, "args", "BASE_IMAGE"), seen, needs=tuple(needs)) == base

    @pytest.mark.parametrize(
        ("name", "line", "os", "expected"),
        [
            ("fips-base", "v4.4.12", "ubuntu-20.04", ("ubuntu-fips", "Dockerfile")),
            ("fips-base", "v4.8.26", "ubuntu-20.04", ("ubuntu-fips/20.04", "Dockerfile")),
            ("fips-base", "v4.8.26", "ubuntu-22.04", ("ubuntu-fips/22.04", "Dockerfile.ubuntu22.04-fips")),
            ("fips-base", "v4.9.38", "ubuntu-20.04", ("ubuntu-fips/20.04", "Dockerfile")),
            ("fips-base", "v4.9.38", "ubuntu-24.04", ("ubuntu-fips", "24.04/Dockerfile.ubuntu24.04-fips")),
            ("rhel-fips-base", "v4.10.0-rc.2", "rhel-9.4", ("rhel-fips", "Dockerfile.rhel9")),
        ],
    )
    def test_where_the_dockerfile_of_a_base_image_is(self, name: str, line: str, os: str, expected: tuple[str, str]) -> None:
        seen = names(cell(os=os))
        found = tuple(rendered(target_text(name, "docker", key, line=line), seen) for key in ("context", "dockerfile"))
        assert found == expected
        distribution, version = os.split("-")
        assert rendered(target_text(name, "image", "tag", line=line), seen) == f"{distribution}-{version}-v4.9.38"
