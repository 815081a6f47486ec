"""What a Dockerfile's build depends on: never less than it does."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from matrixbuild.core.docker_reading import DockerReading, dockerfile_path, read_dockerfile
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.listing import Entry, Kind, Listing


def listing(*paths: str) -> Listing:
    """`a/` is a directory, `a->b` a link."""
    entries = {}
    for path in paths:
        name, _, target = path.partition("->")
        kind = Kind.DIRECTORY if path.endswith("/") else Kind.SYMLINK if target else Kind.FILE
        entries[name.rstrip("/")] = Entry(kind=kind, target=target)
    return Listing(entries=entries)


FILES = listing("top", "ctx/", "ctx/Dockerfile", "ctx/.dockerignore", "ctx/sub/", "ctx/sub/file", "ctx2/", "ctx2/file", "link->ctx")


def read(
    text: str, *, context: str = "ctx", dockerfile: str = "Dockerfile", files: Listing = FILES, args: Mapping[str, str] | None = None
) -> DockerReading:
    return read_dockerfile(text, context=context, dockerfile=dockerfile, listing=files, args=args or {})


def bases(text: str, **args: str) -> tuple[str, ...]:
    return read(text, args=args).bases


def refused(text: str, *, context: str = "ctx", dockerfile: str = "Dockerfile") -> tuple[str, str]:
    with pytest.raises(EarthfileError) as caught:
        read(text, context=context, dockerfile=dockerfile)
    return str(caught.value), caught.value.hint


class TestBases:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("FROM alpine:3.20", ("alpine:3.20",)),
            ("FROM scratch", ()),
            ("FROM --platform=$BUILDPLATFORM alpine AS one\nFROM busybox", ("alpine", "busybox")),
            ("FROM a AS one\nFROM ONE\nFROM one as two\nFROM Two", ("a",)),
            ("FROM a as 0x\nFROM 0", ("a", "0")),
            ("FROM later\nFROM b AS later", ("later", "b")),
            ("FROM a AS one\nCOPY --from=one / /\nCOPY --from=0 / /\nCOPY --chown=1 --from=image:1 / /", ("a", "image:1")),
            ("FROM a\nCOPY --from=later / /\nFROM b AS LATER", ("a", "b")),
            ("FROM a\nCOPY --from=scratch / /", ("a",)),
            ("FROM a\nRUN --mount=type=bind,from=b,target=/b --mount=from=c,target=/c --mount=type=cache,target=/d true", ("a", "b", "c")),
            ("FROM a AS one\nRUN --mount=type=bind,from=One,target=/b --mount=from=0,target=/c true", ("a",)),
            ("FROM a\nONBUILD COPY --from=b / /", ("a", "b")),
            ("FROM a\nRUN <<EOF\nFROM b\nCOPY --from=c / /\nEOF\nCOPY --from=d / /", ("a", "d")),
            ("# FROM x\nFROM \\\n  a\nFROM a@sha256:1", ("a", "a@sha256:1")),
            ("from a as x\ncopy --from=b / /", ("a", "b")),
        ],
    )
    def test_images_that_are_no_stage(self, text: str, found: tuple[str, ...]) -> None:
        assert bases(text) == found

    @pytest.mark.parametrize(
        ("head", "ref", "found"),
        [
            ("ARG V=1", "a:$V", "a:1"),
            ("ARG V=1", "a:${V}", "a:1"),
            ("ARG V=1 W=$V-x", "a:$W", "a:1-x"),
            ("ARG V=1\nARG W=${V}2", "'a:'$W", "a:12"),
            ("ARG V=1", '"a:$V"', "a:1"),
            ("ARG V", "a:${V:-2}", "a:2"),
            ("ARG V=", "a:${V:-2}", "a:2"),
            ("ARG V=", "a${V-2}", "a"),
            ("ARG V=1", "a${V:+:x}", "a:x"),
            ("ARG V", "a${V:+:x}", "a"),
            ("ARG V=$TARGETARCH", "a:$V", "a:amd64"),
            ("ARG X", "a-$TARGETOS", "a-linux"),
        ],
    )
    def test_defaults_of_args_before_the_first_from(self, head: str, ref: str, found: str) -> None:
        assert bases(f"{head}\nFROM {ref}") == (found,)

    def test_given_args_win_where_they_are_declared_before_the_first_from(self) -> None:
        assert bases("ARG BASE=a\nFROM $BASE", BASE="b") == ("b",)
        assert bases("ARG BASE=a\nARG OTHER=$BASE:1\nFROM $OTHER", BASE="b") == ("b:1",)
        assert bases("ARG BASE=a\nFROM $BASE AS one\nARG BASE=c\nFROM $BASE", BASE="b") == ("b",)
        assert bases("FROM a AS one\nARG BASE=c\nFROM a$BASE", BASE="b") == ("a",)
        assert bases("ARG TARGETARCH\nFROM a:$TARGETARCH", TARGETARCH="arm64") == ("a:arm64",)

    @pytest.mark.parametrize("text", ["ARG BASE\nFROM $BASE", "ARG BASE=\nFROM $BASE", "ARG X\nFROM $BASE"])
    def test_one_without_a_name(self, text: str) -> None:
        assert refused(text) == ("ctx/Dockerfile:2:1: the base image $BASE is empty", "give its ARG a default, or pass it")

    def test_variables_do_not_count_where_files_are_taken_from(self) -> None:
        hint = "write FROM ... AS name with the variable, and name that stage"
        assert refused("FROM a\nARG X\nCOPY --from=$X / /") == (
            "ctx/Dockerfile:3:1: COPY cannot take from $X: variables do not count there",
            hint,
        )
        assert refused("FROM a\nRUN --mount=type=bind,from=a-${X},target=/x true") == (
            "ctx/Dockerfile:2:1: RUN cannot take from a-${X}: variables do not count there",
            hint,
        )


class TestFiles:
    def test_everything_below_the_context(self) -> None:
        assert read("FROM a").files == ("ctx/.dockerignore", "ctx/Dockerfile", "ctx/sub", "ctx/sub/file")
        assert read("FROM a", context="./ctx/").files == read("FROM a").files
        assert read("FROM a", context="ctx/sub", dockerfile="../Dockerfile").files == ("ctx/sub/file", "ctx/Dockerfile")

    def test_the_root_is_a_context_too(self) -> None:
        found = read("FROM a", context=".", dockerfile="ctx/Dockerfile").files
        assert found == tuple(sorted(FILES.entries))
        assert read("FROM a", context="ctx/..", dockerfile="ctx/Dockerfile").files == found

    def test_a_dockerfile_outside_the_context_with_the_ignore_file_of_its_own(self) -> None:
        files = listing("ctx/", "ctx/file", "docker/", "docker/base", "docker/base.dockerignore", "docker/.dockerignore")
        assert read("FROM a", dockerfile="../docker/base", files=files).files == ("ctx/file", "docker/base", "docker/base.dockerignore")

    @pytest.mark.parametrize("context", ["nope", "link", "top"])
    def test_a_context_that_is_no_directory(self, context: str) -> None:
        assert refused("FROM a", context=context) == (f"the source has no directory {context}", "")

    @pytest.mark.parametrize(
        ("context", "dockerfile", "path"),
        [("..", "Dockerfile", "../Dockerfile"), ("ctx", "../../D", "../D"), ("ctx", "/etc/D", "/etc/D"), ("../ctx", "..", ".."), (".", "..", "..")],
    )
    def test_what_is_outside_the_source(self, context: str, dockerfile: str, path: str) -> None:
        with pytest.raises(EarthfileError) as caught:
            dockerfile_path(context, dockerfile)
        assert str(caught.value) == f"the Dockerfile {path} is outside the source"

    def test_where_a_dockerfile_is(self) -> None:
        assert dockerfile_path("ctx/sub/", "../22.04/Dockerfile") == "ctx/22.04/Dockerfile"
        assert dockerfile_path(".", "..hidden") == "..hidden"


class TestTheRest:
    def test_args_that_are_declared_anywhere(self) -> None:
        declared = read("ARG A=1 B\nFROM a\nARG C=x\nONBUILD ARG D\nENV E=1\nRUN <<EOF\nARG F\nEOF").declared
        assert sorted(declared & set("ABCDEF")) == ["A", "B", "C", "D"]
        assert {"HTTP_PROXY", "https_proxy", "SOURCE_DATE_EPOCH"} <= declared

    @pytest.mark.parametrize(
        ("line", "timed"),
        [
            ("COPY file /", False),
            ("ADD file /", False),
            ("RUN true", True),
            ("run true", True),
            ("ONBUILD RUN true", True),
            ("ADD https://example.com/file /", True),
            ("ADD --chmod=1 git@example.com:x.git /", True),
            ("ADD $URL /", True),
            ("ENV RUN=1", False),
        ],
    )
    def test_what_hangs_on_when_it_is_built(self, line: str, timed: bool) -> None:
        assert read(f"FROM a\n{line}").timed is timed

    @pytest.mark.parametrize(
        ("line", "secrets"),
        [
            ("RUN true", []),
            ("RUN --mount=type=secret,id=one --mount=type=cache,target=/x --mount=id=two,type=secret true", ["one", "two"]),
            ("RUN --mount=type=secret,target=/run/x/token cat /run/x/token", ["token"]),
            ("RUN --mount=type=secret,dst=/t,env=T true", ["t"]),
            ("ONBUILD RUN --mount=type=secret,id=later true", ["later"]),
            ("RUN --mount=type=cache,id=one,target=/x true", []),
            ("RUN echo --mount=type=secret,id=one", []),
            ("RUN --mount=type=secret,id=$NAME true", None),
        ],
    )
    def test_secrets_that_are_mounted(self, line: str, secrets: list[str] | None) -> None:
        found = read(f"FROM a\n{line}").secrets
        assert (None if found is None else sorted(found)) == secrets

    def test_what_is_no_dockerfile(self) -> None:
        assert refused("") == ("ctx/Dockerfile:1:1: the Dockerfile has no FROM", "")
        assert refused("ARG A=1\n# FROM a") == ("ctx/Dockerfile:1:1: the Dockerfile has no FROM", "")
        assert refused("FROM a b") == ("ctx/Dockerfile:1:1: FROM needs an image, and AS before a name", "write FROM image AS name")
        assert refused("FROM a\nFETCH x") == ("ctx/Dockerfile:2:1: unknown instruction FETCH", "")
