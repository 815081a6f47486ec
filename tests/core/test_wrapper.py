"""The generated Earthfile: names alone, and for every build the args that say the rest."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from matrixbuild.core.earthfile.parser import parse
from matrixbuild.core.earthfile.reserved import RESERVED
from matrixbuild.core.wrapper import WrapperError, artifacts_wrapper, image_wrapper, is_whole, reference

NAMES = st.lists(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True).filter(lambda name: name not in RESERVED), unique=True, max_size=6)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
KEY = f"sha256:{'0' * 64}"

IMAGE = """\
VERSION 0.8
image:
    ARG MB_TARGET
    ARG OS
    ARG FIPS
    FROM $MB_TARGET --OS=$OS --FIPS=$FIPS
    ARG MB_KEY
    LABEL dev.matrixbuild.key=$MB_KEY
    ARG MB_TAG
    SAVE IMAGE --push $MB_TAG
"""

ARTIFACTS = """\
VERSION 0.8
artifacts:
    FROM scratch
    ARG MB_TARGET
    ARG OS
    ARG MB_PATH_0
    ARG MB_PATH_1
    WORKDIR /0
    COPY --dir ($MB_TARGET/$MB_PATH_0 --OS=$OS) ./
    WORKDIR /1
    COPY ($MB_TARGET/$MB_PATH_1 --OS=$OS) ./
    SAVE ARTIFACT /0 AS LOCAL out/0
    SAVE ARTIFACT /1 AS LOCAL out/1
"""


def test_an_image_is_wrapped_with_its_key_as_a_label() -> None:
    found = image_wrapper("/src+image", ["OS", "FIPS"], image="registry.test/a:mb-1", key=KEY)
    assert (found.text, found.target, found.writes) == (IMAGE, "+image", False)
    assert found.own == (("MB_TARGET", "/src+image"), ("MB_KEY", KEY), ("MB_TAG", "registry.test/a:mb-1"))


def test_an_image_for_a_registry_without_tls_says_so() -> None:
    found = image_wrapper("/src+image", ["OS", "FIPS"], image="registry.test/a:mb-1", key=KEY, insecure=True)
    assert found.text == IMAGE.replace("SAVE IMAGE --push", "SAVE IMAGE --insecure --push")


def test_artifacts_go_to_directories_of_their_own() -> None:
    found = artifacts_wrapper("/src+files", ["OS"], ["/build/a+b/*.iso", "/"])
    assert (found.text, found.target, found.writes) == (ARTIFACTS, "+artifacts", True)
    assert found.own == (("MB_TARGET", "/src+files"), ("MB_PATH_0", r"build/a\+b/*.iso"), ("MB_PATH_1", "."))


@pytest.mark.parametrize(
    ("checkout", "earthly", "expected"),
    [
        ("/src", "+image", "/src+image"),
        ("/src", "./sub+image", "/src/sub+image"),
        ("/src", "sub/deep+image", "/src/sub/deep+image"),
        ("/a b/$HOME/c+d", "./e+image", r"/a b/$HOME/c\+d/e+image"),
    ],
)
def test_a_target_is_named_as_the_program_reads_it(checkout: str, earthly: str, expected: str) -> None:
    assert reference(checkout, earthly) == expected


@pytest.mark.parametrize("checkout", ["relative", r"/a\+b", "/a\\", "/a\nb", "/a\0b"])
def test_a_path_that_cannot_be_said_is_refused(checkout: str) -> None:
    with pytest.raises(WrapperError) as caught:
        reference(checkout, "+image")
    assert caught.value.summary == f"Earthly can be given no Earthfile in {checkout!r}"


@pytest.mark.parametrize("name", ["", "1A", "A B", "A-B", "A\nRUN x", "A=1", "Ä"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(WrapperError) as caught:
        image_wrapper("/src+image", ["OS", name], image="a", key=KEY)
    assert caught.value.summary == f"{name!r} cannot be the name of an ARG"


def test_our_names_are_none_of_the_build() -> None:
    found = image_wrapper("/src+image", ["MB_TAG", "MMB_X"], image="registry.test/a:1", key=KEY)
    assert [name for name, _ in found.own] == ["MMMB_TARGET", "MMMB_KEY", "MMMB_TAG"]


@given(names=NAMES, values=st.lists(TEXTS, min_size=3, max_size=3))
def test_no_value_is_ever_in_the_text(names: list[str], values: list[str]) -> None:
    target, image, path = values
    one = image_wrapper("/src+image", names, image="registry.test/a:1", key=KEY)
    assert image_wrapper(target, names, image=image, key=path).text == one.text
    assume(not is_whole(path))
    assert artifacts_wrapper(target, names, [path]).text == artifacts_wrapper("/src+x", names, ["/a"]).text


@given(names=NAMES)
def test_a_wrapper_is_an_earthfile_that_hands_every_name_on_once(names: list[str]) -> None:
    own = {name for name, _ in image_wrapper("/src+image", names, image="a", key=KEY).own}
    assert own.isdisjoint(names)
    (target,) = parse(image_wrapper("/src+image", names, image="a", key=KEY).text, file="Earthfile").targets
    commands = {command.name: command.args for command in target.body if command.name != "ARG"}  # type: ignore[union-attr]
    assert [word for word in commands["FROM"] if word.startswith("--")] == [f"--{name}=${name}" for name in names]


def test_the_whole_of_the_artifacts_has_many_names() -> None:
    assert [is_whole(path) for path in ("/", ".", "/.", "//", "/a", "/..a", "/*")] == [True, True, True, True, False, False, False]
