"""Texts of a checkout in, what lint finds in its Earthfile out."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from textwrap import dedent

from matrixbuild.core.earthfile.linting import lint
from matrixbuild.core.earthfile.linting_findings import Finding
from matrixbuild.core.listing import Listing
from tests.core.earthfile.evaluating import listing

Told = tuple[int, str, str]
"""The line of a finding, its summary and its hint."""


class Texts:
    """A checkout of texts."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files

    @property
    def listing(self) -> Listing:
        return listing(self._files)

    def text(self, path: str) -> str | None:
        return self._files.get(path)


def linted(text: str, files: Mapping[str, str] | None = None, *, path: str = "Earthfile") -> tuple[Finding, ...]:
    """What is found in the Earthfile at `path`; `files` are those around it."""
    checkout = {path: dedent(text).lstrip(), **{name: dedent(content).lstrip() for name, content in (files or {}).items()}}
    return lint(checkout[path], file=path, directory=posixpath.dirname(path), checkout=Texts(checkout))


def warned(rule: str, text: str, files: Mapping[str, str] | None = None, *, path: str = "Earthfile") -> list[Told]:
    """The warnings of one rule."""
    return [_told(finding) for finding in linted(text, files, path=path) if finding.rule.name == rule and not finding.remark]


def remarked(rule: str, text: str, files: Mapping[str, str] | None = None) -> list[Told]:
    """The remarks of one rule."""
    return [_told(finding) for finding in linted(text, files) if finding.rule.name == rule and finding.remark]


def _told(finding: Finding) -> Told:
    return finding.place.line, finding.summary, finding.hint
