"""An Earthly target evaluated: what it asks for, what its args reach, what stops it."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.evaluate import Call, Known, evaluate
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.recipe import Asked, Copied, Evaluation, FromContext, Question, Wanted
from matrixbuild.core.listing import Listing
from matrixbuild.core.names import Platform
from matrixbuild.core.reads import reads
from tests.core.earthfile.evaluating import BUSYBOX, copies, env, evaluated, listing, refused, saved


def ask(texts: dict[str, str | None], call: Call, *, images: bool = False) -> Evaluation | Wanted:
    known = {("busybox", Platform()): BUSYBOX} if images else {}
    return evaluate(call, Known(listing=Listing(entries={}), texts=texts, images=known))


def test_it_asks_for_texts_and_images_it_does_not_know() -> None:
    call = Call(directory="d", target="main")
    files = ("d/Earthfile", "d/.earthignore", "d/.earthlyignore")
    texts: dict[str, str | None] = {}
    assert ask(texts, call) == Wanted(texts=files)
    texts |= {"d/Earthfile": "VERSION 0.8\nmain:\n  FROM busybox\n", "d/.earthignore": None, "d/.earthlyignore": None}
    assert ask(texts, call) == Wanted(images=(("busybox", Platform()),))
    found = ask(texts, call, images=True)
    assert isinstance(found, Evaluation)
    assert [(base.ref, base.platform) for base in found.base_images] == [("busybox", Platform())]


def test_the_same_call_gives_the_same_result() -> None:
    text = "VERSION 0.8\nmain:\n  FROM scratch\n  ARG A\n  ENV X=$A\n  COPY f /f\n"
    first, second = (evaluated(text, args={"A": "1"}) for _ in range(2))
    assert (first.image.config, first.used, first.commands) == (second.image.config, second.used, second.commands)


# Scopes -----------------------------------------------------------------------


def test_an_arg_has_its_default_or_its_override() -> None:
    text = """
        VERSION 0.8
        main:
          FROM scratch
          ENV BEFORE=[$A]
          ARG A=1
          ARG D=pre-$A
          ENV AFTER=[$A][$D][$UNDECLARED]
    """
    assert env(text) == {"BEFORE": "[]", "AFTER": "[1][pre-1][]"}
    assert env(text, args={"A": "2", "UNDECLARED": "9"}) == {"BEFORE": "[]", "AFTER": "[2][pre-2][]"}


@pytest.mark.parametrize(("version", "expected"), [("0.6", "[g][h]"), ("0.7", "[][h]"), ("0.8", "[][h]")])
def test_which_args_of_the_base_recipe_are_global(version: str, expected: str) -> None:
    flag = "" if version == "0.6" else "--global "
    text = f"VERSION {version}\nARG G=g\nARG {flag}H=h\nFROM scratch\nmain:\n  ENV R=[$G][$H]\n"
    assert env(text) == {"R": expected}


def test_another_directory_gets_explicit_args_alone_and_passes_them_on() -> None:
    sub = """
        VERSION 0.8
        FROM scratch
        t:
          FROM +inner
        inner:
          ARG X=default
          ARG Y=default
          ENV R=[$X][$Y]
    """
    text = "VERSION 0.8\nmain:\n  FROM ./sub+t --Y=given\n"
    assert env(text, files={"sub/Earthfile": sub}, args={"X": "cli"}) == {"R": "[default][given]"}


def test_pass_args_gives_a_callee_what_it_does_not_even_declare() -> None:
    sub = "VERSION 0.8\nFROM scratch\nt:\n  ENV R=[$X][$CLI]\n"
    text = "VERSION 0.8\nmain:\n  FROM scratch\n  ARG X=mine\n  FROM --pass-args ./sub+t\n"
    assert env(text, files={"sub/Earthfile": sub}, args={"CLI": "c"}) == {"R": "[mine][]"}


def test_builtins_are_declared_like_any_arg() -> None:
    text = "VERSION 0.8\nmain:\n  FROM scratch\n  ARG TARGETARCH\n  ARG EARTHLY_TARGET_NAME\n  ENV R=[$TARGETARCH][$EARTHLY_TARGET_NAME][$TARGETOS]\n"
    assert env(text, platform=Platform(architecture="arm64")) == {"R": "[arm64][main][]"}


# What the args reach -----------------------------------------------------------


def test_an_arg_that_reaches_an_image_name_alone_is_not_used() -> None:
    found = evaluated(
        """
        VERSION 0.8
        main:
          FROM scratch
          ARG TAG
          ARG NAME=reg.test/app:$TAG
          ARG VALUE
          ARG UNREAD
          ENV V=$VALUE
          SAVE IMAGE --push $NAME
        """,
        args={"TAG": "1", "VALUE": "v", "UNREAD": "u", "UNDECLARED": "x"},
    )
    assert [(name, place.line) for name, place in found.used] == [("VALUE", 8)]
    assert found.declared == {"TAG", "NAME", "VALUE", "UNREAD"}
    assert list(saved(found)) == ["reg.test/app:1"]


def test_influence_goes_through_defaults_lets_loops_and_calls() -> None:
    found = evaluated(
        """
        VERSION 0.8
        main:
          FROM scratch
          ARG A
          LET L=$A
          SET L=x$L
          BUILD +other --X=$L
        other:
          FROM scratch
          ARG X
          ENV R=$X
        """,
        args={"A": "1"},
    )
    assert [(name, place.line) for name, place in found.used] == [("A", 11)]


def test_a_condition_uses_what_it_reads() -> None:
    text = """
        VERSION 0.8
        main:
          FROM busybox
          ARG A
          ARG B
          IF [ "$A" = 1 ] || [ "$B" = 1 ]
            ENV R=1
          END
          FOR x IN $B
            LET y=$x
          END
    """
    read = [(name, place.line) for name, place in evaluated(text, args={"A": "1", "B": ""}).used]
    assert read == [("A", 6), ("B", 9)]


def test_an_explicit_value_hides_an_override() -> None:
    text = "VERSION 0.8\nmain:\n  FROM scratch\n  FROM +t --X=1\nt:\n  FROM scratch\n  ARG X\n  ENV R=$X\n"
    assert evaluated(text, args={"X": "cli"}).used == ()


def test_commands_are_those_on_the_path_as_written() -> None:
    text = """
        VERSION 0.8
        FROM busybox
        main:
          ARG X=1   # why
          IF [ "$X" = 1 ]
            ENV A=$X
          ELSE
            ENV B=2
          END
        unrelated:
          ENV C=3
    """
    expected = ("VERSION 0.8", "FROM busybox", "END", "ARG X = 1", 'IF [ "$X" = 1 ]', "ENV A = $X", "END")
    assert evaluated(text).commands == expected
    assert evaluated(text.replace("   # why", "").replace("ENV C=3", "ENV C=4")).commands == expected
    assert evaluated(text.replace("ENV A", "ENV  Z")).commands != expected


# Unknown images ----------------------------------------------------------------


def test_an_unknown_image_leaves_what_it_may_define_unknown() -> None:
    text = "VERSION 0.8\nmain:\n  FROM busybox\n  ARG A=1\n  ENV R=[$A][$X]\n"
    found = evaluated(text, base=None)
    assert dict(found.image.config.env)["R"] == "[1][\N{REPLACEMENT CHARACTER}X\N{REPLACEMENT CHARACTER}]"
    assert [base.ref for base in found.base_images] == ["busybox"]


@pytest.mark.parametrize("command", ['IF [ "$X" = 1 ]\n    ENV A=1\n  END', "COPY $X /", "FROM $X", "BUILD +t-$X", "EXPOSE $X"])
def test_what_an_unknown_image_decides_is_refused(command: str) -> None:
    assert refused(f"VERSION 0.8\nmain:\n  FROM busybox\n  {command}\n", base=None) == (
        "unknown-value",
        "Earthfile:4:3: $X may be set by a base image that has not been looked at",
        "fetch the base image first, or declare ARG X above",
    )


# What stops it -----------------------------------------------------------------


def test_an_unknown_target() -> None:
    assert refused("VERSION 0.8\nFROM scratch\nmain:\n  BUILD +imge\nimage:\n  ENV A=1\n") == (
        "unknown-target",
        "Earthfile:4:3: there is no target +imge in Earthfile",
        "did you mean 'image'?",
    )


def test_a_directory_without_an_earthfile() -> None:
    assert refused("VERSION 0.8\nFROM scratch\nmain:\n  BUILD ./subb+t\n", files={"sub/Earthfile": "VERSION 0.8\n"}) == (
        "unknown-target",
        "Earthfile:4:3: there is no Earthfile in subb",
        "did you mean 'sub'?",
    )


def test_no_version() -> None:
    assert refused("FROM scratch\nmain:\n  ENV A=1\n") == ("version", "Earthfile:1:1: the Earthfile has no VERSION", "begin it with VERSION 0.8")


@pytest.mark.parametrize("version", ["0.7", "0.8"])
def test_a_circle(version: str) -> None:
    assert refused(f"VERSION {version}\nFROM scratch\nmain:\n  FROM +b\nb:\n  FROM +main\n") == (
        "cycle",
        "Earthfile:6:3: +main needs itself",
        "a target cannot be made from itself: break the circle, for example with a target that both use",
    )


@pytest.mark.parametrize("call", ["FROM +main --X=a$X", "DO +FN"])
def test_what_calls_itself_without_end(call: str) -> None:
    fault, summary, _ = refused(f"VERSION 0.8\nFROM scratch\nFN:\n  FUNCTION\n  DO +FN\nmain:\n  ARG X\n  {call}\n")
    assert (fault, summary.partition(": ")[2].partition(" ")[2]) == ("cycle", "is inside of 64 other targets and functions")


def test_a_builtin_as_an_override() -> None:
    assert refused("VERSION 0.8\nFROM scratch\nmain:\n  ENV A=1\n", args={"TARGETARCH": "x"}) == (
        "builtin-arg",
        "TARGETARCH is a built-in ARG and cannot be given a value",
        "remove it from the args",
    )


def test_a_name_that_no_target_has() -> None:
    assert refused("VERSION 0.8\nFROM scratch\nmain:\n  ENV A=1\n", "Main") == (
        "invalid-arg",
        "+Main is not an Earthly target",
        "an Earthly target's name is a lower-case letter, then letters, digits, '.' and '-'",
    )


def test_both_ignore_files() -> None:
    files = {".earthignore": "a\n", ".earthlyignore": "b\n"}
    assert refused("VERSION 0.8\nmain:\n  FROM scratch\n", files=files) == (
        "ignore-conflict",
        "Earthfile:1:1: there is both a .earthignore and a .earthlyignore in the root of the checkout",
        "remove one of them",
    )


NEEDS_EARTHLY = "write `engine: earthly` and install Earthly 0.8, EarthBuild 0.8 or Docker, which run it (`matrixbuild doctor` finds them)"


@pytest.mark.parametrize(
    ("command", "summary"),
    [
        ("RUN make", "RUN executes a command in the image, which only Earthly can do"),
        ("GIT CLONE https://x.test/y z", "GIT CLONE fetches another repository, which only Earthly can do"),
        ("LOCALLY", "LOCALLY runs commands on this machine, which only Earthly can do"),
        ("CACHE --persist /c", "CACHE keeps a directory of earlier builds in the image, which only Earthly can do"),
        ("ENV A=$(date)", "$(date) runs a shell in the image, which only Earthly can do"),
        ("BUILD github.com/o/r+t", "github.com/o/r is another repository, which only Earthly can do"),
        ("WITH DOCKER\n    RUN x\n  END", "WITH DOCKER runs containers, which only Earthly can do"),
    ],
)
def test_what_only_earthly_can_do(command: str, summary: str) -> None:
    expected = ("needs-earthly", f"Earthfile:4:3: {summary}", NEEDS_EARTHLY)
    assert refused(f"VERSION 0.8\nmain:\n  FROM busybox\n  {command}\n") == expected


@pytest.mark.parametrize(
    ("block", "missing"),
    [
        ("IF [ -f /x ]", "IF [ -f /x ] needs the file test -f"),
        ("IF make", "IF make needs the command 'make'"),
        ("FOR x IN *.txt", "FOR x IN *.txt needs the files of the image that match *.txt"),
    ],
)
def test_files_that_nobody_looked_at(block: str, missing: str) -> None:
    text = f"VERSION 0.8\nmain:\n  FROM busybox\n  ENV PATH=/bin\n  {block}\n    ENV A=1\n  END\n"
    assert refused(text, base=None) == ("needs-earthly", f"Earthfile:5:3: {missing}, which only Earthly can do", NEEDS_EARTHLY)


HOMES = "VERSION 0.8\nmain:\n  FROM busybox\n  USER app\n  COPY passwd /etc/\n  ARG H=$HOME\n  FROM scratch\n  ENV A=$H\n"


def test_the_home_directory_is_what_the_image_says() -> None:
    asked: list[Question] = []

    def answers(question: Question) -> tuple[str, ...]:
        asked.append(question)
        return ("/home/app",)

    found = evaluated(HOMES, files={"passwd": ""}, answers=answers)
    assert found.image.config.env[1:] == (("A", "/home/app"),)
    assert [(question.kind, question.words, question.directory, question.user, question.place.line) for question in asked] == [
        (Asked.HOME, (), "/", "app", 6)
    ]
    assert isinstance(asked[0].tree, Copied)


def test_the_files_that_a_home_directory_came_from_count_though_nothing_is_left_of_them() -> None:
    files = {"passwd": ""}
    for found in (evaluated(HOMES, files=files, base=None), evaluated(HOMES, files=files, answers=lambda _: ("/h",))):
        assert reads(found, listing(files)).paths == ("passwd",)


def test_a_home_directory_that_nobody_looked_up_stays_open() -> None:
    found = evaluated("VERSION 0.8\nmain:\n  FROM busybox\n  ENV A=$HOME/x\n", base=None)
    assert found.image.config.env[-1] == ("A", "\N{REPLACEMENT CHARACTER}HOME\N{REPLACEMENT CHARACTER}/x")


def test_a_condition_without_words() -> None:
    assert refused("VERSION 0.8\nmain:\n  FROM busybox\n  IF []\n    ENV A=1\n  END\n") == (
        "invalid-arg",
        "Earthfile:4:3: IF has no condition",
        'write IF [ "$NAME" = "value" ]',
    )


def test_a_condition_where_there_can_be_no_shell() -> None:
    assert refused("VERSION 0.8\nmain:\n  FROM scratch\n  IF true\n    ENV A=1\n  END\n  SET X=1\n") == (
        "no-shell",
        "Earthfile:4:3: IF true cannot be evaluated: the image has no /bin/sh",
        "Earthly runs it in the image itself: FROM one that has a shell, or use ARGs",
    )


def test_what_is_made_though_nothing_is_left_of_it() -> None:
    text = """
        VERSION 0.8
        FROM busybox
        COPY base /
        main:
          COPY before /
          IF true
            ENV A=1
          END
          FROM scratch
          COPY waited /
          WAIT
            ENV B=1
          END
          FROM scratch
          COPY dropped /
          FROM scratch
          COPY --if-exists +art/* /
        art:
          FROM scratch
          COPY art /
    """
    found = evaluated(text)
    patterns = {source.pattern for tree in found.built for copy in copies(tree) for source in copy.sources if isinstance(source, FromContext)}
    assert patterns == {"base", "before", "waited", "art"}


def test_a_shell_out_in_an_image_that_can_have_no_shell() -> None:
    assert refused("VERSION 0.8\nmain:\n  FROM scratch\n  COPY f /f\n  ENV A=$(date)\n", files={"f": ""}) == (
        "no-shell",
        "Earthfile:5:3: $(date) needs a shell, and the image has no /bin/sh",
        "write the value itself",
    )


@pytest.mark.parametrize("command", ["ENV A=1", "COPY a b", "SAVE IMAGE x", "WORKDIR /x", "CMD x", "RUN x", "IF true\n    ENV A=1\n  END"])
def test_before_any_from(command: str) -> None:
    name = command.split(" x", maxsplit=1)[0] if command.startswith("SAVE") else command.split(maxsplit=1)[0]
    assert refused(f"VERSION 0.8\nmain:\n  {command}\n") == (
        "no-from",
        f"Earthfile:3:3: {name} stands before any FROM",
        "write FROM with an image, a target, or scratch above",
    )


@pytest.mark.parametrize("command", ["ENV A=1", "COPY a b", "BUILD +t", "ARG A", "FROM scratch", "LABEL a=b", "RUN x"])
def test_after_a_push_before_0_7(command: str) -> None:
    text = f"VERSION 0.6\nFROM scratch\nmain:\n  SAVE IMAGE --push reg.test/a:b\n  {command}\n"
    assert refused(text) == (
        "push-order",
        f"Earthfile:5:3: {command.split(maxsplit=1)[0]} may not follow a SAVE IMAGE --push",
        "move it above the SAVE IMAGE --push, or begin the Earthfile with VERSION 0.7 or 0.8",
    )


@pytest.mark.parametrize("name", ["ADD", "SHELL", "STOPSIGNAL", "ONBUILD"])
def test_commands_of_dockerfiles(name: str) -> None:
    fault, summary, _ = refused(f"VERSION 0.8\nFROM scratch\nmain:\n  {name} x\n")
    assert (fault, summary) == ("unsupported-command", f"Earthfile:4:3: {name} is a command of Dockerfiles that Earthfiles do not have")


def test_a_long_chain_of_targets_is_no_traceback() -> None:
    chain = "".join(f"t{number}:\n  FROM +t{number + 1}\n" for number in range(200))
    with pytest.raises(EarthfileError) as caught:
        evaluated(f"VERSION 0.8\nFROM scratch\n{chain}t200:\n  ENV A=1\n", "t0")
    assert caught.value.fault.value == "cycle"


def test_nothing_is_saved_where_outputs_are_off() -> None:
    text = "VERSION 0.8\nmain:\n  FROM scratch\n  COPY f /f\n  SAVE ARTIFACT /f AS LOCAL f\n  SAVE IMAGE --push reg.test/a:b\n"
    found = evaluated(text, files={"f": ""}, outputs=False)
    assert (found.images, found.locals) == ((), ())


def test_the_listing_helper_names_folders() -> None:
    assert sorted(listing({"a/b/c": ""}).entries) == ["a", "a/b", "a/b/c"]
