"""Each reason to leave an ARG where it is: said with its line, and without it the build would have come out another, as the proof says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.narrowing import Why
from matrixbuild.core.earthfile.statements import Statement
from matrixbuild.core.images import ImageConfig
from tests.core.earthfile.narrowing import Args, Narrowed, narrowed

SCOPED = "VERSION --arg-scope-and-set --shell-out-anywhere 0.6\n"
X = "ARG X=0\nFROM alpine\n"
TWO: tuple[Args, ...] = ({"X": "1"}, {"X": "2"})
MAYBE: tuple[Args, ...] = ({"X": "1"}, {})


@dataclass(frozen=True, kw_only=True)
class Case:
    """`difference` is what the proof says where the reason is not asked about, for the last of the calls; `of` another target to prove it for."""

    text: str
    kind: Why
    why: str
    line: int | None
    difference: str
    version: str = SCOPED
    calls: tuple[Args, ...] = TWO
    name: str = "X"
    files: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, ImageConfig] = field(default_factory=dict)
    of: str = "main"


CASES = {
    "a proxy": Case(
        text="ARG HTTP_PROXY=0\nFROM alpine\nmain:\n  RUN curl example.com\n",
        calls=({"HTTP_PROXY": "1"}, {"HTTP_PROXY": "2"}),
        name="HTTP_PROXY",
        kind=Why.NEVER,
        why="programs read HTTP_PROXY though nothing names it",
        line=2,
        difference="RUN of +main sees HTTP_PROXY='2' and would see no HTTP_PROXY",
    ),
    "what programs read by custom": Case(
        text="ARG X=0\nARG GOFLAGS=-a$X\nFROM alpine\nmain:\n  RUN go build\n",
        kind=Why.NEVER,
        why="programs read GOFLAGS though nothing names it",
        line=3,
        difference="RUN of +main sees GOFLAGS='-a2' and would see no GOFLAGS",
    ),
    "a RUN of the base recipe": Case(
        text=f"{X}RUN echo $X\nmain:\n  RUN a\n",
        kind=Why.BASE,
        why="the base recipe needs it: X is read where it is not only about ARGs (RUN in line 4)",
        line=4,
        difference="+base has RUN echo $X where it would have nothing more",
    ),
    "a default that a shell makes": Case(
        text="FROM alpine\nARG X=0\nARG Y=$(echo $X)\nmain:\n  RUN $Y\n",
        kind=Why.BASE,
        why="the base recipe needs it: X is read where it runs a shell for a default",
        line=4,
        difference="+base has ARG Y = $(echo $X) where it would have nothing more",
    ),
    "a test of files": Case(
        text="ARG X=0\nFROM alpine\nIF [ -f /x$X ]\n  ARG Y=1\nEND\nmain:\n  FROM ubuntu\n  RUN $Y\n",
        kind=Why.BASE,
        why="the base recipe needs it: X is read where it asks more than what ARGs are (line 4)",
        line=4,
        difference="+base has IF [ -f /x$X ] where it would have nothing more",
    ),
    "an ARG that targets do not see": Case(
        version="VERSION 0.8\n",
        text="ARG --global X=0\nARG Y=$X\nFROM alpine\nRUN echo $Y\nmain:\n  RUN a\n",
        kind=Why.BASE,
        why="an ARG that targets do not see is made from it",
        line=3,
        difference="RUN of +base sees Y='2' and would see no Y",
    ),
    "two declarations": Case(
        version="VERSION 0.6\n",
        text='FROM alpine\nARG X=1\nARG Q=0\nIF [ "$Q" = 0 ]\n  ARG X=2\nEND\nmain:\n  ARG Q=5\n  RUN echo $X\n',
        calls=MAYBE,
        kind=Why.SEVERAL,
        why="the base recipe declares X more than once",
        line=5,
        difference="RUN of +main sees X='1' and would see X='2'",
    ),
    "a default from below": Case(
        text="ARG X=$Y\nARG Y=1\nFROM alpine\nmain:\n  RUN echo $X\n",
        calls=MAYBE,
        kind=Why.ORDER,
        why="X is made from Y, which no ARG above it declares",
        line=2,
        difference="RUN of +main sees X='' and would see X='1'",
    ),
    "a default from an ENV": Case(
        text="FROM alpine\nARG Y=1\nENV Y=2\nARG X=$Y\nmain:\n  FROM scratch\n  LABEL x=$X\n",
        calls=MAYBE,
        kind=Why.ORDER,
        why="X is made from Y, which an ENV of the base recipe sets",
        line=4,
        difference="LABEL of +main sees X='2' and would see X='1'",
    ),
    "a built-in": Case(
        version="VERSION 0.8\n",
        text="ARG --global TARGETARCH\nARG --global X=a-$TARGETARCH\nFROM alpine\nmain:\n  RUN echo $X\n"
        "  FROM --platform=linux/arm64 +other\n  RUN echo $X\nother:\n  RUN b\n",
        calls=MAYBE,
        kind=Why.BUILTIN,
        why="X is made from the built-in TARGETARCH, which is not the same in all targets",
        line=3,
        difference="RUN of +main sees X='a-arm64' and would see X='a-amd64'",
    ),
    "a LET of the base recipe": Case(
        version="VERSION 0.8\n",
        text="ARG --global Y=1\nFROM alpine\nLET Y=2\nARG --global X=$Y\nmain:\n  RUN echo $X\n",
        calls=MAYBE,
        kind=Why.LET,
        why="X is made from Y, to which a LET of the base recipe gives a value that targets do not see",
        line=4,
        difference="RUN of +main sees X='2' and would see X='1'",
    ),
    "a FOR": Case(
        text=f"{X}main:\n  FOR X IN a b\n    RUN echo $X\n  END\n  RUN echo $X\n",
        kind=Why.ASSIGNED,
        why="FOR runs with X",
        line=5,
        difference="RUN of +main sees X='2' and would see no X",
    ),
    "another ENV": Case(
        text=f"{X}main:\n  ENV X=b\n  RUN echo $X\n",
        kind=Why.ASSIGNED,
        why="ENV gives X a value",
        line=5,
        difference="RUN of +main sees X='b' and would see X='2'",
    ),
    "a target's own": Case(
        text=f"{X}main:\n  RUN a\n  ARG X=5\n  RUN echo $X\n",
        kind=Why.OWN,
        why="+main declares X itself and uses it",
        line=6,
        difference="X is declared twice in the same target",
    ),
    "all ARGs passed": Case(
        version="VERSION 0.8\n",
        text="ARG --global X=0\nFROM alpine\nmain:\n  BUILD --pass-args ./sub+t\n",
        files={"sub/Earthfile": "VERSION 0.8\nFROM alpine\nt:\n  ARG X=none\n  RUN echo $X\n"},
        calls=MAYBE,
        kind=Why.PASSED,
        why="--pass-args hands on every ARG that is declared where it stands",
        line=5,
        difference="RUN of sub+t sees X='0' and would see X='none'",
    ),
    "globals of another target": Case(
        text=f"{X}main:\n  FROM +other --X=7\n  RUN echo $X\nother:\n  RUN a\n",
        kind=Why.FROM,
        why="FROM gives the globals behind it another X",
        line=5,
        difference="RUN of +main sees X='7' and would see X='2'",
    ),
    "globals of another target, in the old way": Case(
        text=f"{X}main:\n  FROM --build-arg X=7 +other\n  RUN echo $X\nother:\n  RUN a\n",
        kind=Why.FROM,
        why="FROM gives the globals behind it another X",
        line=5,
        difference="RUN of +main sees X='7' and would see X='2'",
    ),
    "a function": Case(
        text=f"{X}main:\n  DO +F\nF:\n  COMMAND\n  RUN echo $X\n",
        kind=Why.FUNCTION,
        why="the function +F uses X and does not declare it first",
        line=8,
        difference="RUN of +main sees X='2' and would see no X",
    ),
    "a function's own, before --arg-scope-and-set": Case(
        version="VERSION 0.6\n",
        text=f"{X}main:\n  DO +F\nF:\n  COMMAND\n  ARG X\n  RUN echo $X\n",
        kind=Why.FUNCTION,
        why="the function +F uses X and does not declare it first",
        line=8,
        difference="RUN of +main sees X='2' and would see X=''",
    ),
    "a script for a function": Case(
        text=f"{X}main:\n  RUN echo 'echo $X' >/s\n  DO +F\nF:\n  COMMAND\n  RUN /s\n",
        kind=Why.FUNCTION,
        why="the function +F may run a script that reads X, as a text of +main names it",
        line=7,
        difference="RUN of +main sees X='2' and would see no X",
    ),
    "a target that a function enters": Case(
        text=f"{X}main:\n  DO +F\nF:\n  COMMAND\n  COPY (+t/f --W=1) .\nt:\n  RUN echo $X >/f\n  SAVE ARTIFACT /f\n",
        kind=Why.ENTERED,
        why="+t uses X and is entered from the function +F",
        line=9,
        difference="RUN of +t sees X='2' and would see X=''",
    ),
    "a target that another Earthfile enters": Case(
        text=f"{X}main:\n  BUILD ./sub+t\nleaf:\n  RUN echo $X\n",
        files={"sub/Earthfile": f"{SCOPED}FROM alpine\nt:\n  FROM ../+leaf\n"},
        kind=Why.ELSEWHERE,
        why="+leaf uses X and is entered from sub/Earthfile",
        line=6,
        difference="RUN of +leaf sees X='2' and would see X=''",
    ),
    "what another Earthfile is given": Case(
        text=f"{X}main:\n  BUILD ./sub+t --Y=$X\nleaf:\n  RUN echo $X\n",
        files={"sub/Earthfile": f"{SCOPED}FROM alpine\nt:\n  ARG Y\n  FROM ../+leaf\n"},
        kind=Why.ELSEWHERE,
        why="a reference to another Earthfile needs X",
        line=5,
        difference="RUN of +leaf sees X='2' and would see X=''",
    ),
    "the whole environment": Case(
        text=f"{X}main:\n  RUN env >/env\n",
        kind=Why.ENVIRONMENT,
        why="a command reads its whole environment, which holds every ARG",
        line=5,
        difference="RUN of +main sees X='2' and would see no X",
    ),
    "the whole environment, in an ENTRYPOINT": Case(
        text=f'{X}main:\n  ENTRYPOINT ["env"]\n  RUN --entrypoint >/env\n',
        kind=Why.ENVIRONMENT,
        why="a command reads its whole environment, which holds every ARG",
        line=5,
        difference="RUN of +main sees X='2' and would see no X",
    ),
    "a file": Case(
        text=f"{X}main:\n  COPY s /s\n  RUN /s\n",
        files={"s": "echo $X"},
        kind=Why.FILE,
        why="a command may run s, which names X",
        line=None,
        difference="RUN of +main sees X='2' and would see no X",
    ),
    "a file that reads everything": Case(
        text=f"{X}main:\n  COPY s /s\n  RUN /s\n",
        files={"s": "printenv"},
        kind=Why.FILE,
        why="a command may run s, which reads its whole environment",
        line=None,
        difference="RUN of +main sees X='2' and would see no X",
    ),
    "a Dockerfile": Case(
        text=f"{X}main:\n  FROM DOCKERFILE .\n  RUN /s\n",
        files={"Dockerfile": "FROM alpine\nRUN echo 'echo $X' >/s\n"},
        kind=Why.FILE,
        why="Dockerfile writes a file that names X",
        line=1,
        difference="RUN of +main sees X='2' and would see no X",
    ),
    "an image's own": Case(
        text=f"{X}main:\n  FROM ubuntu\n  RUN echo $X\n",
        images={"ubuntu": ImageConfig(env=(("X", "image"),))},
        kind=Why.IMAGE,
        why="an image sets X itself",
        line=2,
        difference="RUN of +main sees X='image' and would see X='2'",
    ),
    "a value that is run": Case(
        text=f"{X}main:\n  FROM +other\n  RUN eval \"$C\"\nother:\n  ENV C='echo $X'\n",
        kind=Why.SPELLED,
        why="a value here spells X, and may be run",
        line=8,
        difference="RUN of +main sees X='2' and would see no X",
    ),
    "a given value that is run": Case(
        text='ARG X=0\nARG C\nFROM alpine\nmain:\n  RUN eval "$C"\n',
        calls=({"X": "1", "C": "X"}, {"X": "2", "C": "X"}),
        kind=Why.SPELLED,
        why="a value that is given spells X, and may be run",
        line=None,
        difference="RUN of +main sees X='2' and would see no X",
    ),
    "another shell": Case(
        text='ARG X=0\nFROM alpine\nIF [ "$X" == 2 ]\n  ARG Y=1\nELSE\n  ARG Y=2\nEND\nFROM ubuntu\nmain:\n  RUN echo $Y\n',
        kind=Why.SHELL,
        why="the base recipe goes on FROM another image behind the IF that makes Y",
        line=9,
        difference="RUN of +main sees Y='\ufffdY\ufffd; [ \"$X\" == 2 ] with ((\\'X\\', \\'2\\'),) in alpine linux/amd64' and would see "
        "Y='\ufffdY\ufffd; [ \"$X\" == 2 ] with ((\\'X\\', \\'2\\'),) in ubuntu linux/amd64'",
    ),
    "who knows": Case(
        text=f"{X}main:\n  BUILD +$(cat /target)\nleaf:\n  RUN echo $X\n",
        kind=Why.UNKNOWN,
        why="a command may be anything, and read any ARG",
        line=5,
        of="leaf",
        difference="RUN of +leaf sees X='2' and would see no X",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_an_arg_stays_for_a_reason(case: Case) -> None:
    text = case.version + case.text
    found = narrowed(text, case.calls, files=case.files, images=case.images).narrowing
    assert found.text == text
    (refused,) = found.refused
    assert (refused.name, refused.kind, refused.why, refused.place.line if refused.place else None) == (case.name, case.kind, case.why, case.line)


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_without_the_reason_the_build_would_be_another(case: Case) -> None:
    found = narrowed(case.version + case.text, case.calls, files=case.files, images=case.images, skipped=frozenset({case.kind}))
    assert found.narrowing.narrowed
    assert _told(found, case) == case.difference


def _told(found: Narrowed, case: Case) -> str:
    try:
        difference = found.differs(case.of, case.calls[-1])
    except EarthfileError as error:
        return error.summary
    return difference.sentence if difference else ""


def test_every_reason_has_a_case() -> None:
    assert {case.kind for case in CASES.values()} == set(Why)


@pytest.mark.parametrize(
    "text",
    [
        f"{X}main:\n  ENV X=$X\n  RUN echo $X\n",
        f'{X}main:\n  ENV X="${{X}}"\n  RUN echo $X\n',
        f"{X}main:\n  FROM +other --X=$X\n  RUN echo $X\nother:\n  RUN a\n",
        f"{X}main:\n  DO +F --X=$X\nF:\n  COMMAND\n  ARG X\n  RUN echo $X\n",
        f"{X}main:\n  DO +F\nF:\n  COMMAND\n  ARG X=5\n  RUN echo $X\n",
        f"{X}main:\n  DO +F\nF:\n  COMMAND\n  COPY (+t/f --W=1) .\nt:\n  SAVE ARTIFACT /f\n",
    ],
)
def test_what_looks_like_a_reason_and_is_none(text: str) -> None:
    found = narrowed(SCOPED + text, MAYBE)
    assert found.narrowing.names == {"X"}
    assert [found.differs("main", args) for args in MAYBE] == [None, None]


def test_a_name_is_refused_by_itself() -> None:
    text = f"{SCOPED}ARG X=0\nARG Y=0\nFROM alpine\nRUN $Y\nmain:\n  RUN $X $Y\n"
    found = narrowed(text, ({"X": "1", "Y": "1"}, {"X": "2", "Y": "2"})).narrowing
    assert found.names == {"X"}
    assert [each.name for each in found.refused] == ["Y"]


@pytest.mark.parametrize(
    ("reads", "wanted"), [(("OTHER",), set()), (("OTHER", "X"), {"a command reads X out of its environment, as is stated of it"})]
)
def test_what_a_profile_states_of_a_command_is_believed(reads: tuple[str, ...], wanted: set[str]) -> None:
    statement = Statement(file="Earthfile", text="envsubst </t", reads=frozenset(reads), reason="it says so")
    found = narrowed(f"{SCOPED}{X}main:\n  RUN envsubst </t\n  RUN $X\n", TWO, statements=(statement,))
    assert {each.why for each in found.narrowing.refused} == wanted
    assert found.narrowing.narrowed == (not wanted)
    assert found.differs("main", TWO[0]) is None
