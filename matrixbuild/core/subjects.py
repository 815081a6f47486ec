"""A word of the command line -> what it is about, told by its form or by a prefix."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from matrixbuild.core.problems import Problem, UsageError


class SubjectKind(StrEnum):
    """What can be explained; the value is its prefix, too (but for Earthly targets, which need none)."""

    EARTHLY_TARGET = "earthly-target"
    CELL = "cell"
    BUILD = "build"
    TAG = "tag"
    FIELD = "field"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something to explain, as it was written, without the prefix."""

    kind: SubjectKind
    text: str


_FORMS = (
    (SubjectKind.EARTHLY_TARGET, re.compile(r"(?:\.{1,2}/[^+\s]*)?\+[^+\s/=\[\]]+")),
    (SubjectKind.BUILD, re.compile(r"[a-z][a-z0-9-]*\[.+\](?:@[0-9a-f]+)?")),
    (SubjectKind.CELL, re.compile(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)?\s*(?:!=|=|[<>]).*")),
    (SubjectKind.FIELD, re.compile(r"(?:spec|metadata|apiVersion|kind|extends)(?:[.\[].*)?")),
    (SubjectKind.TAG, re.compile(r"\S+/\S+:[^/\s:]+")),
)
_PREFIX = re.compile(r"(?P<kind>cell|build|tag|field):(?P<text>.+)")


def subject(text: str) -> Subject:
    """`+target` and `./directory+target` are Earthly targets, `target[axis=value]` is a build, `os=ubuntu-22.04,fips=true` are cells,
    `spec.publish.mode` is a field and `registry/repository:tag` a tag; `cell:`, `build:`, `tag:` and `field:` say it where that is unclear.

    Raises UsageError for any other form.
    """
    if told := _PREFIX.fullmatch(text):
        return Subject(kind=SubjectKind(told["kind"]), text=told["text"])
    for kind, form in _FORMS:
        if form.fullmatch(text):
            return Subject(kind=kind, text=text)
    hint = "write +target, cell:AXIS=VALUE,..., build:NAME, tag:REGISTRY/REPOSITORY:TAG or field:spec.KEY"
    raise UsageError(Problem(summary=f"{text!r} is nothing that can be explained", hint=hint, code="unknown-subject"))
