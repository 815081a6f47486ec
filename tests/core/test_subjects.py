"""What a word of the command line is about."""

from __future__ import annotations

import pytest

from matrixbuild.core.problems import UsageError
from matrixbuild.core.subjects import Subject, SubjectKind, subject


@pytest.mark.parametrize("text", ["+image", "./sub+image", "./a/b+image-2", "../other+image", "./+image"])
def test_an_earthly_target_is_told_by_its_form(text: str) -> None:
    assert subject(text) == Subject(kind=SubjectKind.EARTHLY_TARGET, text=text)


@pytest.mark.parametrize(
    ("text", "kind", "rest"),
    [
        ("os=ubuntu-22.04,fips=true", SubjectKind.CELL, ""),
        ("os.version>=22.04", SubjectKind.CELL, ""),
        ("fips!=true", SubjectKind.CELL, ""),
        ("provider[os=x]", SubjectKind.BUILD, ""),
        ("fips-base[arch=amd64,os=ubuntu-22.04]@0123abcd", SubjectKind.BUILD, ""),
        ("localhost:5000/x:1", SubjectKind.TAG, ""),
        ("oci-layout:../out/registry/edge:k3s-1.33", SubjectKind.TAG, ""),
        ("spec", SubjectKind.FIELD, ""),
        ("spec.axes.os", SubjectKind.FIELD, ""),
        ("metadata.name", SubjectKind.FIELD, ""),
        ("cell:fips=true", SubjectKind.CELL, "fips=true"),
        ("build:fips-base", SubjectKind.BUILD, "fips-base"),
        ("tag:x", SubjectKind.TAG, "x"),
        ("field:spec.source", SubjectKind.FIELD, "spec.source"),
    ],
)
def test_the_other_subjects_are_told_by_their_form_or_their_prefix(text: str, kind: SubjectKind, rest: str) -> None:
    assert subject(text) == Subject(kind=kind, text=rest or text)


@pytest.mark.parametrize("text", ["image", "sub+image", "+", "./sub", "+a/b", "fips-base", "build:", "x:1", "https://example.com/", ""])
def test_anything_else_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        subject(text)
    (problem,) = caught.value.problems
    assert problem.summary == f"{text!r} is nothing that can be explained"
    assert problem.hint == "write +target, cell:AXIS=VALUE,..., build:NAME, tag:REGISTRY/REPOSITORY:TAG or field:spec.KEY"
    assert caught.value.exit_code == 64
