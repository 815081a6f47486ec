"""The catalogs of real CanvOS tags: CANVOS_REPO=GITDIR names a git directory that holds them."""

from __future__ import annotations

import os
import subprocess

import pytest

from matrixbuild.core.catalogs import Catalog, CatalogSource, catalog_for
from matrixbuild.core.problems import Problem

REPOSITORY = os.environ.get("CANVOS_REPO", "")
WHERE = CatalogSource(
    file="k8s_version.json",
    plain="build-provider-images",
    fips="build-provider-images-fips",
    distribution_arg="K8S_DISTRIBUTION",
    version_arg="K8S_VERSION",
    fips_arg="FIPS_ENABLED",
)

pytestmark = pytest.mark.skipif(not REPOSITORY, reason="CANVOS_REPO=GITDIR names no git directory of CanvOS")


def git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", f"--git-dir={REPOSITORY}", *words], capture_output=True, text=True, check=False)


def texts(tag: str) -> dict[str, str]:
    shown = {path: git("show", f"{tag}:{path}") for path in ("k8s_version.json", "Earthfile")}
    return {path: done.stdout for path, done in shown.items() if done.returncode == 0}


def catalog_of(tag: str) -> Catalog:
    problems: list[Problem] = []
    catalog = catalog_for(WHERE, texts(tag), problems)
    assert not problems
    assert catalog
    return catalog


def counts(tag: str, *, fips: bool = False) -> dict[str, int]:
    catalog = catalog_of(tag)
    return {name: len(catalog.versions(name, fips=fips)) for name in catalog.distributions}


@pytest.mark.parametrize(
    ("tag", "listed", "total"),
    [
        ("v4.4.12", (18, 30, 27, 21), 96),
        ("v4.5.15", (25, 40, 31, 27, 3), 126),
        ("v4.6.24", (35, 45, 35, 33, 3, 1), 152),
        ("v4.7.21", (46, 56, 47, 45, 4, 5), 203),
        ("v4.8.26", (54, 64, 56, 54, 4, 7), 239),
        ("v4.9.38", (57, 67, 59, 57, 4, 11), 255),
        ("v4.10.0", (58, 68, 62, 60, 4, 11), 263),
        ("main", (58, 68, 62, 60, 4, 11), 263),
    ],
)
def test_the_file_of_versions(tag: str, listed: tuple[int, ...], total: int) -> None:
    found = counts(tag)
    assert found == dict(zip(("k3s", "rke2", "kubeadm", "kubeadm-fips", "nodeadm", "canonical"), listed, strict=False))
    assert found == counts(tag, fips=True)
    assert sum(found.values()) == total


@pytest.mark.parametrize(
    ("tag", "plain", "fips"),
    [
        ("v3.3.3", {"k3s": 2, "rke2": 2, "kubeadm": 2}, {"k3s": 0, "rke2": 0, "kubeadm": 0}),
        ("v4.0.2", dict.fromkeys(("k3s", "rke2", "kubeadm", "kubeadm-fips"), 4), {"k3s": 4, "rke2": 5, "kubeadm": 4, "kubeadm-fips": 4}),
        ("v4.2.3", dict.fromkeys(("k3s", "rke2", "kubeadm", "kubeadm-fips"), 11), {"k3s": 4, "rke2": 5, "kubeadm": 4, "kubeadm-fips": 4}),
        ("v4.3.3", {"k3s": 16, "rke2": 18, "kubeadm": 15, "kubeadm-fips": 0}, {"k3s": 12, "rke2": 13, "kubeadm": 12, "kubeadm-fips": 8}),
        ("v4.4.8", {"k3s": 18, "rke2": 28, "kubeadm": 24, "kubeadm-fips": 0}, {"k3s": 15, "rke2": 19, "kubeadm": 15, "kubeadm-fips": 18}),
    ],
)
def test_the_lists_of_the_earthfile(tag: str, plain: dict[str, int], fips: dict[str, int]) -> None:
    assert (counts(tag), counts(tag, fips=True)) == (plain, fips)


def test_the_versions_themselves() -> None:
    flat = "1.24.6 1.25.2 1.26.4 1.27.2 1.25.13 1.26.8 1.27.5 1.27.7 1.26.10 1.25.15 1.28.2"
    assert " ".join(catalog_of("v4.2.3").versions("k3s")) == flat
    fips = "1.24.6 1.25.2 1.25.0 1.26.4 1.26.14 1.27.2 1.26.12 1.27.9 1.27.11 1.28.5 1.28.7 1.29.0 1.29.3"
    assert " ".join(catalog_of("v4.3.3").versions("rke2", fips=True)) == fips
    assert "1.28.2" not in catalog_of("v4.4.12").versions("k3s")


def test_every_tag_has_a_catalog() -> None:
    tags = [tag for tag in git("tag").stdout.split() if tag.startswith("v")]
    assert len(tags) > 100
    for tag in tags:
        catalog = catalog_of(tag)
        assert set(catalog.distributions) >= {"k3s", "rke2", "kubeadm"}, tag
        assert all(catalog.versions(name) for name in ("k3s", "rke2", "kubeadm")), tag
