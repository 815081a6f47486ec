"""Planning for Earthly: RUN and all, with what each build depends on; apply says that it cannot carry it out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from matrixbuild.core.build import Build
from matrixbuild.core.problems import InvalidError, Problem, Severity, UnusableError
from matrixbuild.workflow.applying import Listener, apply_manifest
from matrixbuild.workflow.planning import plan_manifest, prepare
from tests.projects import small_project

EARTHFILE = """\
VERSION --arg-scope-and-set --shell-out-anywhere 0.6
FROM alpine:3.20
ARG OS
ARG K8S
ARG CUSTOM_TAG
ARG FIPS=false
ARG UPDATE=false
IF [ "$CUSTOM_TAG" != "" ]
    ARG TAG=v1-$CUSTOM_TAG
ELSE
    ARG TAG=v1
END
ARG IMAGE=reg.example.com/$OS:$K8S-$TAG
IF [ "$FIPS" = "true" ] && [ "$UPDATE" = "true" ]
    RUN echo "ERROR: FIPS and UPDATE are exclusive." >&2 && \\
        exit 1
END

base-image:
    FROM DOCKERFILE --build-arg BASE=example.com/$OS .
    RUN apt-get update

provider:
    FROM +base-image
    COPY script.sh /
    RUN /script.sh
    SAVE IMAGE --push $IMAGE

iso:
    FROM +base-image
    COPY overlay /
    IF [ -f /x ]
        COPY extra /
    END
    SAVE ARTIFACT /x x.iso

anything:
    COPY $(cat list) /
"""

MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: edge}
spec:
  source: {path: src}
  registry: registry.example.com/edge
  engine: {kind: earthly}
  axes:
    os: [jammy, noble]
    k8s: ["1.33", "1.34"]
    fips: [false, true]
  args: {OS: "{{ os }}", K8S: "{{ k8s }}", CUSTOM_TAG: "{{ os }}{{ k8s }}"}
  targets:
    provider:
      earthly: +provider
      image: {repository: "{{ registry }}/{{ os }}", tag: "{{ k8s }}"}
    iso:
      earthly: +iso
      artifacts: [{path: /x.iso, as: "{{ os }}.iso"}]
"""

FILES = {
    "m.yaml": MANIFEST,
    "src/Earthfile": EARTHFILE,
    "src/Dockerfile": "ARG BASE\nFROM $BASE\nRUN true\nCOPY certs /certs\n",
    "src/certs/a.pem": "",
    "src/script.sh": "#!/usr/bin/env bash\ninstall k8s/$K8S\n",
    "src/overlay/file": "",
    "src/extra": "",
    "src/unrelated": "",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def edit(project: Path, path: str, old: str, new: str) -> None:
    text = (project / path).read_text()
    assert old in text
    (project / path).write_text(text.replace(old, new))


def builds(project: Path) -> dict[str, Build]:
    return {build.name: build for build in prepare(project / "m.yaml", resolve=False).builds}


def keys(project: Path) -> dict[str, str]:
    return {name: build.key for name, build in builds(project).items()}


def test_what_an_installer_does_not_depend_on_makes_no_second_one(project: Path) -> None:
    found = builds(project)
    assert set(found) == {
        "iso[os=jammy]",
        "iso[os=noble]",
        *(f"provider[k8s={k8s},os={system}]" for k8s in ("1.33", "1.34") for system in ("jammy", "noble")),
    }
    iso = found["iso[os=jammy]"]
    assert iso.engine == "earthly/0.8"
    assert iso.args == (("OS", "jammy"),)
    assert [path for path, _ in iso.inputs.files] == ["certs", "certs/a.pem", "extra", "overlay", "overlay/file"]
    assert [ref for ref, _ in iso.inputs.bases] == ["alpine:3.20", "example.com/jammy"]
    provider = found["provider[k8s=1.33,os=jammy]"]
    assert dict(provider.args) == {"OS": "jammy", "K8S": "1.33"}
    assert dict(provider.name_only) == {"CUSTOM_TAG": "jammy1.33"}


@pytest.mark.parametrize(
    ("change", "rebuilt"),
    [
        (lambda root: (root / "src/script.sh").write_text("install $K8S\n"), "provider"),
        (lambda root: (root / "src/script.sh").chmod(0o755), "provider"),
        (lambda root: (root / "src/extra").write_text("x"), "iso"),
        (lambda root: (root / "src/certs/b.pem").write_text("x"), "provider iso"),
        (lambda root: edit(root, "src/Earthfile", "RUN apt-get update", "RUN apt-get upgrade"), "provider iso"),
        (lambda root: edit(root, "src/Earthfile", "    RUN /script.sh\n", "    RUN /script.sh -v\n"), "provider"),
        (lambda root: edit(root, "src/Earthfile", "COPY overlay /", "COPY overlay /x"), "iso"),
        (lambda root: edit(root, "src/Dockerfile", "RUN true", "RUN false"), "provider iso"),
        (lambda root: edit(root, "src/Earthfile", "provider:\n", "# why\nprovider:\n"), ""),
        (lambda root: edit(root, "src/Earthfile", "COPY $(cat list)", "COPY $(cat other)"), ""),
        (lambda root: edit(root, "m.yaml", '"{{ os }}{{ k8s }}"', "mine"), ""),
        (lambda root: (root / "src/unrelated").write_text("x"), ""),
    ],
)
def test_a_change_rebuilds_what_can_see_it_and_nothing_else(project: Path, change: Callable[[Path], None], rebuilt: str) -> None:
    before = keys(project)
    change(project)
    after = keys(project)
    assert {name.partition("[")[0] for name in before if before[name] != after[name]} == set(rebuilt.split())


def test_where_what_is_read_is_unknown_every_file_counts(project: Path) -> None:
    edit(project, "m.yaml", "earthly: +iso", "earthly: +anything")
    before = keys(project)
    (project / "src/unrelated").write_text("x")
    after = keys(project)
    assert {name.partition("[")[0] for name in before if before[name] != after.get(name)} == {"iso"}


def test_a_guard_is_told_with_its_line_and_the_cells_it_fails(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    edit(project, "m.yaml", "  args: {", '  args: {FIPS: "{{ fips }}", UPDATE: "true", ')
    edit(project, "m.yaml", 'tag: "{{ k8s }}"', 'tag: "{{ k8s }}-{{ fips }}"')
    edit(project, "m.yaml", '"{{ os }}.iso"', '"{{ os }}-{{ fips }}.iso"')
    with pytest.raises(InvalidError) as caught:
        plan_manifest(project / "m.yaml", refresh=False, overwrite=frozenset())
    (problem,) = caught.value.problems
    assert str(problem.place) == "src/Earthfile:15:5"
    assert problem.summary == "the Earthfile refuses this for iso, provider: ERROR: FIPS and UPDATE are exclusive."
    assert problem.hint == (
        "exclude what it concerns with a rule, or correct its args: "
        "fips=true,k8s=1.33,os=jammy; fips=true,k8s=1.33,os=noble; fips=true,k8s=1.34,os=jammy; and 1 more"
    )


def test_an_arg_that_nothing_declares_is_told(project: Path) -> None:
    edit(project, "m.yaml", "earthly: +provider", "earthly: +provider\n      args: {CUSTOM_TAGG: x}")
    with pytest.raises(InvalidError, match="\\+provider declares no ARG CUSTOM_TAGG on its path"):
        builds(project)


def remarks(project: Path) -> tuple[Problem, ...]:
    return plan_manifest(project / "m.yaml", refresh=False, overwrite=frozenset()).prepared.remarks


def give_idle(project: Path, *, uses: str = "", read: str = "") -> None:
    edit(project, "src/Earthfile", "ARG FIPS=false\n", "ARG FIPS=false\nARG IDLE\n")
    edit(project, "src/Earthfile", "    RUN /script.sh\n", f"    RUN /script.sh\n{read}")
    edit(project, "m.yaml", "earthly: +provider", f"earthly: +provider\n      args: {{IDLE: x}}{uses}")


def test_an_arg_that_no_build_reads_is_told(project: Path) -> None:
    """With a value that changes nothing the manifest would say something that has no effect."""
    give_idle(project)
    hint = "remove it; where a command reads it unseen, write targets.provider.uses: {add: [IDLE]}"
    summary = "no build reads the ARG IDLE: provider declares it, and nothing hangs on it"
    (problem,) = remarks(project)
    assert (problem.summary, problem.hint, problem.code, problem.severity) == (summary, hint, "idle-arg", Severity.WARNING)
    assert problem.place
    assert problem.place.text[problem.place.column - 1 :].startswith("IDLE: x")


@pytest.mark.parametrize(
    "given",
    [
        {"uses": "\n      uses: {add: [IDLE]}"},
        {"read": '    IF [ "$OS" = "jammy" ]\n        RUN echo $IDLE\n    END\n'},
        {"read": "    SAVE IMAGE --push example.com/other:$IDLE\n"},
    ],
)
def test_an_arg_that_one_build_reads_or_that_names_an_image_counts(project: Path, given: dict[str, str]) -> None:
    give_idle(project, **given)
    assert remarks(project) == ()


def test_an_arg_that_another_target_reads_counts(project: Path) -> None:
    """A file of ARGs is often given to all: that builds do not differ for it is what the plan says."""
    give_idle(project)
    edit(project, "src/Earthfile", "    COPY overlay /\n", "    COPY overlay /\n    RUN echo $IDLE\n")
    edit(project, "m.yaml", "earthly: +iso", "earthly: +iso\n      args: {IDLE: x}")
    assert remarks(project) == ()


def test_apply_ends_with_what_it_lacks(project: Path) -> None:
    """Nothing has been started then."""
    edit(project, "m.yaml", "registry: registry.example.com", "registry: oci-layout:registry")
    with pytest.raises(UnusableError) as caught:
        apply_manifest(project / "m.yaml", Listener(on_plan=lambda plan: None, on_report=lambda report, made: None))
    assert caught.value.exit_code == 8
    assert caught.value.problems[0].summary == "Earthly pushes to registries, and the manifest's is an image layout"
    assert not list(project.glob(".matrixbuild/*/runs/*/*"))


def test_a_target_that_only_builds_others_has_no_image(project: Path) -> None:
    edit(project, "src/Earthfile", "anything:", "all:\n    IF [ $OS = jammy ]\n        BUILD +provider\n    END\n\nanything:")
    edit(project, "m.yaml", "earthly: +provider", "earthly: +all")
    with pytest.raises(InvalidError) as caught:
        builds(project)
    summary = "+all saves no image of its own: it BUILDs other Earthly targets, and what is published would be what it begins with"
    hint = "name the Earthly target that makes the image, one build for each; or have this one SAVE IMAGE"
    assert [(each.summary, each.hint) for each in caught.value.problems] == [(summary, hint)]


def test_what_is_opaque_secret_and_privileged_reaches_builds_and_plan(project: Path) -> None:
    before = keys(project)
    edit(project, "src/Earthfile", "    RUN /script.sh\n", "    RUN --privileged --secret TOKEN --secret OTHER=+secrets/second /script.sh\n")
    with pytest.raises(InvalidError, match=r"\+provider needs privileges, and the target does not allow them"):
        builds(project)
    edit(project, "m.yaml", "earthly: +provider", "privileged: true\n      earthly: +provider")
    with pytest.raises(InvalidError, match=r"asks for the secret 'second', which spec\.secrets does not give it"):
        builds(project)
    edit(project, "m.yaml", "spec:\n", "spec:\n  secrets: [{name: TOKEN, env: TOKEN}, {name: second, env: SECOND}]\n")
    found = builds(project)["provider[k8s=1.33,os=jammy]"]
    assert "time" in found.opaque
    assert (found.secrets, found.privileged) == (("TOKEN", "second"), True)
    iso = builds(project)["iso[os=jammy]"]
    assert (iso.secrets, iso.privileged, iso.key) == ((), False, before["iso[os=jammy]"])
    planned = plan_manifest(project / "m.yaml", refresh=False, overwrite=frozenset()).plan
    assert {build.secrets for build in planned.builds} == {(), ("TOKEN", "second")}


OF_GIT = """\
VERSION 0.8
base-image:
    FROM alpine:3.20
    ARG EARTHLY_GIT_BRANCH
    LABEL branch=$EARTHLY_GIT_BRANCH

image:
    FROM +base-image
    ARG OS
    ARG EARTHLY_GIT_HASH
    LABEL os=$OS revision=$EARTHLY_GIT_HASH

plain:
    FROM alpine:3.20
    ARG OS
    ARG EARTHLY_TARGET_NAME
    LABEL os=$OS name=$EARTHLY_TARGET_NAME
"""

OF_GIT_MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: small}
spec:
  source: {path: src}
  registry: registry.example.com/edge
  engine: earthly
  axes: {os: [jammy, noble]}
  targets:
    image: {earthly: +image, args: {OS: "{{ os }}"}, image: {repository: "{{ registry }}/{{ os }}", tag: "1"}}
    plain: {earthly: +plain, args: {OS: "{{ os }}"}, image: {repository: "{{ registry }}/{{ os }}", tag: "2"}}
"""


def test_builtins_that_tell_of_a_git_repository_are_told_to_be_empty(tmp_path: Path) -> None:
    project = small_project(tmp_path, manifest=OF_GIT_MANIFEST, files={"src/Earthfile": OF_GIT})
    line = OF_GIT_MANIFEST.splitlines()[9]
    told = (
        "small.yaml:10:22: warning: EARTHLY_GIT_BRANCH, EARTHLY_GIT_HASH of +image are empty in a build, whose checkout has no .git\n"
        f"  10 | {line}\n"
        f"     | {' ' * 21}^^^^^^\n"
        '     = hint: give what it tells by an ARG of another name, as in args: {REVISION: "{{ source.commit }}"}; `explain` shows the line\n'
    )
    ended = project.run("plan", "small.yaml")
    assert (ended.code, ended.err) == (0, told)
    (project.root / "src" / "Earthfile").write_text(OF_GIT.replace("    ARG EARTHLY_GIT_BRANCH\n", ""))
    one = project.run("plan", "small.yaml")
    assert one.err == told.replace("EARTHLY_GIT_BRANCH, EARTHLY_GIT_HASH of +image are", "EARTHLY_GIT_HASH of +image is")
