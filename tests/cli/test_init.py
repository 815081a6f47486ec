from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from matrixbuild.cli import init
from matrixbuild.core.problems import InvalidError, MatrixbuildError, RefusedError, UnusableError
from matrixbuild.workflow.validating import validate
from tests.cli.verbs import run_verb
from tests.manifest_texts import told

ARG_FILE = """\
# of the guide
CUSTOM_TAG=palette-learn
IMAGE_REGISTRY=ttl.sh
OS_DISTRIBUTION=ubuntu
IMAGE_REPO=$OS_DISTRIBUTION
OS_VERSION=22
K8S_DISTRIBUTION=k3s
K8s_VERSION=1.28.5
ISO_NAME=palette-edge-installer
ARCH=amd64
TWO_NODE=true
HTTPS_PROXY=
UPDATE_KERNEL=false
MY_ORG="ACME Corporation"   # ours
"""

EARTHFILE = """\
VERSION 0.6
FROM scratch
ARG PE_VERSION=v4.4.12
ARG OS_DISTRIBUTION
ARG OS_VERSION
ARG K8S_DISTRIBUTION
ARG K8S_VERSION
ARG IMAGE_REGISTRY
ARG IMAGE_REPO=$OS_DISTRIBUTION
ARG CUSTOM_TAG
ARG ISO_NAME=installer
ARG ARCH
ARG TWO_NODE=false
ARG UPDATE_KERNEL=false
ARG MY_ORG="ACME Corp"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory to stand in, so that messages name files as a person does."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def checkout(project: Path) -> Path:
    directory = project / "CanvOS"
    directory.mkdir()
    (directory / ".arg").write_text(ARG_FILE)
    (directory / "Earthfile").write_text(EARTHFILE)
    (directory / "k8s_version.json").write_text('{"k3s": ["1.28.5", "1.28.7"], "rke2": ["1.28.7"]}')
    return directory


def refusal(kind: type[MatrixbuildError], *words: str) -> list[str]:
    with pytest.raises(kind) as caught:
        run_verb(init, *words)
    return told(caught.value.problems)


class TestInit:
    def test_what_it_writes_is_valid(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run_verb(init) == 0
        assert capsys.readouterr() == (
            "",
            (
                "wrote manifests/release.yaml\n"
                "  spec.registry is an example: registry.example.com/edge\n"
                "next:\n"
                "  matrixbuild validate manifests/release.yaml\n"
                "  matrixbuild plan manifests/release.yaml\n"
            ),
        )
        assert told(validate([Path("manifests/release.yaml")]).problems) == []

    def test_it_overwrites_nothing(self, project: Path) -> None:
        (project / "mine.yaml").write_text("mine")
        assert refusal(RefusedError, "mine.yaml") == ["mine.yaml is there already (name another file: nothing that is there is overwritten)"]
        assert (project / "mine.yaml").read_text() == "mine"

    @pytest.mark.parametrize(("file", "name"), [("My Edge_2.yaml", "my-edge-2"), ("日本.yaml", "edge"), ("a.b.yaml", "a-b"), ("x" * 80, "x" * 63)])
    def test_the_name_is_the_files(self, file: str, name: str, project: Path) -> None:
        run_verb(init, file)
        assert f"metadata: {{name: {name}}}" in (project / file).read_text()
        assert told(validate([Path(file)]).problems) == []

    def test_a_name_for_the_shell(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        run_verb(init, "my edge.yaml")
        assert capsys.readouterr().err.endswith("  matrixbuild plan 'my edge.yaml'\n")


class TestFromACheckout:
    def test_what_its_files_say(self, checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run_verb(init, "manifests/edge.yaml", "--from", "CanvOS") == 0
        remarks = [
            (
                "IMAGE_REPO=ubuntu: images are called REGISTRY/DISTRIBUTION-VERSION, and no two operating systems share a name;"
                " targets.provider.image says otherwise"
            ),
            "OS_VERSION=22: written as 22.04: kernel packages are called after the dotted version",
            "K8s_VERSION=1.28.5: read as K8S_VERSION; under the name it has, Earthly takes no notice of it",
        ]
        told_lines = "".join(f"  {remark}\n" for remark in remarks)
        next_lines = "next:\n  matrixbuild validate manifests/edge.yaml\n  matrixbuild plan manifests/edge.yaml\n"
        assert capsys.readouterr() == ("", f"wrote manifests/edge.yaml\n{told_lines}{next_lines}")
        text = Path("manifests/edge.yaml").read_text()
        for line in (
            "# Made by `matrixbuild init --from` of the .arg of ../CanvOS.",
            "metadata: {name: edge}                      # names the state, .matrixbuild/NAME: one for each manifest of a project",
            "  source: {path: ../CanvOS}                 # relative to this file",
            "  registry: ttl.sh                          # where images go: host[:port]/path",
            '    customTag: "palette-learn"',
            '    isoName: "palette-edge-installer"',
            '    MY_ORG: "ACME Corporation"',
            '      - {distribution: ubuntu, versions: ["22.04"]}',
            '      - {distribution: k3s, versions: ["1.28.5"]}  # ranges too: "1.34.x", {latest: 3}, all',
            "    twoNode: [true]",
            "#   - OS_VERSION=22: written as 22.04: kernel packages are called after the dotted version",
        ):
            assert f"{line}\n" in text
        assert "updateKernel" not in text

    def test_it_is_valid(self, checkout: Path) -> None:
        for name in ("certs/.gitkeep", "overlay/files/x", "overlay/files-iso/x", "user-data"):
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (checkout / name).write_text("")
        run_verb(init, "edge.yaml", "--from", "CanvOS")
        assert validate([Path("edge.yaml")]).valid, told(validate([Path("edge.yaml")]).problems)

    def test_all_versions_where_none_is_given(self, checkout: Path) -> None:
        (checkout / ".arg").write_text(ARG_FILE.replace("K8s_VERSION=1.28.5", "K8S_VERSION="))
        run_verb(init, "edge.yaml", "--from", "CanvOS")
        assert "- {distribution: k3s, versions: all}" in Path("edge.yaml").read_text()

    def test_what_is_left_open_is_told(self, checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (checkout / ".arg").write_text("# nothing yet\n")
        run_verb(init, "edge.yaml", "--from", "CanvOS")
        assert [line for line in capsys.readouterr().err.splitlines() if "stands in" in line] == [
            "  IMAGE_REGISTRY: it is not given, and registry.example.com/edge stands in for it",
            "  OS_DISTRIBUTION: it is not given, and ubuntu stands in for it",
            "  OS_VERSION: it is not given, and 22.04 stands in for it",
            "  K8S_DISTRIBUTION: it is not given, and k3s stands in for it",
        ]

    def test_no_credential_gets_into_a_manifest(self, checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (checkout / ".arg").write_text(f"{ARG_FILE}UBUNTU_PRO_KEY=C1secret\nHTTPS_PROXY=http://user:secret@proxy\n")
        run_verb(init, "edge.yaml", "--from", "CanvOS")
        assert "secret" not in Path("edge.yaml").read_text().replace("`secrets`", "")
        assert "C1secret" not in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("spoil", "kind", "problem"),
        [
            (
                lambda path: (path / ".arg").unlink(),
                UnusableError,
                "there is no .arg in CanvOS (copy .arg.template to .arg there, and fill it in)",
            ),
            (lambda path: (path / "Earthfile").unlink(), UnusableError, "there is no Earthfile in CanvOS (name the directory of a CanvOS checkout)"),
            (lambda path: (path / ".arg").write_text("A=1\nB\n"), InvalidError, "CanvOS/.arg:2:1: 'B' is not NAME=value [B] (write NAME=value)"),
            (
                lambda path: (path / "Earthfile").write_text("VERSION 0.6\nARG\n"),
                InvalidError,
                "CanvOS/Earthfile:2:4: expected something after ARG, found the end of the line [] (write ARG NAME=value)",
            ),
        ],
    )
    def test_what_is_no_checkout(self, spoil: Callable[[Path], object], kind: type[MatrixbuildError], problem: str, checkout: Path) -> None:
        spoil(checkout)
        assert refusal(kind, "edge.yaml", "--from", "CanvOS") == [problem]
        assert not Path("edge.yaml").exists()

    def test_a_directory_that_is_not_there(self, project: Path) -> None:
        assert refusal(UnusableError, "--from", "nowhere") == ["there is no Earthfile in nowhere (name the directory of a CanvOS checkout)"]
