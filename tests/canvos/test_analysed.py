"""CanvOS itself, analysed: CANVOS_REPO=GITDIR names a git directory that holds its tags."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path

import pytest

from matrixbuild.adapters.git import Git
from matrixbuild.adapters.git_tree import Objects, git_tree, objects
from matrixbuild.adapters.source import Snapshot
from matrixbuild.adapters.sources import Mixed, Source
from matrixbuild.core.build import build_key
from matrixbuild.core.cells import Cell
from matrixbuild.core.demand import Arg, Asked, Demand
from matrixbuild.core.earthfile.analysis import Analysis
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.parser import parse
from matrixbuild.core.earthfile.statements import Statement
from matrixbuild.core.problems import Place
from matrixbuild.workflow.analysing import analyse
from matrixbuild.workflow.examining import Examiners
from matrixbuild.workflow.targets import EarthlyReader

REPOSITORY = os.environ.get("CANVOS_REPO", "")
HERE = Place(file="manifest.yaml", line=1)
UBUNTU = {"OS_DISTRIBUTION": "ubuntu", "OS_VERSION": "22.04", "ARCH": "amd64"}
K3S = {"K8S_DISTRIBUTION": "k3s", "K8S_VERSION": "1.31.4"}
NAMES = {"IMAGE_REGISTRY": "registry.example.com/edge", "IMAGE_REPO": "ubuntu-22.04", "CUSTOM_TAG": "mine"}
KUBERNETES = {"K8S_DISTRIBUTION", "K8S_VERSION", "TWO_NODE", "IMAGE_REPO"}

OS_RELEASE = Statement(
    file="Earthfile",
    text="envsubst >>/etc/os-release </usr/lib/os-release.tmpl",
    reads=frozenset(
        {"OS_ID", "OS_VERSION", "OS_LABEL", "OS_NAME", "OS_REPO", "VARIANT", "FLAVOR", "ARTIFACT", "BUG_REPORT_URL", "HOME_URL", "GITHUB_REPO"}
        | {"KAIROS_RELEASE"}
    ),
    reason="Kairos' os-release.tmpl names these, and OS_RELEASE sets them",
)

REFUSED = {
    "systemd-extensions-support": "its own ARG BASE_IMAGE has no default, and only +CHECK_SYSTEMD_VERSION gives it one",
}
"""The Earthly targets that nobody can call by themselves."""

pytestmark = pytest.mark.skipif(not REPOSITORY, reason="CANVOS_REPO=GITDIR names no git directory of CanvOS")


def tags() -> list[str]:
    """Every tag from v4.2.3 on, and main."""
    if not REPOSITORY:
        return ["main"]
    listed = subprocess.run(["git", f"--git-dir={REPOSITORY}", "tag", "--list", "v*"], capture_output=True, text=True, check=True).stdout.split()
    return [*(tag for tag in listed if [int(part) for part in re.findall(r"\d+", tag)] >= [4, 2, 3]), "main"]


@pytest.fixture(scope="module")
def repository() -> Iterator[Objects]:
    with objects(Git(directory=Path(REPOSITORY))) as found:
        yield found


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The files that a user adds to build for Trusted Boot."""
    root = tmp_path_factory.mktemp("own")
    for name in ("enrollment", "exported-keys", "private-keys", "public-keys"):
        (root / "secure-boot" / name).mkdir(parents=True)
        (root / "secure-boot" / name / "db.key").write_text(name)
    return Snapshot(root)


Checkout = Callable[[str], Source]


@pytest.fixture(scope="module")
def checkout(repository: Objects, own: Snapshot) -> Checkout:
    """A tag with the user's own files."""

    def at(tag: str) -> Source:
        git = Git(directory=Path(REPOSITORY))
        tree = git_tree(repository, git, git.run("rev-parse", f"{tag}^{{commit}}").line, root=Path("canvos"))
        return Mixed(Path("canvos"), [(tree, tree.listing.entries), (own, own.listing.entries)])

    return at


def analysed(source: Source, target: str, args: Mapping[str, str], *statements: Statement) -> Analysis:
    return EarthlyReader(source, statements).analysis("", target, tuple(args.items()))


# Every tag -------------------------------------------------------------------------


@pytest.mark.parametrize("tag", tags())
def test_every_target_of_every_tag_is_analysed(tag: str, checkout: Checkout) -> None:
    source = checkout(tag)
    reader = EarthlyReader(source)
    refused = {}
    for recipe in parse(source.text("Earthfile") or "", file="Earthfile").targets:
        try:
            found = reader.analysis("", recipe.name, tuple({**UBUNTU, **K3S, **NAMES, "binary": "luet"}.items()))
            assert not found.whole, f"{tag} +{recipe.name}: {[each for each in found.opaque if each.kind == 'inputs']}"
        except EarthfileError as error:
            refused[recipe.name] = str(error)
    assert set(refused) <= set(REFUSED), f"{tag}: {refused}"


# main ------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["iso", "base-image"])
def test_what_is_installed_with_kubernetes_is_no_matter_of_the_iso(target: str, checkout: Checkout) -> None:
    found = analysed(checkout("main"), target, {**UBUNTU, **K3S, **NAMES, "TWO_NODE": "true"})
    assert not found.used_names & KUBERNETES
    assert not found.whole


def test_the_cells_of_a_release_share_their_isos(checkout: Checkout) -> None:
    """3 OS x 12 Kubernetes versions x FIPS x two-node: 144 provider images, and an ISO for each OS with and without FIPS."""
    systems = [("ubuntu", "22.04"), ("ubuntu", "24.04"), ("opensuse-leap", "15.6")]
    versions = [("k3s", f"1.{minor}.4") for minor in range(28, 34)] + [("rke2", f"1.{minor}.4") for minor in range(28, 34)]
    demands = []
    for number, ((distribution, version), (kubernetes, of), fips, two_node) in enumerate(
        product(systems, versions, ("false", "true"), ("false", "true"))
    ):
        given = {
            "OS_DISTRIBUTION": distribution,
            "OS_VERSION": version,
            "ARCH": "amd64",
            "K8S_DISTRIBUTION": kubernetes,
            "K8S_VERSION": of,
            "FIPS_ENABLED": fips,
            "TWO_NODE": two_node,
            **NAMES,
        }
        demands += [demand(target, number, given) for target in ("provider-image", "iso")]
    assert len(demands) == 2 * 144
    source = checkout("main")
    readings = analyse(demands, Examiners(lambda _: source, "earthly"), {}).readings
    keys = set()
    for each in demands:
        reading = readings[each.address]
        used = tuple((arg.name, arg.value) for arg in each.args if arg.name in reading.used)
        keys.add(build_key(engine=reading.engine, commands=reading.commands, args=used, files=reading.files, bases=reading.bases))
    assert len(keys) == 150


def demand(target: str, number: int, given: Mapping[str, str]) -> Demand:
    return Demand(
        asked=Asked(target=f"{target}-{number}", earthly=f"+{target}", place=HERE),
        cell=Cell(values=()),
        args=tuple(Arg(name=name, value=value, axes=frozenset(), place=HERE, optional=True) for name, value in given.items()),
    )


@pytest.mark.parametrize("tag", ["v4.4.12", "v4.5.15", "v4.6.24", "v4.7.21", "v4.8.26", "v4.9.38", "v4.10.0", "main"])
@pytest.mark.parametrize("custom", ["", "mine"])
def test_a_provider_image_is_named_as_the_formula_says(tag: str, custom: str, checkout: Checkout) -> None:
    source = checkout(tag)
    (version,) = re.findall(r"^ARG PE_VERSION=(\S+)$", source.text("Earthfile") or "", re.MULTILINE)
    found = analysed(source, "provider-image", {**UBUNTU, **K3S, **NAMES, "CUSTOM_TAG": custom})
    suffix = f"-{custom}" if custom else ""
    name = f"registry.example.com/edge/ubuntu-22.04:k3s-1.31.4-{version}{suffix}"
    assert [image.names for image in found.images if image.push] == [(name,)]


# The tags whose OS_RELEASE reads the whole environment -------------------------------


def test_a_dead_mention_counts_where_the_whole_environment_is_read(checkout: Checkout) -> None:
    source = checkout("v4.4.12")
    found = analysed(source, "base-image", {**UBUNTU, **K3S, **NAMES})
    (use,) = (use for use in found.used if use.name == "K8S_VERSION")
    assert use.place.text.strip() == "RUN envsubst >>/etc/os-release </usr/lib/os-release.tmpl"
    assert "BASE_K8S_VERSION" in found.used_names | set(found.unused)
    assert found.used_names >= KUBERNETES


@pytest.mark.parametrize("tag", ["v4.2.3", "v4.3.3", "v4.4.12", "v4.5.15", "v4.6.24", "v4.7.11"])
@pytest.mark.parametrize("target", ["iso", "base-image"])
def test_and_not_where_it_is_stated_what_is_read_of_it(tag: str, target: str, checkout: Checkout) -> None:
    found = analysed(checkout(tag), target, {**UBUNTU, **K3S, **NAMES}, OS_RELEASE)
    assert not found.used_names & KUBERNETES
    assert [each.statement for each in found.stated] == [OS_RELEASE]
    assert {"OS_DISTRIBUTION", "KAIROS_VERSION"} <= found.used_names


def test_later_tags_need_no_statement(checkout: Checkout) -> None:
    assert analysed(checkout("v4.7.21"), "iso", {**UBUNTU, **K3S, **NAMES}, OS_RELEASE).stated == ()
