"""One call of the program: its words, its environment, and what of it is not to be seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.earthly_call import Asked, environment, without_ambient, words
from matrixbuild.core.masking import masking
from matrixbuild.core.wrapper import Wrapper, artifacts_wrapper, image_wrapper

BUILDER = ("--config", "/c.yml", "--buildkit-host", "tcp://b:8372")
WRITTEN = ("--logstream-debug-file", "/p/s.json", "--logstream-debug-manifest-file", "/p/m.json")
IMAGE = image_wrapper("/src+image", ["OS"], image="registry.test/a:1", key="sha256:1")
ARTIFACTS = artifacts_wrapper("/src+image", ["OS"], ["/a"])


def asked(
    wrapper: Wrapper = IMAGE,
    args: tuple[tuple[str, str], ...] = (("OS", "jammy"),),
    names: tuple[str, ...] = (),
    *,
    privileged: bool = False,
    uncached: bool = False,
) -> Asked:
    stream, manifest = "/p/s.json", "/p/m.json"
    return Asked(
        wrapper=wrapper, args=args, ambient=names, secrets=names, privileged=privileged, uncached=uncached, stream=stream, manifest=manifest
    )


def test_an_image_is_pushed_and_written_nowhere_else() -> None:
    args = ("--MB_TARGET=/src+image", "--MB_KEY=sha256:1", "--MB_TAG=registry.test/a:1", "--OS=jammy")
    assert words("/bin/earthly", BUILDER, asked()) == ("/bin/earthly", *BUILDER, "--strict", "--push", "--no-output", *WRITTEN, "+image", *args)


def test_artifacts_are_written_and_nothing_is_pushed() -> None:
    args = ("--MB_TARGET=/src+image", "--MB_PATH_0=a", "--OS=jammy")
    assert words("earth", (), asked(ARTIFACTS)) == ("earth", "--strict", *WRITTEN, "+artifacts", *args)


def test_more_is_asked_for_only_where_it_is_needed() -> None:
    found = words("earthly", (), asked(names=("TOKEN",), privileged=True, uncached=True))
    more = ("--allow-privileged", "--no-cache", "--secret", "TOKEN", "--build-arg", "TOKEN")
    assert found[: found.index("--logstream-debug-file")] == ("earthly", "--strict", "--push", "--no-output", *more)


@given(value=st.text())
def test_a_value_is_one_word_as_it_is(value: str) -> None:
    found = words("earthly", (), asked(args=(("OS", value),)))
    assert found[-1] == f"--OS={value}"
    assert len(found) == len(words("earthly", (), asked()))


def test_a_call_sees_what_it_may_and_what_it_is_given() -> None:
    seen = {"PATH": "/bin", "PWD": "/elsewhere", "TOKEN": "of ours"}
    found = environment(seen, cwd="/p", ceilings=("/cache", "/state"), given=(("TOKEN", "given"),))
    assert found == (("GIT_CEILING_DIRECTORIES", "/cache:/state"), ("PATH", "/bin"), ("PWD", "/p"), ("TOKEN", "given"))


def test_an_ambient_arg_is_not_seen_where_the_program_prints_its_args() -> None:
    given_ = (("HTTP_PROXY", "http://proxy:3128"), ("LOGIN", "http://me:pass@proxy"), ("A", "1"), ("EMPTY", ""))
    masked = masking(without_ambient(given_))
    line = "+image | A=1 EMPTY= HTTP_PROXY=http://proxy:3128 LOGIN=http://me:pass@proxy OS=jammy"
    assert masked.text(line) == "+image | A=1 *** *** *** OS=jammy"
    assert masked.text("via http://me:pass@proxy or http://proxy:3128") == "via *** or http://proxy:3128"
