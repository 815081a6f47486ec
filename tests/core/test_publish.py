"""Which tags are put, which are left, and which refuse everything."""

from __future__ import annotations

import pytest

from matrixbuild.core.build import Build, builds
from matrixbuild.core.names import ImageName
from matrixbuild.core.problems import Problem, RefusedError
from matrixbuild.core.publish import PutTag, tags_to_put
from tests.builders import cell, demand, digest, read_by

ONE, TWO = "localhost:5000/a:1", "localhost:5000/b:2"


def both() -> tuple[Build, ...]:
    """One build under two names in two repositories."""
    demands = [demand("p", cell(k8s=ref[-1]), image=ref) for ref in (TWO, ONE)]
    return builds(demands, read_by(demands))


def digests(made: tuple[Build, ...]) -> dict[str, str]:
    return {each.key: digest("new") for each in made}


def put(ref: str) -> PutTag:
    source = ImageName(registry="localhost:5000", repository="a", digest=digest("new"))
    return PutTag(ref=ImageName.parse(ref), digest=digest("new"), source=source)


def test_every_name_that_is_free_is_put_in_order_from_the_repository_of_the_content_tag() -> None:
    made = both()
    assert tags_to_put(made, digests(made), {ONE: None, TWO: None}) == (put(ONE), put(TWO))


def test_a_name_that_holds_the_digest_already_is_left() -> None:
    made = both()
    assert tags_to_put(made, digests(made), {ONE: digest("new"), TWO: None}) == (put(TWO),)
    assert tags_to_put(made, digests(made), {ONE: digest("new"), TWO: digest("new")}) == ()


def test_an_immutable_name_refuses_everything() -> None:
    made = both()
    with pytest.raises(RefusedError) as raised:
        tags_to_put(made, digests(made), {ONE: digest("old"), TWO: None}, moves={ONE: digest("old")})
    assert raised.value.problems == (
        Problem(
            summary=f"{ONE} holds {digest('old')} in the registry, and tags are immutable: it is not moved to {digest('new')}",
            hint=f"give the release a new tag, or let this one move with --overwrite {ONE}",
            code="tag-held",
        ),
    )


def test_a_mutable_name_moves_where_the_plan_showed_it() -> None:
    made = both()
    held = {ONE: digest("old"), TWO: None}
    assert tags_to_put(made, digests(made), held, mutable=True, moves={ONE: digest("old")}) == (put(ONE), put(TWO))
    with pytest.raises(RefusedError) as raised:
        tags_to_put(made, digests(made), held, mutable=True)
    assert raised.value.problems == (
        Problem(
            summary=f"{ONE} holds {digest('old')} in the registry, which the plan did not show as a move: it is not moved to {digest('new')}",
            hint=f"let it move with --overwrite {ONE}",
            code="tag-held",
        ),
    )


def test_a_mutable_name_that_somebody_moved_since_the_plan_is_left_alone() -> None:
    made = both()
    held = {ONE: digest("a stranger's"), TWO: None}
    with pytest.raises(RefusedError) as raised:
        tags_to_put(made, digests(made), held, mutable=True, moves={ONE: digest("old")})
    assert raised.value.problems == (
        Problem(
            summary=f"{ONE} holds {held[ONE]} in the registry, and the plan showed a move from {digest('old')}: "
            f"it is not moved to {digest('new')}",
            hint=f"let it move with --overwrite {ONE}",
            code="tag-held",
        ),
    )


def test_a_name_that_a_person_gave_moves() -> None:
    made = both()
    held = {ONE: digest("old"), TWO: digest("old")}
    assert tags_to_put(made, digests(made), held, overwrite=frozenset({ONE, TWO})) == (put(ONE), put(TWO))
    with pytest.raises(RefusedError, match=TWO):
        tags_to_put(made, digests(made), held, overwrite=frozenset({ONE}))


def test_a_missing_answer_is_never_taken_for_a_free_name() -> None:
    made = both()
    with pytest.raises(KeyError):
        tags_to_put(made, digests(made), {ONE: None})
    with pytest.raises(KeyError):
        tags_to_put(made, {}, {ONE: None, TWO: None})


def test_a_build_without_an_image_has_nothing_to_put() -> None:
    one = demand("installer", artifacts={"/a": "a"})
    assert tags_to_put(builds([one], read_by([one])), {}, {}) == ()
