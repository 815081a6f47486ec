"""The law that sharing rests on, on generated Earthfiles: whatever was asked before, a call comes to what it comes to alone."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.listing import Entry, Kind, Listing
from matrixbuild.core.names import sha256
from matrixbuild.workflow.sharing import Args
from matrixbuild.workflow.targets import EarthlyReader, EmbeddedReader, Read

EXAMPLES = 20_000 if os.environ.get("MATRIXBUILD_SOAK") else 60
NAMES = ("A", "B", "C", "D")
VERSIONS = ("VERSION 0.6", "VERSION --arg-scope-and-set --shell-out-anywhere 0.6", "VERSION 0.7", "VERSION 0.8")


class Texts:
    """A source of a few files, in memory."""

    root = Path("nowhere")

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self.listing = Listing(entries={path: Entry(kind=Kind.FILE) for path in texts})

    def open(self, path: str) -> bytes:
        return self._texts[path].encode()

    def text(self, path: str) -> str | None:
        return self._texts.get(path)

    def fingerprint(self, path: str) -> str:
        return sha256(self.open(path))


names = st.sampled_from(NAMES)
words = st.one_of(
    st.sampled_from(["0", "1", '""']),
    names.map(lambda name: f"${name}"),
    st.tuples(names, names).map(lambda two: f"${two[0]}${two[1]}"),
    st.tuples(names, st.sampled_from([":-", ":+"]), names).map(lambda three: f"${{{three[0]}{three[1]}${three[2]}}}"),
    st.tuples(names, names).map(lambda two: f"${{{two[0]}%${two[1]}}}"),
)
targets = st.sampled_from(["other", "third"])
paths = st.sampled_from(["", "sub"])
calls_args = st.one_of(
    st.just(""),
    st.tuples(names, words).map(lambda pair: f" --{pair[0]}={pair[1]}"),
    st.tuples(names, names).map(lambda two: f" --${two[0]}={two[1]}"),
)
simple = st.one_of(
    words.map(lambda word: f"ENV E={word}"),
    words.map(lambda word: f"LABEL l={word}"),
    words.map(lambda word: f"COPY --if-exists ./f{word} /x/"),
    st.tuples(names, words).map(lambda pair: f"LET L{pair[0]}={pair[1]}"),
    words.map(lambda word: f"WORKDIR /w{word}"),
    words.map(lambda word: f"SAVE IMAGE r.example.com/x:t{word}"),
    st.sampled_from(["LABEL e=$E", "LABEL l=$LA$LB", "COPY --if-exists ./f$LA /y/", "COPY --if-exists ./f$E /y/"]),
    st.tuples(targets, paths, calls_args).map(lambda call: f"BUILD ./{call[1]}+{call[0]}{call[2]}" if call[1] else f"BUILD +{call[0]}{call[2]}"),
    st.tuples(targets, calls_args).map(lambda call: f"COPY (+{call[0]}/a{call[1]}) /from/"),
    st.tuples(words).map(lambda word: f"DO +FUN --P={word[0]}"),
)
conditions = st.one_of(
    st.tuples(names, names).map(lambda two: f'[ "${two[0]}" = "${two[1]}" ]'),
    st.tuples(names, st.sampled_from(["-n", "-z"])).map(lambda pair: f'[ {pair[1]} "${pair[0]}" ]'),
    st.tuples(names, names).map(lambda two: f'[ "${two[0]}" = 1 ] && [ "${two[1]}" != 1 ]'),
)
unknown = st.one_of(conditions, st.just("[ -f /there ]"), names.map(lambda name: f'[ "${name}" = 1 ] && [ -f /there ]'))
ran = st.one_of(words.map(lambda word: f"RUN echo {word}"), st.sampled_from(["RUN echo $E$LA", "RUN ./f1"]))


def bodies(line: st.SearchStrategy[str], condition: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    lines = st.lists(line, max_size=4)
    block = st.tuples(condition, lines, lines).map(_block)
    groups = st.lists(st.one_of(line.map(lambda one: [one]), block), min_size=1, max_size=4)
    return groups.map(lambda found: [each for group in found for each in group])


def _block(parts: tuple[str, list[str], list[str]]) -> list[str]:
    condition, body, otherwise = parts
    return [f"IF {condition}", *_indented(body or ["ENV Z=1"]), "ELSE", *_indented(otherwise or ["ENV Z=2"]), "END"]


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


declared = st.lists(st.tuples(names, st.one_of(st.none(), words)), max_size=4, unique_by=lambda pair: pair[0]).map(
    lambda args: [f"ARG {name}" if word is None else f"ARG {name}={word}" for name, word in args]
)
overrides = st.lists(st.tuples(names, st.sampled_from(["0", "1", "B", ""])), max_size=4, unique_by=lambda pair: pair[0]).map(
    lambda args: tuple(sorted(args))
)


@st.composite
def sources(draw: st.DrawFn, line: st.SearchStrategy[str], condition: st.SearchStrategy[str]) -> Texts:
    def earthfile(head: str) -> str:
        base = draw(st.one_of(st.just([]), declared))
        recipes = {name: [*draw(declared), *draw(bodies(line, condition))] for name in ("main", "other", "third")}
        recipes["other"] = [each for each in recipes["other"] if "+other" not in each and "+third" not in each]
        recipes["third"] = [each for each in recipes["third"] if "+third" not in each and "+other" not in each]
        keyword = "FUNCTION" if "0.8" in head else "COMMAND"
        text = "\n".join([head, "FROM scratch", "COPY sh /bin/sh", *base, ""])
        for name, body in recipes.items():
            text += "\n".join([f"{name}:", *_indented(body), "    SAVE ARTIFACT --if-exists /a", ""])
        return text + f"FUN:\n    {keyword}\n    ARG P\n    LABEL p=$P\n    COPY --if-exists ./f$P /p/\n"

    head = draw(st.sampled_from(VERSIONS))
    return Texts(
        {
            "Earthfile": earthfile(head),
            "sub/Earthfile": earthfile(head),
            "f0": "echo $A",
            "f1": "echo $B\n",
            "f": "",
            "sh": "",
            "sub/f0": "",
            "sub/f1": "C",
            "sub/sh": "",
        }
    )


def alone(kind: type[EarthlyReader] | type[EmbeddedReader], source: Texts, args: Args) -> Read | str:
    return asked(kind(source), args)


def asked(reader: EarthlyReader | EmbeddedReader, args: Args) -> Read | str:
    try:
        return reader.read("", "main", args)
    except EarthfileError as error:
        return str(error)


@settings(max_examples=EXAMPLES, deadline=None)
@given(source=sources(simple, conditions), calls=st.lists(overrides, min_size=2, max_size=6))
def test_the_embedded_engines_readings_do_not_hang_on_what_was_asked_before(source: Texts, calls: list[Args]) -> None:
    shared = EmbeddedReader(source)
    for args in calls:
        own, found = alone(EmbeddedReader, source, args), asked(shared, args)
        # What a call is refused for may be a text (of an image's name), which only a call of its own tells.
        assert found == own or isinstance(own, str), (args, source.text("Earthfile"), source.text("sub/Earthfile"))


@settings(max_examples=EXAMPLES, deadline=None)
@given(source=sources(st.one_of(simple, ran), unknown), calls=st.lists(overrides, min_size=2, max_size=6))
def test_earthlys_readings_do_not_hang_on_what_was_asked_before(source: Texts, calls: list[Args]) -> None:
    shared = EarthlyReader(source)
    for args in calls:
        own, found = alone(EarthlyReader, source, args), asked(shared, args)
        assert found == own or isinstance(own, str), (args, source.text("Earthfile"), source.text("sub/Earthfile"))


def _call(**args: str) -> Args:
    return tuple(args.items())


FIRST, SECOND = "VERSION 0.7\nFROM alpine\n", "VERSION 0.8\nFROM alpine\n"
OTHER = "other:\n  ARG D=0\n  ARG P=$D\n  COPY f$P /\n  SAVE ARTIFACT /a\n"
TWICE = "main:\n  ARG P\n  ARG B\n  BUILD +other\n  BUILD +other --P=$B\n" + OTHER


@pytest.mark.parametrize("kind", [EarthlyReader, EmbeddedReader])
@pytest.mark.parametrize(
    ("text", "calls"),
    [
        # whether a value is empty decides on what stands in its place
        (FIRST + "main:\n  ARG A\n  ARG B\n  LABEL l=${A:-$B}\n", [_call(A="x", B="1"), _call(A="", B="1"), _call(A="", B="2")]),
        (FIRST + "main:\n  ARG A\n  ARG B\n  LABEL l=${A:+$B}\n", [_call(A="", B="1"), _call(A="x", B="1"), _call(A="x", B="2")]),
        # an arg that is not given has its default
        (FIRST + "main:\n  ARG B\n  ARG T=$B\n  LABEL l=$T\n", [_call(B="1", T="x"), _call(B="1"), _call(B="2")]),
        # two calls of a target are one where they are given the same
        (FIRST + TWICE, [_call(P="1", B="1"), _call(P="1", B="0"), _call(P="0", B="0"), _call(P="0", B="1")]),
        (SECOND + TWICE, [_call(P="1", B="1"), _call(P="1", B="0"), _call(P="0", B="0"), _call(P="0", B="1")]),
        # ... or where one has its default, and the other is given that
        (
            "VERSION 0.7\nARG --global D=0\nFROM alpine\nmain:\n  BUILD +other\n  BUILD ./sub+back\nother:\n  ARG P=$D\n  LABEL l=$P\n",
            [_call(P="", D=""), _call(P="1", D=""), _call(P="1", D="1"), _call(P="", D="1")],
        ),
        # a value may say which arg it is for
        (
            FIRST + "main:\n  ARG N\n  BUILD +named --$N=1\nnamed:\n  ARG P=0\n  ARG Q=0\n  LABEL l=$P\n  COPY f$Q /\n",
            [_call(N="X"), _call(N="P"), _call(N="Q")],
        ),
        # a variable carries on what its value came from
        (FIRST + "main:\n  ARG A\n  ENV E=$A\n  COPY f$E /\n", [_call(A="0"), _call(A="1")]),
        (FIRST + 'main:\n  ARG A\n  COPY sh /bin/sh\n  ENV E=$A\n  IF [ "$E" = 1 ]\n    COPY f1 /\n  END\n', [_call(A="0"), _call(A="1")]),
        (FIRST + "main:\n  ARG A\n  WORKDIR /$A\n  COPY f1 ./\n", [_call(A="0"), _call(A="1")]),
    ],
)
def test_what_decides_is_told_apart(kind: type[EarthlyReader] | type[EmbeddedReader], text: str, calls: list[Args]) -> None:
    files = {
        "Earthfile": text,
        "sub/Earthfile": f"{text.partition(chr(10))[0]}\nback:\n  FROM alpine\n  BUILD ../+other\n",
        "f0": "",
        "f1": "",
        "sh": "",
    }
    for order in itertools.permutations(calls):
        shared = kind(Texts(files))
        assert [asked(shared, args) for args in order] == [alone(kind, Texts(files), args) for args in order]


def test_which_of_two_branches_that_may_both_be_taken_agree_is_told_apart() -> None:
    text = FIRST + "main:\n  ARG A\n  ARG B\n  LET x=0\n  IF [ -f /there ]\n    SET x=$A\n  ELSE\n    SET x=$B\n  END\n"
    text = text.replace("VERSION 0.7", "VERSION --arg-scope-and-set 0.7")
    for order in itertools.permutations([_call(A="1", B="1"), _call(A="1", B="2"), _call(A="2", B="2")]):
        shared = EarthlyReader(Texts({"Earthfile": text}))
        assert [asked(shared, args) for args in order] == [alone(EarthlyReader, Texts({"Earthfile": text}), args) for args in order]


def test_calls_that_differ_in_texts_alone_are_looked_at_once() -> None:
    text = FIRST + "main:\n  ARG A\n  ARG B=$A\n  ENV E=$A\n  LABEL l=$B\n  SAVE IMAGE r.example.com/x:$A\n"
    for shared in (EarthlyReader(Texts({"Earthfile": text})), EmbeddedReader(Texts({"Earthfile": text}))):
        first = asked(shared, _call(A="1"))
        assert asked(shared, _call(A="2")) is first
        assert asked(shared, _call(A="2", B="1")) is not first


def test_a_value_that_spells_an_args_name_is_looked_at_by_itself() -> None:
    source = Texts({"Earthfile": FIRST + "main:\n  ARG A\n  ARG B\n  RUN echo $A\n"})
    shared = EarthlyReader(source)
    found = [asked(shared, _call(A=value, B="1")) for value in ("x", "B", "y", "B")]
    assert found[0] is found[2]
    assert found[1] is found[3]
    assert found == [alone(EarthlyReader, source, _call(A=value, B="1")) for value in ("x", "B", "y", "B")]
