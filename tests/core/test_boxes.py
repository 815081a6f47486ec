"""Products of axis values: exactly the points they were made of."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.boxes import Box, Named, Point, around, boxes, named, natural, size, target_of

POINTS = st.sets(
    st.one_of(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["1.9", "1.10", "2"]), st.booleans()).map(
            lambda values: (("os", values[0]), ("k8s", values[1]), ("fips", str(values[2]).lower()))
        ),
        st.tuples(st.sampled_from("abc")).map(lambda values: (("os", values[0]),)),
        st.just(()),
    ),
    max_size=18,
)


def inside(box: Box) -> set[Point]:
    return {tuple(zip((axis for axis, _ in box), values, strict=True)) for values in product(*(values for _, values in box))}


@given(POINTS)
def test_they_hold_each_point_once_and_no_other(points: set[Point]) -> None:
    found = boxes(points)
    assert sum(map(size, found)) == len(points)
    assert set().union(*map(inside, found)) == points


@given(st.permutations(sorted(product("ab", "12", "xy"))[:7]))
def test_the_order_of_the_points_does_not_matter(points: list[tuple[str, ...]]) -> None:
    made = [tuple(zip("abc", point, strict=True)) for point in points]
    assert boxes(made) == boxes(sorted(made))


def test_a_whole_product_is_one() -> None:
    points = [(("fips", fips), ("os", os)) for fips in ("false", "true") for os in ("b-10", "b-9", "a")]
    assert boxes(points) == ((("fips", ("false", "true")), ("os", ("a", "b-9", "b-10"))),)


def test_a_product_with_a_bite_taken_out() -> None:
    points = [(("fips", fips), ("os", os)) for fips in ("false", "true") for os in ("a", "b", "c")]
    assert boxes(points[:-1]) == (
        (("fips", ("false", "true")), ("os", ("a", "b"))),
        (("fips", ("false",)), ("os", ("c",))),
    )
    assert around(points[:-1]) == (("fips", ("false", "true")), ("os", ("a", "b", "c")))


def test_a_build_without_axes_is_a_point_without_them() -> None:
    assert boxes([()]) == ((),)
    assert boxes([]) == ()
    assert around([]) == ()
    assert size(()) == 1


def test_the_names_of_builds() -> None:
    told = {
        "iso": Named(target="iso", point=()),
        "iso@0123": Named(target="iso", point=()),
        "iso[k8s=1.2,os=a]": Named(target="iso", point=(("k8s", "1.2"), ("os", "a"))),
        "iso[note=a,b,os=c[d]]@0123": Named(target="iso", point=(("note", "a,b"), ("os", "c[d]"))),
    }
    assert {name: named(name) for name in told} == told
    assert {target_of(name) for name in told} == {"iso"}


def test_natural_order() -> None:
    assert natural(["1.10", "1.9", "a", "1.9.1", "01.9"]) == ("01.9", "1.9", "1.9.1", "1.10", "a")
