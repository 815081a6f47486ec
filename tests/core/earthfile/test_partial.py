"""Partial evaluation at its edges: what is certainly refused, what base images set, and what calls itself."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.images import ImageConfig
from tests.core.earthfile.analysing import analysed, opaque, used

HEAD = "VERSION 0.8\nFROM alpine:3.20\nmain:\n"


def refused(text: str, **how: object) -> tuple[str, str]:
    with pytest.raises(EarthfileError) as caught:
        analysed(text, **how)  # type: ignore[arg-type]
    return caught.value.fault.value, str(caught.value)


# What is refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keyword", "text"), [("IF", "  IF --no-cache\n    RUN x\n  END\n"), ("ELSE IF", "  IF false\n  ELSE IF --ssh\n    RUN x\n  END\n")]
)
def test_an_if_needs_a_condition(keyword: str, text: str) -> None:
    line = 4 if keyword == "IF" else 5
    assert refused(HEAD + text) == ("invalid-arg", f"Earthfile:{line}:3: {keyword} has no condition")


def test_what_is_evaluated_in_an_image_without_a_shell_is_refused() -> None:
    head = "VERSION 0.8\nFROM scratch\nmain:\n  ARG A=1\n"
    why = "cannot be evaluated: the image has no /bin/sh"
    assert refused(head + '  IF [ "$A" = 1 ]\n    COPY a /\n  END\n') == ("no-shell", f'Earthfile:5:3: IF [ "$A" = 1 ] {why}')
    assert refused(head + '  IF [ "$A" = 1 ]\n    LET x=1\n  END\n') == ("no-shell", f"Earthfile:5:3: IF {why}")
    assert refused(head + "  FOR x IN a b\n    LET y=1\n  END\n") == ("no-shell", f"Earthfile:5:3: FOR x IN a b {why}")
    assert refused(head + "  LET x=$(date)\n") == ("no-shell", "Earthfile:5:3: $(date) needs a shell, and the image has no /bin/sh")


def test_but_not_where_the_image_may_have_one() -> None:
    text = 'VERSION 0.8\nFROM scratch\nmain:\n  COPY sh /bin/\n  IF [ "$A" = 1 ]\n    COPY a /\n  END\n'
    assert analysed(text, files={"sh": "", "a": ""}).files == ("sh",)


def test_nor_where_that_branch_may_not_be_taken() -> None:
    text = HEAD + "  IF [ -f /x ]\n    FROM scratch\n    IF true\n      COPY a /\n    END\n  END\n  COPY b /\n"
    assert analysed(text, files={"a": "", "b": ""}).files == ("b",)


CONFLICT = "  BUILD +a\n  BUILD +b\na:\n  SAVE IMAGE --push r.example.com/x:1\nb:\n  SAVE IMAGE --push r.example.com/x:1\n"


def test_two_images_of_one_name_conflict_where_both_are_certain() -> None:
    assert refused(HEAD + CONFLICT)[0] == "image-conflict"
    uncertain = HEAD + CONFLICT.replace("  BUILD +a\n", "  IF [ -f /x ]\n    BUILD +a\n  END\n")
    assert [image.names for image in analysed(uncertain).images] == [("r.example.com/x:1",)] * 2


# Lists ----------------------------------------------------------------------------


def test_a_condition_that_is_a_list_runs_a_program_whatever_its_words_are() -> None:
    text = HEAD + '  ARG A=1\n  IF ["test", "$A", "=", "1"]\n    COPY a /\n  ELSE\n    COPY b /\n  END\n'
    assert analysed(text, files={"a": "", "b": ""}).files == ("a", "b")


# Base images ----------------------------------------------------------------------

DECIDED = HEAD + '  IF [ "$FLAVOUR" = small ]\n    COPY a /\n  ELSE\n    COPY b /\n  END\n'


def test_what_a_known_base_image_sets_decides() -> None:
    known = {"alpine:3.20": ImageConfig(env=(("FLAVOUR", "small"),))}
    found = analysed(DECIDED, files={"a": "", "b": ""}, images=known)
    assert (found.files, found.opaque) == (("a",), ())
    assert analysed(DECIDED, files={"a": "", "b": ""}, images={"alpine:3.20": ImageConfig()}).files == ("b",)


@pytest.mark.parametrize("name", ["FLAVOUR", "HOME", "PATH"])
def test_what_an_unknown_one_may_set_is_told_as_opaque(name: str) -> None:
    found = analysed(HEAD + f"  ENV X=a-${name}\n")
    assert opaque(found) == [("values", 4, f"${name} is what a base image sets, which nobody looked at")]
    assert analysed(HEAD + f"  ENV X=a-${name}\n", images={"alpine:3.20": ImageConfig(env=((name, "x"),))}).opaque == ()


# What calls itself ------------------------------------------------------------------


@pytest.mark.parametrize("command", ["BUILD +main --N=1", "DO +F --N=1"])
def test_what_calls_itself_for_certain_is_refused_where_it_does(command: str) -> None:
    text = HEAD + f"  ARG N=0\n  {command}\nF:\n  FUNCTION\n  ARG N\n  DO +F --N=x$N\n"
    fault, told = refused(text)
    assert fault == "cycle"
    assert told.startswith("Earthfile:5:3: +main needs itself" if "BUILD" in command else "Earthfile:9:3: +F is inside of 64")


@pytest.mark.parametrize("depth", [1, 20, 50])
@pytest.mark.parametrize("call", ["BUILD +main", "DO +F"])
def test_what_args_end_is_gone_through_to_its_end(depth: int, call: str) -> None:
    arms = "".join(f'  IF [ "$N" = {number} ]\n    {call} --N={number - 1}\n  END\n' for number in range(depth, 0, -1))
    last = f'  IF [ "$N" = 0 ]\n    RUN echo end\n  END\n{arms}'
    body = f"  ARG N\n{last}" if call == "BUILD +main" else f"  DO +F --N={depth}\nF:\n  FUNCTION\n  ARG N\n{last}"
    found = analysed(HEAD + body, args={"N": str(depth)} if call == "BUILD +main" else {})
    assert found.commands.count("RUN echo end") == 1
    assert not found.whole


@pytest.mark.parametrize("call", ["BUILD +main --N=$(next $N)", "BUILD +main --N=x$N", "DO +F --N=x$N"])
def test_what_may_go_on_at_any_depth_may_be_anything(call: str) -> None:
    body = f"  ARG N\n  IF [ -f /x ]\n    {call}\n  END\n"
    text = HEAD + (body if "BUILD" in call else f"  ARG N\n  DO +F\nF:\n  FUNCTION\n{body}")
    found = analysed(text, args={"N": "1", "OTHER": "2"})
    assert found.whole
    assert found.used_names == {"N", "OTHER"}
    who = "+main" if "BUILD" in call else "+F"
    assert f"how often {who} calls itself is known only while it is built" in [why for kind, _, why in opaque(found) if kind == "inputs"]


# Scripts --------------------------------------------------------------------------


def test_the_line_that_wrote_a_script_proves_what_it_may_read() -> None:
    text = HEAD + "  RUN echo 'make $A' >/x.sh\n  ARG A\n  ARG B\n  RUN sh /x.sh\n"
    assert used(text) == {"A": 4}
