"""Every key of a manifest does something: for each there is a case that changes it and sees the result change."""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from matrixbuild.adapters.engines.base import Engine
from matrixbuild.adapters.network import reach_of
from matrixbuild.core.events import Paused, Report, State
from matrixbuild.core.failure import FailureKind
from matrixbuild.core.happenings import Happening, Waited
from matrixbuild.workflow.applying import Listener, apply_manifest
from matrixbuild.workflow.classifying import classify_attempt
from matrixbuild.workflow.engines import engine_of
from matrixbuild.workflow.planning import Prepared
from matrixbuild.workflow.reading import read_and_expand
from tests.double.installed import install
from tests.every_key import DOCKER, HEAD, RUN, SPEC, TOKEN, Case, World, ended_with, keys_of_the_schema, world
from tests.examples.plans import STAND_IN
from tests.fakes.engines import Failing
from tests.projects import in_child

CASES: dict[str, Case] = {}
"""By the key that a case is about."""


def key(path: str) -> Callable[[Case], Case]:
    def taken(case: Case) -> Case:
        assert path not in CASES, path
        CASES[path] = case
        return case

    return taken


@pytest.mark.parametrize("path", sorted(keys_of_the_schema()))
def test_every_key_changes_what_comes_of_a_manifest(path: str, tmp_path: Path) -> None:
    assert path in CASES, f"no case changes {path}: add one, or take the key out of the schema"
    CASES[path](world(tmp_path))


def test_every_case_is_about_a_key() -> None:
    assert set(CASES) <= set(keys_of_the_schema())


# The file --------------------------------------------------------------------


@key("extends")
def _(at: World) -> None:
    (at.root / "base.yaml").write_text("spec: {axes: {fips: [false]}, vars: {unread: x}}\n")
    assert len(at.cells(head=f"extends: base.yaml\n{HEAD}", axes="{os: [jammy, noble]}")) == 2
    assert len(at.cells(axes="{os: [jammy, noble], fips: [false, true]}")) == 4


@key("apiVersion")
def _(at: World) -> None:
    assert "apiVersion has to be matrixbuild/v1" in at.refused(head=HEAD.replace("v1", "v2"))


@key("kind")
def _(at: World) -> None:
    assert "kind has to be BuildMatrix" in at.refused(head=HEAD.replace("BuildMatrix", "Profile"))


@key("metadata")
def _(at: World) -> None:
    assert "'metadata'" in at.refused(head=HEAD.replace("metadata: {name: small}\n", ""))


@key("metadata.name")
def _(at: World) -> None:
    assert at.plan()["name"] == "small"
    assert at.plan(head=HEAD.replace("small", "other"))["name"] == "other"


@key("x-")
def _(at: World) -> None:
    plain = at.plan()["builds"]
    assert at.plan(head=f"x-anchors: [&os jammy]\n{HEAD}", axes="{os: [*os, noble], fips: [false, true]}")["builds"] == plain
    assert "anchors" in at.refused(head=f"anchors: [&os jammy]\n{HEAD}")


@key("spec")
def _(at: World) -> None:
    assert "'spec'" in at.refused(head=HEAD.replace("spec:\n", "x-spec:\n"))


@key("spec.x-")
def _(at: World) -> None:
    plain = at.plan()["builds"]
    assert at.plan(**{"x-mine": "{os: *os}"}, axes="{os: [&os jammy, noble], fips: [false, true]}")["builds"] == plain
    assert "mine" in at.refused(mine="{os: jammy}")


# The profile -----------------------------------------------------------------

CANVOS: Mapping[str, str] = {
    "profile": "canvos",
    "source": "{path: canvos}",
    "registry": "registry.example.com/edge",
    "vars": "{customTag: x}",
    "axes": '{os: [{distribution: ubuntu, version: "22.04"}], kubernetes: [{distribution: k3s, versions: ["1.34.6"]}]}',
    "targets": "{iso: false}",
}


def canvos(at: World) -> World:
    (at.root / "canvos").symlink_to(STAND_IN)
    return at


@key("spec.profile")
def _(at: World) -> None:
    assert canvos(at).refs(**CANVOS) == {"registry.example.com/edge/ubuntu-22.04:k3s-1.34.6-v4.9.38-x"}
    assert "no profile has a target 'iso' to turn on or off" in at.refused(**{**CANVOS, "profile": ""})


@key("spec.profile.name")
def _(at: World) -> None:
    assert canvos(at).keys(**{**CANVOS, "profile": "{name: canvos}"}) == at.keys(**CANVOS)
    assert "kairos" in at.refused(**{**CANVOS, "profile": "{name: kairos}"})


@key("spec.profile.as")
def _(at: World) -> None:
    wanted = {**CANVOS, "axes": CANVOS["axes"].replace("{os", '{drbd: ["9.2.14"], os', 1)}
    canvos(at).plan(**wanted)
    assert "v4.6.24 has no drbd: 9.2.14 would change nothing" in at.refused(**{**wanted, "profile": "{name: canvos, as: v4.6.24}"})


@key("spec.profile.override")
def _(at: World) -> None:
    wanted = {**CANVOS, "axes": CANVOS["axes"].replace("1.34.6", "1.34.4")}
    assert "lists no k3s 1.34.4" in canvos(at).refused(**wanted)
    assert "warning: k8s_version.json lists no k3s 1.34.4" in at.warned(**{**wanted, "profile": "{name: canvos, override: {R04: warn}}"})


# The source ------------------------------------------------------------------


@key("spec.source")
def _(at: World) -> None:
    assert "'source'" in at.refused(source="")


@key("spec.source.path")
def _(at: World) -> None:
    before = at.keys()
    (at.root / "elsewhere").mkdir()
    for name in ("Earthfile", "common"):
        (at.root / "elsewhere" / name).write_text((at.root / "src" / name).read_text().replace("the same", "another"))
    after = at.keys(source="{path: elsewhere}")
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())


@key("spec.source.git")
def _(at: World) -> None:
    at.commit("v1")
    assert at.keys(source=f"{{git: '{(at.root / 'src').as_uri()}', ref: v1}}") == at.keys()
    assert at.refused(8, source=f"{{git: '{(at.root / 'gone').as_uri()}', ref: v1}}")


@key("spec.source.ref")
def _(at: World) -> None:
    at.commit("v1")
    (at.root / "src/common").write_text("changed\n")
    at.commit("v2")
    git = (at.root / "src").as_uri()
    first, second = (at.keys(source=f"{{git: '{git}', ref: {ref}}}") for ref in ("v1", "v2"))
    assert not set(first.values()) & set(second.values())


@key("spec.source.files")
def _(at: World) -> None:
    assert at.keys(source="{path: src, files: [{from: overlay.txt, to: overlay}]}") != at.keys()


@key("spec.source.files[].from")
def _(at: World) -> None:
    (at.root / "another.txt").write_text("another\n")
    one, other = (at.keys(source=f"{{path: src, files: [{{from: {name}, to: overlay}}]}}") for name in ("overlay.txt", "another.txt"))
    assert not set(one.values()) & set(other.values())


@key("spec.source.files[].to")
def _(at: World) -> None:
    at.plan(source="{path: src, files: [{from: overlay.txt, to: overlay}]}")
    assert "no build reads anything of overlay.txt" in at.refused(source="{path: src, files: [{from: overlay.txt, to: nowhere}]}")


@key("spec.source.files[].secret")
def _(at: World) -> None:
    one, other = (at.keys(source=f"{{path: src, files: [{{to: overlay, secret: {name}, version: 1}}]}}") for name in ("ONE", "OTHER"))
    assert not set(one.values()) & set(other.values())


@key("spec.source.files[].version")
def _(at: World) -> None:
    one, other = (at.keys(source=f"{{path: src, files: [{{to: overlay, secret: ONE, version: {number}}}]}}") for number in (1, 2))
    assert not set(one.values()) & set(other.values())


@key("spec.source.files[].when")
def _(at: World) -> None:
    plain = at.keys()
    some = at.keys(source="{path: src, files: [{from: overlay.txt, to: overlay, when: {fips: true}}]}")
    assert {name for name in plain if plain[name] != some[name]} == {name for name in plain if "fips=true" in name}


@key("spec.source.files[].when.*.not")
def _(at: World) -> None:
    plain = at.keys()
    some = at.keys(source="{path: src, files: [{from: overlay.txt, to: overlay, when: {os: {not: noble}}}]}")
    assert {name for name in plain if plain[name] != some[name]} == {name for name in plain if "os=jammy" in name}


@key("spec.registry")
def _(at: World) -> None:
    assert "oci-layout:registry/edge:jammy-false" in at.refs()
    assert "registry.example.com/edge:jammy-false" in at.refs(registry="registry.example.com")


@key("spec.vars")
def _(at: World) -> None:
    targets = SPEC["targets"].replace("{{ os }}-", "{{ os }}-{{ vars.release }}-")
    assert "oci-layout:registry/edge:jammy-7-false" in at.refs(vars='{release: "7"}', targets=targets)
    assert "oci-layout:registry/edge:jammy-8-false" in at.refs(vars='{release: "8"}', targets=targets)


@key("spec.args")
def _(at: World) -> None:
    one, other = at.keys(args="{CHANNEL: stable, K8S: '1'}"), at.keys(args="{CHANNEL: stable, K8S: '2'}")
    assert not set(one.values()) & set(other.values())
    assert "no Earthly target of this manifest declares ARG CHANEL" in at.refused(args="{CHANEL: stable}")


# The matrix ------------------------------------------------------------------


@key("spec.axes")
def _(at: World) -> None:
    assert len(at.cells(axes="{os: [jammy], fips: [false, true]}")) == 2


VERSIONED = (
    SPEC["targets"].replace('OS: "{{ os }}"', 'OS: "{{ os }}", K8S: "{{ kubernetes.version }}"').replace("{{ os }}-", "{{ os }}-{{ kubernetes }}-")
)


@key("spec.axes.*[].versions")
def _(at: World) -> None:
    axes = "{os: [jammy], fips: [true], kubernetes: [{distribution: k3s, versions: VERSIONS}]}"
    one = at.cells(axes=axes.replace("VERSIONS", '["1.33.1"]'), targets=VERSIONED)
    two = at.cells(axes=axes.replace("VERSIONS", '["1.33.1", "1.34.2"]'), targets=VERSIONED)
    assert two - one == {"fips=true,kubernetes=k3s-1.34.2,os=jammy"}


def newest(at: World, versions: str) -> set[str]:
    found = canvos(at).refs(**{**CANVOS, "axes": CANVOS["axes"].replace('["1.34.6"]', versions)})
    at.root.joinpath("canvos").unlink()
    return {ref.partition(":")[2].removesuffix("-v4.9.38-x") for ref in found}


@key("spec.axes.*[].versions.latest")
def _(at: World) -> None:
    assert newest(at, "{latest: 1}") == {"k3s-1.35.3"}
    assert newest(at, "{latest: 2}") == {"k3s-1.35.3", "k3s-1.34.6"}


@key("spec.axes.*[].versions.of")
def _(at: World) -> None:
    assert newest(at, '{latest: 1, of: "1.33.x"}') == {"k3s-1.33.10"}


@key("spec.axes.*[].value")
def _(at: World) -> None:
    assert at.cells(axes="{os: [{value: jammy, args: {K8S: '1'}}], fips: [true]}") == {"fips=true,os=jammy"}
    assert at.cells(axes="{os: [{value: noble, args: {K8S: '1'}}], fips: [true]}") == {"fips=true,os=noble"}


@key("spec.axes.*[].args")
def _(at: World) -> None:
    one, other = (at.keys(axes=f"{{os: [jammy, {{value: noble, args: {{K8S: '{version}'}}}}], fips: [true]}}") for version in "12")
    assert [name for name in one if one[name] != other[name]] == ["image[fips=true,os=noble]"]


# Rules -----------------------------------------------------------------------


def ruled(effect: str, *, name: str = "mine", reason: str = "because") -> str:
    return f"[{{name: {name}, {effect}, reason: {reason}}}]"


@key("spec.rules")
def _(at: World) -> None:
    assert len(at.cells(rules=ruled("exclude: {fips: true}"))) == 2


@key("spec.rules[].name")
def _(at: World) -> None:
    assert "the rule 'mine' remarks on 2 cells" in at.warned(rules=ruled("warn: {fips: true}"))
    assert "the rule 'other' remarks on 2 cells" in at.warned(rules=ruled("warn: {fips: true}", name="other"))


@key("spec.rules[].reason")
def _(at: World) -> None:
    assert "remarks on 2 cells: so it is" in at.warned(rules=ruled("warn: {fips: true}", reason="so it is"))


@key("spec.rules[].when")
def _(at: World) -> None:
    assert at.cells(rules=ruled("when: {os: jammy}, exclude: {fips: true}")) == {"fips=false,os=jammy", "fips=false,os=noble", "fips=true,os=noble"}


@key("spec.rules[].require")
def _(at: World) -> None:
    assert at.cells(rules=ruled("require: {os: jammy}")) == {"fips=false,os=jammy", "fips=true,os=jammy"}


@key("spec.rules[].exclude")
def _(at: World) -> None:
    assert at.cells(rules=ruled("exclude: {os: jammy}")) == {"fips=false,os=noble", "fips=true,os=noble"}


@key("spec.rules[].deny")
def _(at: World) -> None:
    assert "the rule 'mine' refuses 2 cells: because" in at.refused(rules=ruled("deny: {os: jammy}"))


@key("spec.rules[].warn")
def _(at: World) -> None:
    assert "the rule 'mine' remarks on 2 cells: because" in at.warned(rules=ruled("warn: {os: jammy}"))


@key("spec.rules[].when.*.not")
def _(at: World) -> None:
    assert len(at.cells(rules=ruled("when: {os: {not: jammy}}, exclude: {fips: true}"))) == 3


@key("spec.rules[].require.*.not")
def _(at: World) -> None:
    assert at.cells(rules=ruled("require: {os: {not: jammy}}")) == {"fips=false,os=noble", "fips=true,os=noble"}


@key("spec.rules[].exclude.*.not")
def _(at: World) -> None:
    assert at.cells(rules=ruled("exclude: {os: {not: jammy}}")) == {"fips=false,os=jammy", "fips=true,os=jammy"}


@key("spec.rules[].deny.*.not")
def _(at: World) -> None:
    assert "refuses 2 cells" in at.refused(rules=ruled("deny: {os: {not: jammy}}"))


@key("spec.rules[].warn.*.not")
def _(at: World) -> None:
    assert "remarks on 2 cells" in at.warned(rules=ruled("warn: {os: {not: [jam*]}}"))


@key("spec.include")
def _(at: World) -> None:
    assert at.cells(include="[{os: focal, fips: true}]") - at.cells() == {"fips=true,os=focal"}


# Targets ---------------------------------------------------------------------


def image(**parts: str) -> str:
    """The target with parts of it replaced or added."""
    whole = {
        "earthly": "+image",
        "args": '{OS: "{{ os }}", FIPS: "{{ fips }}"}',
        "image": '{repository: "{{ registry }}/edge", tag: "{{ os }}-{{ fips }}"}',
        **parts,
    }
    return "\n    image:\n" + "\n".join(f"      {name}: {text}" for name, text in whole.items() if text)


NOTES = """
    notes:
      earthly: +notes
      args: {OS: "{{ os }}"}
      axes: [os]
      artifacts: [{path: PATH, as: "NAME-{{ os }}.txt"}]"""


@key("spec.targets")
def _(at: World) -> None:
    both = SPEC["targets"] + NOTES.replace("PATH", "/notes.txt").replace("NAME", "notes")
    assert set(at.keys(targets=both)) - set(at.keys()) == {"notes[os=jammy]", "notes[os=noble]"}


@key("spec.targets.*.axes")
def _(at: World) -> None:
    smaller = image(axes="[os]", args='{OS: "{{ os }}"}', image='{repository: "{{ registry }}/edge", tag: "{{ os }}"}')
    assert at.plan(targets=smaller)["counts"] == {"cells": 4, "demands": 2, "builds": 2}


@key("spec.targets.*.when")
def _(at: World) -> None:
    assert set(at.keys(targets=image(when="{fips: true}"))) == {"image[fips=true,os=jammy]", "image[fips=true,os=noble]"}


@key("spec.targets.*.when.*.not")
def _(at: World) -> None:
    assert set(at.keys(targets=image(when="{os: {not: jammy}}"))) == {"image[fips=false,os=noble]", "image[fips=true,os=noble]"}


@key("spec.targets.*.earthly")
def _(at: World) -> None:
    (at.root / "src/Earthfile").write_text((at.root / "src/Earthfile").read_text().replace("notes:", "other:\n    FROM +image\n\nnotes:"))
    one, other = (
        at.keys(targets=image()),
        at.keys(targets=image(earthly="+other", args="{}", axes="[]", image='{repository: "{{ registry }}/e", tag: x}')),
    )
    assert not set(one.values()) & set(other.values())
    assert "+nothing" in at.refused(targets=image(earthly="+nothing"))


@key("spec.targets.*.engine")
def _(at: World) -> None:
    assert at.keys(targets=SPEC["targets"] + DOCKER.replace("docker:", "engine: docker\n      docker:", 1)) == at.keys(
        targets=SPEC["targets"] + DOCKER
    )
    assert "has an Earthly target and engine docker" in at.refused(targets=image(engine="docker"))


def docker(at: World, written: str) -> dict[str, object]:
    return at.explained(
        "build:base[os=jammy]" if "Other" in written else "build:base", targets=SPEC["targets"] + DOCKER.replace("{context: docker}", written)
    )


@key("spec.targets.*.docker")
def _(at: World) -> None:
    assert docker(at, "{context: docker}")["engine"] == "docker/1"


@key("spec.targets.*.docker.context")
def _(at: World) -> None:
    assert docker(at, "{context: docker}")["files"] != docker(at, "{context: other}")["files"]


@key("spec.targets.*.docker.platform")
def _(at: World) -> None:
    targets = SPEC["targets"] + DOCKER
    arm = targets.replace("{context: docker}", '{context: docker, platform: "linux/arm64"}')
    assert at.keys(targets=arm) != at.keys(targets=targets)


@key("spec.targets.*.docker.dockerfile")
def _(at: World) -> None:
    targets = SPEC["targets"] + DOCKER
    first = at.keys(targets=targets)
    other = at.keys(targets=targets.replace("{context: docker}", '{context: docker, dockerfile: Other}\n      args: {OS: "{{ os }}"}'))
    assert "base" in first
    assert {"base[os=jammy]", "base[os=noble]"} <= set(other)


@key("spec.targets.*.docker.secrets")
def _(at: World) -> None:
    targets = SPEC["targets"] + DOCKER.replace("{context: docker}", "{context: docker, secrets: [TOKEN]}")
    assert "no Dockerfile of base mounts the secret 'TOKEN'" in at.refused(targets=targets, secrets=TOKEN)
    (at.root / "src/docker/Dockerfile").write_text("FROM alpine\nRUN --mount=type=secret,id=TOKEN true\n")
    assert at.explained("build:base", targets=targets, secrets=TOKEN)["secrets"] == [{"name": "TOKEN", "from": "env EDGE_TOKEN", "version": ""}]
    assert "asks for the secret 'TOKEN'" in at.refused(targets=targets)


NEEDING = SPEC["targets"].replace("args: {", "needs: [base]\n      args: {BASE: \"{{ needs['base'].image }}\", ") + DOCKER


@key("spec.targets.*.needs")
def _(at: World) -> None:
    assert at.explained("image[fips=true,os=jammy]", targets=NEEDING)["needs"] == ["base"]
    assert "there are no needs to name here" in at.refused(targets=NEEDING.replace("needs: [base]\n", "timeout: 5m\n"))


@key("spec.targets.*.args")
def _(at: World) -> None:
    one, other = (at.keys(targets=image(args=f'{{OS: "{{{{ os }}}}", FIPS: "{{{{ fips }}}}", K8S: "{version}"}}')) for version in "12")
    assert not set(one.values()) & set(other.values())
    assert "+image declares no ARG K9S" in at.refused(targets=image(args="{K9S: x}"))


@key("spec.targets.*.image")
def _(at: World) -> None:
    written = '[{path: /notes.txt, as: "{{ os }}.txt"}]'
    notes = image(earthly="+notes", args='{OS: "{{ os }}"}', axes="[os]", artifacts=written)
    with_image = notes.replace("{{ os }}-{{ fips }}", "{{ os }}")
    assert len(at.refs(targets=with_image)) == 2
    without = image(earthly="+notes", args='{OS: "{{ os }}"}', axes="[os]", artifacts=written, image="")
    assert at.refs(targets=without) == set()


@key("spec.targets.*.image.repository")
def _(at: World) -> None:
    changed = SPEC["targets"].replace("{{ registry }}/edge", "{{ registry }}/{{ os }}")
    assert at.refs(targets=changed) == {f"oci-layout:registry/{os}:{os}-{fips}" for os in ("jammy", "noble") for fips in ("true", "false")}


@key("spec.targets.*.image.tag")
def _(at: World) -> None:
    changed = SPEC["targets"].replace("{{ os }}-{{ fips }}", "{{ os }}{{ '-fips' if fips else '' }}")
    assert "oci-layout:registry/edge:jammy-fips" in at.refs(targets=changed)


@key("spec.targets.*.image.index")
def _(at: World) -> None:
    changed = SPEC["targets"].replace('tag: "{{ os }}-{{ fips }}"', 'tag: "{{ fips }}", index: [os]')
    images = at.plan(targets=changed)["images"]
    assert [(one["ref"], one["index"]) for one in images] == [
        (f"oci-layout:registry/edge:{fips}", [f"image[fips={fips},os=jammy]", f"image[fips={fips},os=noble]"]) for fips in ("false", "true")
    ]
    assert "(4 images, 2 tags)" in at.refused(targets=changed.replace(", index: [os]", ""))
    assert "the image name of image tells os, whose values `index` puts under one name" in at.refused(
        targets=changed.replace('{{ fips }}", i', '{{ os }}", i')
    )
    # Both are for one platform: where they are not (tests/workflow/test_indexing.py), the index is published.
    ended_with(at.write(targets=changed).run("apply", "small.yaml"), 3, "oci-layout:registry/edge:false would list two images for linux/amd64")


def notes(**words: str) -> str:
    text = NOTES
    for word, value in {"PATH": "/notes.txt", "NAME": "notes", **words}.items():
        text = text.replace(word, value)
    return SPEC["targets"] + text


@key("spec.targets.*.artifacts")
def _(at: World) -> None:
    assert at.explained("notes[os=jammy]", targets=notes())["artifacts"] == {"notes-jammy.txt": "/notes.txt"}


@key("spec.targets.*.artifacts[].path")
def _(at: World) -> None:
    one, other = at.keys(targets=notes()), at.keys(targets=notes(PATH="/more.txt"))
    assert {name for name in one if one[name] != other[name]} == {"notes[os=jammy]", "notes[os=noble]"}


@key("spec.targets.*.artifacts[].as")
def _(at: World) -> None:
    assert at.explained("notes[os=jammy]", targets=notes(NAME="read"))["artifacts"] == {"read-jammy.txt": "/notes.txt"}


def too_large(at: World, pool: str, amount: str, limit: str) -> None:
    """A build's amount counts against the manifest's limit."""
    at.plan(targets=image(resources=f"{{{pool}: {limit}}}"), schedule=f"{{limits: {{{pool}: {limit}}}}}")
    said = at.refused(targets=image(resources=f"{{{pool}: {amount}}}"), schedule=f"{{limits: {{{pool}: {limit}}}}}")
    assert f"one build takes {amount} of {pool}, and the limit is {limit}" in said


@key("spec.targets.*.resources")
def _(at: World) -> None:
    assert "there is no pool 'gpus'" in at.refused(targets=image(resources="{gpus: 1}"))
    too_large(at, "gpus", "3", "2")


@key("spec.targets.*.resources.cpu")
def _(at: World) -> None:
    too_large(at, "cpu", "2.5", "2")


@key("spec.targets.*.resources.memory")
def _(at: World) -> None:
    too_large(at, "memory", "8Gi", "4Gi")


@key("spec.targets.*.resources.disk")
def _(at: World) -> None:
    too_large(at, "disk", "8Gi", "4Gi")


@key("spec.targets.*.ambient")
def _(at: World) -> None:
    targets = SPEC["targets"] + RUN.replace("axes:", "ambient: [HTTP_PROXY]\n      axes:", 1)
    assert at.explained("run[os=jammy]", targets=targets, secrets=TOKEN)["ambient"] == ["HTTP_PROXY"]
    ended_with(at.write(targets=image(ambient="[HTTP_PROXY]")).run("apply", "small.yaml"), 8, "cannot honour targets.*.ambient")


@key("spec.targets.*.uses")
def _(at: World) -> None:
    assert "`uses` corrects nothing about the ARG OS" in at.refused(targets=image(uses="{add: [OS]}"))


CHANNEL = '{OS: "{{ os }}", FIPS: "{{ fips }}", CHANNEL: "WORD"}'


@key("spec.targets.*.uses.add")
def _(at: World) -> None:
    def told(word: str, uses: str) -> set[str]:
        return set(at.keys(targets=image(args=CHANNEL.replace("WORD", word), uses=uses)).values())

    assert told("a", "") == told("b", "")
    assert not told("a", "{add: [CHANNEL]}") & told("b", "{add: [CHANNEL]}")


@key("spec.targets.*.uses.ignore")
def _(at: World) -> None:
    assert at.plan(targets=image(uses="{ignore: [FIPS]}"))["counts"]["builds"] == 2


@key("spec.targets.*.privileged")
def _(at: World) -> None:
    assert at.explained("run[os=jammy]", targets=SPEC["targets"] + RUN, secrets=TOKEN)["privileged"]
    assert "+run needs privileges" in at.refused(targets=SPEC["targets"] + RUN.replace("      privileged: true\n", ""), secrets=TOKEN)


@key("spec.targets.*.keepFiles")
def _(at: World) -> None:
    targets = notes() + "\n      keepFiles: true"
    ended_with(at.write(targets=targets).run("apply", "small.yaml"), 0, "")
    again = at.write(targets=targets, publish="{tags: mutable}").run("apply", "small.yaml", "--rebuild", "os=jammy")
    ended_with(again, 5, "which its target keeps (keepFiles)")


@key("spec.targets.*.timeout")
def _(at: World) -> None:
    ended_with(at.write(targets=image(timeout="5m")).run("apply", "small.yaml"), 8, "cannot honour targets.*.timeout")


# Secrets and the engine ------------------------------------------------------


def given(at: World, secrets: str) -> dict[str, str]:
    (secret,) = at.explained("run[os=jammy]", targets=SPEC["targets"] + RUN, secrets=secrets)["secrets"]
    told: dict[str, str] = secret
    return told


@key("spec.secrets")
def _(at: World) -> None:
    at.plan(targets=SPEC["targets"] + RUN, secrets=TOKEN)
    assert "asks for the secret 'TOKEN'" in at.refused(targets=SPEC["targets"] + RUN)


@key("spec.secrets[].name")
def _(at: World) -> None:
    assert "no build asks for the secret 'TOKN'" in at.refused(targets=SPEC["targets"] + RUN, secrets="[{name: TOKN, env: T}]")


@key("spec.secrets[].env")
def _(at: World) -> None:
    assert given(at, "[{name: TOKEN, env: OTHER}]")["from"] == "env OTHER"


@key("spec.secrets[].file")
def _(at: World) -> None:
    assert given(at, "[{name: TOKEN, file: token.txt}]")["from"] == "file token.txt"


@key("spec.secrets[].command")
def _(at: World) -> None:
    assert given(at, "[{name: TOKEN, command: [pass, show, token]}]")["from"] == "pass show token"


@key("spec.secrets[].version")
def _(at: World) -> None:
    one, other = (at.keys(targets=SPEC["targets"] + RUN, secrets=f"[{{name: TOKEN, env: T, version: {number}}}]") for number in (1, 2))
    assert {name for name in one if one[name] != other[name]} == {"run[os=jammy]", "run[os=noble]"}


@key("spec.secrets[].when")
def _(at: World) -> None:
    said = at.refused(targets=SPEC["targets"] + RUN, secrets="[{name: TOKEN, env: T, when: {os: jammy}}]")
    assert "run (os=noble) asks for the secret 'TOKEN'" in said


@key("spec.secrets[].when.*.not")
def _(at: World) -> None:
    said = at.refused(targets=SPEC["targets"] + RUN, secrets="[{name: TOKEN, env: T, when: {os: {not: jammy}}}]")
    assert "run (os=jammy) asks for the secret 'TOKEN'" in said


@key("spec.engine")
def _(at: World) -> None:
    assert at.plan()["engine"] == "embedded/1"
    assert at.plan(engine="earthly")["engine"] == "earthly/0.8"


@key("spec.engine.kind")
def _(at: World) -> None:
    assert at.plan(engine="{kind: earthly}")["engine"] == "earthly/0.8"
    assert "RUN" in at.refused(8, engine="{kind: embedded}", targets=SPEC["targets"] + RUN, secrets=TOKEN)


@key("spec.engine.version")
def _(at: World) -> None:
    at.plan(engine='{kind: earthly, version: ">=0.8.15 <0.9"}')
    assert "allows no version of Earthly 0.8" in at.refused(engine='{kind: earthly, version: ">=0.9"}')


@key("spec.engine.program")
def _(at: World) -> None:
    at.plan(engine="{kind: earthly, program: /usr/local/bin/earthly}")
    assert "engine.program is about Earthly" in at.refused(engine="{kind: embedded, program: /usr/local/bin/earthly}")
    ours = at.write(engine="{kind: earthly, program: /x}", targets=NOTES.replace("PATH", "/notes.txt"))
    ended_with(ours.run("apply", "small.yaml"), 8, "engine.program names /x, and there is no such file")


@key("spec.engine.builders")
def _(at: World) -> None:
    assert "engine.builders is about Earthly" in at.refused(engine='{kind: embedded, builders: ["tcp://builder:8372"]}')
    program = install(at.root / "bin", flavor="earthly").path
    nowhere = f'{{kind: earthly, program: {program}, builders: ["tcp://127.0.0.2:1"]}}'
    assert "is no address of a builder" in at.refused(engine='{kind: earthly, builders: ["builder:8372"]}')
    ended_with(at.write(engine=nowhere, targets=NOTES.replace("PATH", "/notes.txt")).run("apply", "small.yaml"), 8, "the builder tcp://127.0.0.2:1")


@key("spec.engine.image")
def _(at: World) -> None:
    assert "engine.image is about Earthly" in at.refused(engine="{kind: embedded, image: earthly}")
    assert "engine.image and engine.program are two programs" in at.refused(engine="{kind: earthly, image: earthly, program: earthly}")
    project = at.write(engine="{kind: earthly, image: registry.test/earthly}", targets=NOTES.replace("PATH", "/notes.txt"))
    # Whatever programs this machine has.
    ended = in_child("apply", "small.yaml", cwd=project.root, env={"DOCKER_HOST": "tcp://elsewhere:2375"})
    ended_with(ended, 8, "Earthly cannot run in the containers of tcp://elsewhere:2375")


@key("spec.engine.cache")
def _(at: World) -> None:
    assert "engine.cache is about Earthly" in at.refused(engine="{kind: embedded, cache: 1Gi}")
    assert "engine.builders names others" in at.refused(engine='{kind: earthly, cache: 1Gi, builders: ["tcp://builder:8372"]}')
    assert "spec.engine.cache: " in at.refused(engine="{kind: earthly, cache: lots}")
    # What it does is in tests/adapters/engines/contained; a program that builds here has a configuration of its own.
    engine = f"{{kind: earthly, program: {install(at.root / 'bin', flavor='earthly').path}, cache: 1Gi}}"
    ours = at.write(engine=engine, targets=NOTES.replace("PATH", "/notes.txt"))
    ended_with(ours.run("apply", "small.yaml"), 8, "engine.cache is about the builder that matrixbuild keeps in Docker")


# How it runs -----------------------------------------------------------------


def applied(at: World, kinds: Mapping[str, FailureKind], **parts: str) -> tuple[Counter[State], list[Report], Counter[str]]:
    """How the builds of an apply ended, what was reported, and the attempts of each; builds with these arg values fail."""
    reports: list[Report] = []
    engines: list[Failing] = []

    def engine(prepared: Prepared) -> Engine:
        engines.append(Failing(engine_of(prepared), kinds))
        return engines[0]

    listener = Listener(on_plan=lambda plan: None, on_report=lambda report, made: reports.append(report))
    outcomes = apply_manifest(at.write(**parts).manifest, listener, engine=engine).outcomes
    return Counter(outcome.state for outcome in outcomes.values()), reports, engines[0].attempts


def limited(at: World, pool: str, room: str) -> None:
    """With room for one build at a time, none starts before the one before it has ended."""
    ours = image(resources=f"{{{pool}: {room}}}")
    _, reports, _ = applied(at, {}, targets=ours, schedule=f"{{limits: {{{pool}: {room}}}}}")
    running = most = 0
    for report in reports:
        running += 1 if report.state is State.RUNNING else -1
        most = max(most, running)
    assert (most, len(reports)) == (1, 8)


@key("spec.schedule")
def _(at: World) -> None:
    assert "spec.schedule" in at.refused(schedule="{retries: 3}")
    limited(at, "cpu", "1")


@key("spec.schedule.limits")
def _(at: World) -> None:
    limited(at, "licences", "1")


@key("spec.schedule.limits.cpu")
def _(at: World) -> None:
    limited(at, "cpu", "500m")


@key("spec.schedule.limits.memory")
def _(at: World) -> None:
    limited(at, "memory", "1Gi")


@key("spec.schedule.limits.disk")
def _(at: World) -> None:
    limited(at, "disk", "1Gi")


QUICK = "wait: {initial: 1ms, max: 1ms}"


def attempts(at: World, retry: str, kind: FailureKind = FailureKind.NETWORK) -> set[int]:
    _, _, made = applied(at, {"jammy": kind, "noble": kind}, schedule=f"{{retry: {retry}}}")
    return set(made.values())


@key("spec.schedule.retry")
def _(at: World) -> None:
    assert attempts(at, f"{{attempts: 1, {QUICK}}}") == {1}


@key("spec.schedule.retry.attempts")
def _(at: World) -> None:
    assert attempts(at, f"{{attempts: 2, {QUICK}}}") == {2}


@key("spec.schedule.retry.on")
def _(at: World) -> None:
    assert attempts(at, f"{{attempts: 2, on: {{network: false}}, {QUICK}}}") == {1}


def tried(at: World, retry: str) -> int:
    """How many attempts four builds have, one after the other, that all meet one cause."""
    _, _, made = applied(at, {"jammy": FailureKind.NETWORK, "noble": FailureKind.NETWORK}, schedule=f"{{limits: {{cpu: 1}}, retry: {{{retry}, {QUICK}}}}}")
    return made.total()


@key("spec.schedule.retry.budget")
def _(at: World) -> None:
    assert [tried(at, f"attempts: 4, budget: {budget}") for budget in (0, 5, 100)] == [4, 9, 16]


@key("spec.schedule.retry.pauseAfter")
def _(at: World) -> None:
    def pauses(after: int) -> int:
        heard: list[Happening] = []
        listener = Listener(on_plan=lambda _: None, on_report=lambda _, __: None, on_happening=heard.append)
        project = at.write(schedule=f"{{limits: {{cpu: 1}}, retry: {{attempts: 2, pauseAfter: {after}, {QUICK}}}}}")
        apply_manifest(project.manifest, listener, engine=lambda prepared: Failing(engine_of(prepared), {"jammy": FailureKind.NETWORK}))
        return sum(isinstance(told, Waited) and isinstance(told.what, Paused) for told in heard)

    assert pauses(1) > 0
    assert pauses(9) == 0


def explained(at: World, pattern: str) -> tuple[str, bool, str]:
    """What a recorded attempt failed with, that ended because of a step, where the manifest has this pattern."""
    attempt = at.root / "attempt"
    attempt.mkdir(exist_ok=True)
    (attempt / "exit").write_text("1\n")
    output = b64encode(b"the licence server sleeps").decode()
    failure = {"type": "FAILURE_TYPE_NONZERO_EXIT", "errorMessage": "did not complete successfully. Exit code 3", "output": output}
    (attempt / "run-manifest.json").write_text(json.dumps({"failure": failure}))
    found = classify_attempt(attempt, at.write(schedule=f"{{retry: {{patterns: [{pattern}]}}}}").manifest)
    assert found.failure
    return found.failure.kind.value, found.again, found.failure.hint


@key("spec.schedule.retry.patterns")
@key("spec.schedule.retry.patterns[].match")
@key("spec.schedule.retry.patterns[].class")
def _(at: World) -> None:
    assert explained(at, "{match: awake, class: auth}") == ("step", False, "")
    assert explained(at, "{match: licence .* sleeps, class: auth}") == ("auth", False, "")


@key("spec.schedule.retry.patterns[].retry")
def _(at: World) -> None:
    assert explained(at, "{match: sleeps, retry: true}") == ("step", True, "")
    assert explained(at, "{match: sleeps, class: network, retry: false}") == ("network", False, "")


@key("spec.schedule.retry.patterns[].hint")
def _(at: World) -> None:
    assert explained(at, "{match: sleeps, hint: wake it}") == ("step", False, "wake it")


def waits(at: World, wait: str) -> list[float]:
    _, reports, _ = applied(at, {"jammy": FailureKind.NETWORK, "noble": FailureKind.NETWORK}, schedule=f"{{retry: {{attempts: 4, wait: {wait}}}}}")
    return [report.wait for report in reports if report.state is State.RESTING]


@key("spec.schedule.retry.wait")
def _(at: World) -> None:
    assert max(waits(at, "{initial: 1ms, max: 2ms}")) < 0.1


@key("spec.schedule.retry.wait.initial")
def _(at: World) -> None:
    assert max(waits(at, "{initial: 1ms, max: 64ms}")) < min(waits(at, "{initial: 64ms, max: 64ms}"))


@key("spec.schedule.retry.wait.max")
def _(at: World) -> None:
    assert max(waits(at, "{initial: 8ms, max: 8ms}")) < max(waits(at, "{initial: 8ms, max: 64ms}"))


SHARING = """\
VERSION 0.6
FROM alpine:3.20
ARG OS
ARG FIPS

common:
    RUN echo the same

image:
    FROM +common
    RUN echo $OS $FIPS
    SAVE IMAGE image
"""


def skipped(at: World, on_failure: str) -> int:
    states, _, _ = applied(at, {"jammy": FailureKind.STEP}, schedule=f"{{limits: {{cpu: 1}}, retry: {{attempts: 1}}, onFailure: {on_failure}}}")
    return states[State.SKIPPED]


@key("spec.schedule.onFailure")
def _(at: World) -> None:
    assert skipped(at, "keep-going") == 0
    assert skipped(at, "fail-fast") > 0


@key("spec.schedule.onFailure.maxFailures")
def _(at: World) -> None:
    assert skipped(at, "{maxFailures: 9}") == 0
    assert skipped(at, "{maxFailures: 1}") > 0


@key("spec.schedule.silence")
def _(at: World) -> None:
    ended_with(at.write(schedule="{silence: 20m}").run("apply", "small.yaml"), 8, "cannot honour schedule.silence")


@key("spec.schedule.share")
def _(at: World) -> None:
    (at.root / "src/Earthfile").write_text(SHARING)
    assert [each["target"] for each in at.plan(engine="earthly")["shared"]] == ["+common"]
    assert "shared" not in at.plan(engine="earthly", schedule="{share: false}")


@key("spec.publish")
def _(at: World) -> None:
    assert at.refs(publish="none") == set()


@key("spec.publish.mode")
def _(at: World) -> None:
    assert at.refs(publish="{mode: none}") == set()
    assert len(at.refs(publish="{mode: each}")) == 4


@key("spec.publish.tags")
def _(at: World) -> None:
    at.write().apply()
    (at.root / "src/common").write_text("changed\n")
    assert "tags are immutable" in at.refused(5)
    assert {image["action"] for image in at.plan(publish="{tags: mutable}")["images"]} == {"move"}


# The network -----------------------------------------------------------------


def addresses(at: World, network: str) -> tuple[str, ...]:
    manifest = read_and_expand(at.write(network=network).manifest).manifest
    return reach_of(manifest.network, base=at.root).addresses("registry.lab:5000")


@key("spec.network")
def _(at: World) -> None:
    assert "spec.network" in at.refused(network="{proxies: env}")


@key("spec.network.insecure")
def _(at: World) -> None:
    assert addresses(at, "") == ("https://registry.lab:5000",)
    assert addresses(at, '{insecure: ["registry.lab:5000"]}') == ("https://registry.lab:5000", "http://registry.lab:5000")


@key("spec.network.ca")
def _(at: World) -> None:
    assert "network.ca: corp.pem cannot be read" in at.refused(network="{ca: [corp.pem]}")


@key("spec.network.proxy")
def _(at: World) -> None:
    environ = {"https_proxy": "http://proxy.example.com:3128"}
    for proxy, wanted in (("env", "http://proxy.example.com:3128"), ("none", "")):
        manifest = read_and_expand(at.write(network=f"{{proxy: {proxy}}}").manifest).manifest
        assert reach_of(manifest.network, base=at.root, environ=environ).proxies.of("https://registry.lab/") == wanted
