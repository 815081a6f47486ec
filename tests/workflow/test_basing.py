"""What a plan says of the manifest that it was made from."""

from __future__ import annotations

from pathlib import Path

from tests.projects import MANIFEST, small_project
from tests.repositories import repository

RULES = """  rules:
    - {name: late, exclude: {fips: true, os: noble}, reason: the second to drop anything}
    - {name: early, exclude: {os: jammy, fips: false}, reason: the first cell is its}
    - {name: both, exclude: {os: noble, fips: true}, reason: late has it already}
    - {name: never, when: {os: noble}, require: {fips: [true, false]}, reason: drops nothing}
"""


def test_dropped_cells_are_counted_for_the_first_rule_that_drops_them_in_the_order_of_the_rules(tmp_path: Path) -> None:
    project = small_project(tmp_path, manifest=MANIFEST.replace("  targets:", f"{RULES}  targets:"))
    assert project.plan()["dropped"] == [
        {"rule": "late", "reason": "the second to drop anything", "cells": 1},
        {"rule": "early", "reason": "the first cell is its", "cells": 1},
    ]
    assert "\nDropped cells, by rule\n  1  late   the second to drop anything\n  1  early  the first cell is its\n\n" in project.run("plan", "small.yaml").out


def test_the_manifest_is_named_from_the_root_of_its_project(tmp_path: Path) -> None:
    repository(tmp_path)
    project = small_project(tmp_path / "deep" / "er")
    (tmp_path / "link").symlink_to("deep/er")
    assert project.plan()["basis"]["manifest"] == "deep/er/small.yaml"
    digest = project.plan()["digest"]
    (tmp_path / ".git").rename(tmp_path / "git")
    assert project.plan()["basis"]["manifest"] == "small.yaml"
    assert project.plan()["digest"] == digest


def test_another_order_of_values_is_another_manifest_and_gives_the_same_builds(tmp_path: Path) -> None:
    project = small_project(tmp_path)
    before = project.plan()
    project.manifest.write_text(project.manifest.read_text().replace("jammy, noble", "noble, jammy"))
    after = project.plan()
    assert after["basis"]["content"] != before["basis"]["content"]
    assert after["builds"] == before["builds"]
