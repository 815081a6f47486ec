"""Each used ARG with the line that proves it, and how its influence comes there."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent

from matrixbuild.core.earthfile.walk import parsed
from matrixbuild.core.explain import Proof, UsedArg, directories, explained
from matrixbuild.core.explain_lines import Original
from matrixbuild.core.problems import Place
from tests.core.earthfile.analysing import analysed

VERSION = "VERSION --arg-scope-and-set --shell-out-anywhere 0.6\nFROM alpine\n"


def used(text: str, *, files: Mapping[str, str] | None = None, args: Mapping[str, str] | None = None) -> dict[str, UsedArg]:
    texts = {"Earthfile": dedent(text).lstrip(), **{path: dedent(content) for path, content in (files or {}).items()}}
    found = analysed(text, files=files, args=args)
    originals = {}
    for directory in directories(found):
        path = f"{directory}/Earthfile".lstrip("/")
        originals[directory] = Original(earthfile=parsed(texts[path], path).earthfile, text=texts[path])
    shown = explained(found, originals, lambda path, word: Place(file=path, line=7, text=word))
    assert [each.name for each in shown.used] == [use.name for use in found.used]
    return {each.name: each for each in shown.used}


def told(found: UsedArg) -> tuple[str, int, list[tuple[str, int]]]:
    return found.proof.value, found.place.line, [(step.name, step.place.line) for step in found.through]


def test_the_line_within_a_command_is_the_one_that_names_it() -> None:
    found = used(VERSION + "main:\n    ARG A\n    ARG B\n    RUN one && \\\n        # $B in a comment\n        two $A && \\\n\n        three $B\n")
    assert told(found["A"]) == ("named", 8, [])
    assert told(found["B"]) == ("named", 10, [])
    assert found["A"].place == Place(file="Earthfile", line=8, column=14, text="        two $A && \\", width=1)


def test_an_arg_that_comes_through_others_is_told_with_the_lines_that_set_them() -> None:
    found = used(
        VERSION + "ARG OS\nARG TAG=1-$OS\nARG IMAGE=example.com/x:$TAG\nmain:\n    FROM $IMAGE\n    RUN true\n    ARG LATER=$OS\n    RUN $LATER\n"
    )
    assert told(found["OS"]) == ("through", 7, [("TAG", 4), ("IMAGE", 5)])
    assert told(found["TAG"]) == ("through", 7, [("IMAGE", 5)])
    assert told(found["IMAGE"]) == ("named", 7, [])


def test_a_condition_carries_influence_to_what_its_branches_set() -> None:
    found = used(VERSION + 'ARG FIPS=false\nIF [ "$FIPS" = true ]\n    ARG KIND=a\nELSE\n    ARG KIND=b\nEND\nmain:\n    RUN install $KIND\n')
    assert told(found["FIPS"]) == ("through", 10, [("KIND", 5)])


def test_no_way_leads_back_to_an_earlier_line_or_to_the_variable_of_another_recipe() -> None:
    found = used(
        VERSION
        + "ARG V\nARG IMAGE=x:$V\nmain:\n    FROM $IMAGE\n    ARG X=1\n    RUN $X\n    DO +F --IMAGE=$V\n    BUILD +other\n"
        + "other:\n    ARG IMAGE=$V\n    RUN true\nF:\n    COMMAND\n    ARG IMAGE\n    RUN true\n",
        args={"V": "1"},
    )
    assert told(found["V"]) == ("through", 6, [("IMAGE", 4)])


def test_what_is_passed_to_a_function_is_followed_into_it() -> None:
    found = used(VERSION + "main:\n    ARG V\n    DO +F --NAME=$V\nF:\n    COMMAND\n    ARG NAME\n    RUN install $NAME\n")
    assert told(found["V"]) == ("through", 9, [("NAME", 5)])


def test_a_file_that_may_be_run_is_told_with_its_line() -> None:
    found = used(
        VERSION + "main:\n    ARG A\n    ARG B\n    LET C=x$B\n    COPY script.sh /\n    RUN /script.sh\n",
        files={"script.sh": "echo $A $C\n"},
    )
    assert found["A"] == UsedArg(
        name="A",
        place=Place(file="Earthfile", line=8, column=5, text="    RUN /script.sh", width=3),
        proof=Proof.FILE,
        file=Place(file="script.sh", line=7, text="A"),
    )
    assert told(found["B"]) == ("file", 8, [("C", 6)])
    assert (found["B"].word, found["B"].file) == ("C", Place(file="script.sh", line=7, text="C"))


def test_a_file_that_hands_on_its_whole_environment_says_so() -> None:
    found = used(VERSION + "main:\n    ARG A\n    COPY script.sh /\n    RUN /script.sh\n", files={"script.sh": "env\n"})
    assert told(found["A"]) == ("file", 6, [])
    assert found["A"].word == "*"


def test_a_command_that_reads_its_whole_environment_is_explained_by_where_else_an_arg_stands() -> None:
    """As CanvOS v4.4.12 has it: a version that only sets what nothing uses, and counts all the same."""
    found = used(
        VERSION + 'ARG K8S\nARG DIST\nmain:\n    IF [ "$DIST" = k3s ]\n        ARG BASE=$K8S\n    END\n    RUN envsubst < template\n',
        args={"K8S": "1", "DIST": "k3s"},
    )
    assert told(found["K8S"]) == ("environment", 9, [])
    (mention,) = found["K8S"].mentions
    assert (mention.place.line, mention.place.text, mention.sets, mention.idle) == (7, "        ARG BASE=$K8S", "BASE", True)
    (mention,) = found["DIST"].mentions
    assert (mention.place.line, mention.sets, mention.idle) == (6, "", False)


def test_what_programs_read_by_custom_is_told() -> None:
    assert told(used(VERSION + "main:\n    ARG GOFLAGS\n    RUN make\n")["GOFLAGS"]) == ("custom", 5, [])


def test_another_directory_is_explained_by_its_own_earthfile() -> None:
    files = {"sub/Earthfile": VERSION + "ARG Y\nARG Z=$Y\nt:\n    RUN $Z\n"}
    found = used(VERSION + "main:\n    ARG X\n    FROM ./sub+t --Y=$X\n    RUN true\n", files=files)
    assert found["X"].place.file == "sub/Earthfile"
    assert told(found["X"]) == ("through", 6, [("Y", 5), ("Z", 4)])


def test_what_goes_no_way_that_can_be_told_is_said_to_have_a_part() -> None:
    """A value that becomes unknown in a branch counts at the IF, whatever is done with it."""
    found = used(VERSION + "main:\n    ARG V\n    IF [ -f /x ]\n        LET V=2\n    END\n    RUN true\n", args={"V": "x"})
    assert told(found["V"]) == ("value", 5, [])
