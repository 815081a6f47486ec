"""Calls of one Earthly target, each explained, merged: everything once, with the variants that see it."""

from __future__ import annotations

from collections.abc import Mapping

from matrixbuild.core.explain import Explained, explained
from matrixbuild.core.explain_variants import Called, Caller, Explanation, Surroundings, explanation
from matrixbuild.core.problems import Place, Problem
from tests.builders import cell
from tests.core.earthfile.analysing import analysed

TEXT = """\
VERSION 0.8
FROM alpine

main:
    ARG OS
    ARG NAME
    ARG KIND
    ARG OTHER
    FROM example.com/$OS
    IF [ "$OS" = noble ]
        COPY noble /
        RUN --secret TOKEN install $KIND
    ELSE
        BUILD +second
    END
    SAVE IMAGE $NAME

second:
    RUN --privileged true
"""


def called(args: Mapping[str, str], *oses: str) -> Called:
    found: Explained = explained(analysed(TEXT, files={"noble": ""}, args=args), {}, lambda path, _: Place(file=path, line=1))
    return Called(callers=tuple(Caller(target="image", cell=cell(os=os)) for os in oses), args=tuple(sorted(args.items())), explained=found)


def merged(*calls: Called, **around: tuple[tuple[str, tuple[str, ...]], ...]) -> Explanation:
    return explanation("+main", calls, Surroundings(**around))  # type: ignore[arg-type]


def test_calls_that_differ_in_texts_alone_are_one_variant() -> None:
    found = merged(called({"OS": "jammy", "NAME": "a"}, "jammy"), called({"OS": "focal", "NAME": "b"}, "focal"))
    (variant,) = found.variants
    assert [str(caller.cell) for caller in variant.callers] == ["os=jammy", "os=focal"]
    assert [(seen.what.ref, seen.variants) for seen in found.bases] == [("alpine", (1,)), ("example.com/jammy", (1,)), ("example.com/focal", (1,))]
    assert [seen.what.names for seen in found.images] == [("a",), ("b",)]


def test_what_one_variant_alone_sees_says_so() -> None:
    found = merged(called({"OS": "jammy", "NAME": "a"}, "jammy"), called({"OS": "noble", "NAME": "a"}, "noble"))
    assert [(seen.what.name, seen.variants) for seen in found.used] == [("KIND", (2,)), ("OS", (1, 2))]
    assert [(seen.what, seen.variants) for seen in found.name_only] == [("NAME", (1, 2))]
    # KIND is unused in the first variant, and not in all.
    assert [(seen.what, seen.variants) for seen in found.unused] == [("OTHER", (1, 2))]
    assert [(seen.what.target, seen.what.patterns, seen.variants) for seen in found.sources] == [("+main", ("noble",), (2,))]
    assert [(seen.what.name, seen.variants) for seen in found.secrets] == [("TOKEN", (2,))]
    assert [(seen.what.name, seen.variants) for seen in found.privileged] == [("RUN", (1,))]
    assert ("+second", (1,)) in [(seen.what.target, seen.variants) for seen in found.edges]
    assert found.features[0] == "0.8"


def test_a_variant_that_cannot_be_analysed_keeps_its_problem() -> None:
    problem = Problem(summary="no")
    found = merged(Called(callers=(), args=(), problem=problem), called({"OS": "noble"}, "noble"))
    assert found.problems == (problem,)
    assert [variant.problem for variant in found.variants] == [problem, None]
    assert {seen.variants for seen in found.used} == {(2,)}


def test_what_others_come_to_as_well_is_named() -> None:
    reaching = (("+main", ("+main", "+all")), ("+second", ("+main", "+iso")), ("+base", ("+main", "+iso")))
    found = merged(called({"OS": "jammy"}, "jammy"), reaching=reaching)
    assert found.reached_by == ("+all",)
    # The base recipe everybody comes to: that says nothing.
    assert found.shared == (("+second", ("+iso",)),)
