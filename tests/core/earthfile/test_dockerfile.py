from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.earthfile.dockerfile import stage
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.recipe import BaseImage, Copied, FromContext, FromTree, Image, MadeDirectory, Scratch, WrittenFile
from matrixbuild.core.images import DEFAULT_PATH, Healthcheck, ImageConfig
from matrixbuild.core.names import Platform

ARM = Platform(architecture="arm64")
PATH = ("PATH", DEFAULT_PATH)


def context(path: str) -> FromContext:
    return FromContext(directory="ctx", pattern=path, ignored=("*.log",))


def read(
    text: str,
    *,
    target: str | None = None,
    args: Mapping[str, str] | None = None,
    images: Mapping[str, ImageConfig | None] | None = None,
) -> Image:
    """`images` are the base images' configurations; no others may be asked for."""
    known = images or {}
    return stage(
        text,
        file="ctx/Dockerfile",
        target=target,
        args=args or {},
        context=context,
        platform=ARM,
        image_config=lambda ref, _platform, _word: known[ref],
    )


def refused(text: str, *, target: str | None = None, images: Mapping[str, ImageConfig | None] | None = None) -> EarthfileError:
    with pytest.raises(EarthfileError) as caught:
        read(text, target=target, images=images)
    return caught.value


def test_the_case_of_conformance() -> None:
    image = read('FROM scratch\nARG X=0\nENV FROMDF=$X\nCOPY f.txt /f.txt\nWORKDIR /w\nCMD ["x"]\n', args={"X": "1"})
    assert image.config.env == (PATH, ("FROMDF", "1"))
    assert (image.config.cmd, image.config.workdir, image.config.platform) == (("x",), "/w", ARM)
    assert isinstance(image.tree, MadeDirectory)
    copied = image.tree.parent
    assert isinstance(copied, Copied)
    assert (copied.dest, copied.place.line, copied.place.file) == ("/f.txt", 4, "ctx/Dockerfile")
    source = copied.sources[0]
    assert isinstance(source, FromContext)
    assert (source.directory, source.pattern, source.ignored, source.whole) == ("ctx", "f.txt", ("*.log",), True)
    assert isinstance(copied.parent, Scratch)
    flags = copied.flags
    assert (flags.keep_ts, flags.keep_own, flags.empty_wildcard) == (True, True, True)
    assert (flags.chown, flags.chmod, flags.link, flags.unpack) == ("", None, False, False)
    assert [(step.created_by, step.layer) for step in image.config.history] == [
        ("ARG X=0", False),
        ("ENV FROMDF=$X", False),
        ("COPY f.txt /f.txt # buildkit", True),
        ("WORKDIR /w", True),
        ('CMD ["x"]', False),
    ]


def test_a_global_arg_reaches_from_and_those_stages_that_declare_it() -> None:
    text = "ARG TAG=1\nARG REF=reg:$TAG\nFROM ${REF} AS a\nARG TAG\nENV A=[$TAG] B=[$REF]\nARG TAG=own\nENV C=$TAG\n"
    image = read(text, images={"reg:1": ImageConfig(env=(("PATH", "/bin"),))})
    assert image.config.env == (("PATH", "/bin"), ("A", "[1]"), ("B", "[]"), ("C", "own"))
    assert isinstance(image.tree, BaseImage)
    assert (image.tree.ref, image.tree.platform, image.tree.place.line) == ("reg:1", ARM, 3)
    other = read(text, args={"TAG": "2"}, images={"reg:2": ImageConfig()})
    assert other.config.env == (PATH, ("A", "[2]"), ("B", "[]"), ("C", "2"))


def test_platform_args_are_there_once_declared() -> None:
    image = read("FROM --platform=$BUILDPLATFORM base\nENV A=[$TARGETARCH]\nARG TARGETARCH\nENV B=$TARGETARCH\n", images={"base": ImageConfig()})
    assert image.config.env == (PATH, ("A", "[]"), ("B", "arm64"))
    assert isinstance(image.tree, BaseImage)
    assert image.tree.platform == Platform()


def test_a_stage_is_used_by_name_by_number_and_as_a_base() -> None:
    text = """\
FROM scratch AS One
COPY a /a
FROM scratch AS two.1
COPY --from=one /a /b
COPY --from=0 /a /c
FROM one AS three
COPY --from=other:1 /x /y
"""
    second, third = read(text, target="two.1"), read(text, target="THREE")
    assert isinstance(second.tree, Copied)
    assert isinstance(third.tree, Copied)
    by_number, by_name = second.tree.sources[0], second.tree.parent
    assert isinstance(by_number, FromTree)
    assert isinstance(by_name, Copied)
    first = by_name.sources[0]
    assert isinstance(first, FromTree)
    assert first.tree is by_number.tree
    foreign = third.tree.sources[0]
    assert isinstance(foreign, FromTree)
    assert isinstance(foreign.tree, BaseImage)
    assert foreign.tree.ref == "other:1"
    assert isinstance(third.tree.parent, Copied)
    assert third.tree.parent.dest == "/a"


def test_only_stages_that_are_needed_are_evaluated() -> None:
    text = "FROM scratch AS bad\nRUN false\nFROM scratch AS good\nUSER 7\nFROM bad\n"
    assert read(text, target="good").config.user == "7"
    error = refused(text)
    assert (error.fault, str(error)) == (Fault.NEEDS_EARTHLY, "ctx/Dockerfile:2:1: RUN needs a container, which the embedded engine does not have")


def test_settings_are_dockers() -> None:
    image = read("""\
FROM scratch
LABEL a=1 "b c"="x y" \\

  # a comment between

      d=$NOPE.
LABEL old the value
ENV OLD some value
ENV A=1 B=$A C='$A' D="q $OLD"
EXPOSE 80 8000-8001/udp
VOLUME ["/data", "/more"]
VOLUME /third
USER app
STOPSIGNAL SIGINT
SHELL ["/bin/bash", "-c"]
HEALTHCHECK --interval=30s --start-period=1m30s --retries=2 CMD ["check", "it"]
ENTRYPOINT run it
ONBUILD COPY x /x
""")
    config = image.config
    assert config.labels == (("a", "1"), ("b c", "x y"), ("d", "."), ("old", "the value"))
    assert config.env == (PATH, ("OLD", "some value"), ("A", "1"), ("B", ""), ("C", "$A"), ("D", "q some value"))
    assert config.exposed_ports == {"80/tcp", "8000/udp", "8001/udp"}
    assert config.volumes == {"/data", "/more", "/third"}
    assert (config.user, config.stop_signal, config.shell) == ("app", "SIGINT", ("/bin/bash", "-c"))
    assert config.healthcheck == Healthcheck(test=("CMD", "check", "it"), interval=30 * 10**9, start_period=90 * 10**9, retries=2)
    assert config.entrypoint == ("/bin/bash", "-c", "run it")
    assert config.on_build == ("COPY x /x",)


@pytest.mark.parametrize(
    ("body", "cmd"),
    [('ENTRYPOINT ["e"]', None), ('CMD ["own"]\nENTRYPOINT ["e"]', ("own",)), ('ENTRYPOINT ["e"]\nCMD x', ("/bin/sh", "-c", "x"))],
)
def test_an_entrypoint_takes_the_command_of_the_base_away(body: str, cmd: tuple[str, ...] | None) -> None:
    assert read(f"FROM base\n{body}\n", images={"base": ImageConfig(cmd=("inherited",))}).config.cmd == cmd


def test_onbuild_of_the_base_is_done_and_gone() -> None:
    image = read("FROM base\nUSER 2\n", images={"base": ImageConfig(on_build=("ENV T=1", "COPY t /t"))})
    assert image.config.env == (PATH, ("T", "1"))
    assert image.config.on_build == ()
    assert isinstance(image.tree, Copied)
    assert image.tree.dest == "/t"


@pytest.mark.parametrize(
    ("line", "dest"),
    [
        ("COPY a .", "/w/"),
        ("COPY a x", "/w/x"),
        ("COPY a x/", "/w/x/"),
        ("COPY a /", "/"),
        ("COPY a /x/../y", "/y"),
        ('COPY ["a", "b c/"]', "/w/b c/"),
        ("COPY a b /both/", "/both/"),
    ],
)
def test_where_a_copy_goes(line: str, dest: str) -> None:
    tree = read(f"FROM scratch\nWORKDIR /w\n{line}\n").tree
    assert isinstance(tree, Copied)
    assert tree.dest == dest


def test_flags_of_a_copy() -> None:
    tree = read("FROM scratch\nARG O=7\nCOPY --chown=$O:8 --link a /a\nADD --chmod=0640 b /b\n").tree
    assert isinstance(tree, Copied)
    assert isinstance(tree.parent, Copied)
    assert (tree.flags.chmod, tree.flags.unpack) == (0o640, True)
    assert (tree.parent.flags.chown, tree.parent.flags.link, tree.parent.flags.unpack) == ("7:8", True, False)


@pytest.mark.parametrize(
    ("text", "fault", "message"),
    [
        ("", Fault.SYNTAX, "ctx/Dockerfile:1:1: the Dockerfile has no FROM"),
        ("RUN x\nFROM scratch", Fault.SYNTAX, "ctx/Dockerfile:1:1: RUN before the first FROM"),
        ("FROM\n", Fault.SYNTAX, "ctx/Dockerfile:1:1: FROM needs an argument"),
        ("FROM a b", Fault.SYNTAX, "ctx/Dockerfile:1:1: FROM needs an image, and AS before a name"),
        ("FROM $X", Fault.INVALID_ARG, "ctx/Dockerfile:1:1: the base image $X is empty"),
        ("FROM scratch\nBOGUS x", Fault.SYNTAX, "ctx/Dockerfile:2:1: unknown instruction BOGUS"),
        ("FROM scratch\nCOPY a", Fault.SYNTAX, "ctx/Dockerfile:2:1: COPY needs a source and a destination"),
        ("FROM scratch\nCOPY --exclude=c a /b", Fault.INVALID_ARG, "ctx/Dockerfile:2:1: COPY has no flag --exclude that Earthly knows"),
        ("FROM scratch\nADD --parents a /b", Fault.INVALID_ARG, "ctx/Dockerfile:2:1: ADD has no flag --parents that Earthly knows"),
        ("FROM scratch\nADD --checksum=sha256:1 a /b", Fault.INVALID_ARG, "ctx/Dockerfile:2:1: ADD --checksum is for files of the network only"),
        ("FROM scratch\nCOPY https://x.test/a /b", Fault.INVALID_ARG, "ctx/Dockerfile:2:1: COPY cannot fetch https://x.test/a"),
        ("FROM scratch AS 1a", Fault.INVALID_ARG, "ctx/Dockerfile:1:1: '1a' is no name of a stage"),
        ("FROM scratch\nENV A=${B#c}", Fault.INVALID_ARG, "ctx/Dockerfile:2:1: cannot expand ${B#c}: ${B#...} is no expansion that Earthly knows"),
        ('FROM scratch\nENV A="b', Fault.SYNTAX, 'ctx/Dockerfile:2:1: cannot expand "b: a double quote is never closed'),
        ("FROM scratch\nCOPY --from=3 a /b", Fault.INVALID_ARG, "ctx/Dockerfile:2:1: there is no stage 3 before this one"),
        ("FROM scratch\nADD https://x.test/f /f", Fault.NEEDS_EARTHLY, "ctx/Dockerfile:2:1: ADD of https://x.test/f needs the network"),
        ("FROM scratch\nLABEL a", Fault.SYNTAX, "ctx/Dockerfile:2:1: LABEL needs a name and a value"),
        ("FROM scratch\nENV a=1 b", Fault.SYNTAX, "ctx/Dockerfile:2:1: 'b' is no name=value"),
        ("FROM scratch\nSHELL bash", Fault.SYNTAX, "ctx/Dockerfile:2:1: SHELL needs a JSON list"),
        ("FROM scratch\nHEALTHCHECK x", Fault.SYNTAX, "ctx/Dockerfile:2:1: HEALTHCHECK needs CMD and a command, or NONE"),
        ("FROM scratch\nHEALTHCHECK --timeout=x CMD y", Fault.INVALID_ARG, "ctx/Dockerfile:2:1: 'x' is no duration such as 30s or 1m30s"),
        ("FROM scratch\nEXPOSE abc", Fault.INVALID_ARG, "ctx/Dockerfile:2:1: 'abc' is not a port such as 80 or 80-90/udp"),
        ('FROM scratch\nVOLUME [""]', Fault.INVALID_ARG, "ctx/Dockerfile:2:1: a VOLUME is not the empty text"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, fault: Fault, message: str) -> None:
    error = refused(text)
    assert (error.fault, str(error)) == (fault, message)


def test_another_escape_character() -> None:
    image = read("# syntax=x\n# escape=`\nfrom scratch\ncopy `\n\n  a` /b\nenv A=\"c:\\x\" B=`$A C='`$' D=\\ E=a` b\n")
    assert image.config.env[1:] == (("A", "c:\\x"), ("B", "$A"), ("C", "`$"), ("D", "\\"), ("E", "a b"))
    later = read("FROM scratch\n# escape=`\nENV A=\\$B\n")
    assert later.config.env[1:] == (("A", "$B"),)


def test_here_documents_are_files() -> None:
    text = """\
FROM scratch
ARG X=1
COPY --chmod=0600 <<ONE <<-"TWO" /d/
a $X ${X:-y} \\$X 'q'
ONE
\t$X
\tTWO
USER 3
"""
    image = read(text)
    assert image.config.user == "3"
    assert isinstance(image.tree, Copied)
    files = [source.tree for source in image.tree.sources if isinstance(source, FromTree)]
    assert [(file.path, file.text, file.place.line) for file in files if isinstance(file, WrittenFile)] == [
        ("/ONE", "a 1 1 \\$X 'q'\n", 3),
        ("/TWO", "$X\n", 3),
    ]


def test_variables_of_a_stage_in_order() -> None:
    """The later of ARG and ENV counts for words, but only ENV is the image's."""
    image = read("FROM scratch\nARG A=1\nENV A=env\nARG B=${A}b\nARG A=2\nENV R=$A,$B\nUSER $A\n", args={"A": "cli"})
    assert (image.config.env[1:], image.config.user) == ((("A", "env"), ("R", "cli,envb")), "cli")


def test_an_unknown_stage_is_told() -> None:
    error = refused("FROM scratch AS a\n", target="b")
    assert (error.fault, str(error)) == (Fault.UNKNOWN_TARGET, "ctx/Dockerfile:1:1: the Dockerfile has no stage 'b'")


def test_a_variable_that_only_an_unknown_base_could_define_is_no_value() -> None:
    error = refused("FROM base\nARG A=1\nENV B=$A\nENV C=$HOME_DIR\n", images={"base": None})
    assert (error.fault, str(error)) == (Fault.UNKNOWN_VALUE, "ctx/Dockerfile:4:1: whether the base image defines HOME_DIR is not known here")


COPIES = ["COPY a /b", "COPY --from=a /b /c", "ADD a /b", "ONBUILD RUN x"]
OTHERS = ["ENV A=$B", "ARG B=1", "WORKDIR x", "RUN x", "# c", "", "LABEL \\", "[", "CMD [", "\x00"]
LINES = st.sampled_from(["FROM scratch", "FROM scratch AS a", *COPIES, *OTHERS])


@given(st.lists(LINES, max_size=8))
def test_any_text_is_an_image_or_a_located_error(lines: list[str]) -> None:
    try:
        image = read("\n".join(lines))
    except EarthfileError as error:
        place = error.place
        assert place is not None
    else:
        assert dict(image.config.env)["PATH"]


def test_several_sources_to_one_name_are_copied_one_after_the_other() -> None:
    tree = read("FROM scratch\nCOPY --parents --chmod=u+x a b c\n").tree
    assert isinstance(tree, Copied)
    assert isinstance(tree.parent, Copied)
    assert [each.sources[0].pattern for each in (tree.parent, tree)] == ["a", "b"]
    assert {(each.dest, each.flags.chmod) for each in (tree.parent, tree)} == {("/c", None)}


def test_a_stage_is_asked_for_by_name_only() -> None:
    error = refused("FROM scratch AS a\nCOPY a /a\n", target="0")
    assert (error.fault, str(error)) == (Fault.UNKNOWN_TARGET, "ctx/Dockerfile:1:1: the Dockerfile has no stage '0'")
