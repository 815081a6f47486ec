"""The law that narrowing rests on, on generated Earthfiles and random args: either an ARG is refused, or every call builds what it built before.

What is built is evaluated in full, by the evaluator of the embedded engine: neither narrowing nor its proof has a part in that. Each RUN becomes a
LABEL there, so that what it reads stands in the image; images of all targets are compared, and the values of what FOR and IF came to.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, event, given, reject, settings
from hypothesis import strategies as st

from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.narrowing import Why
from matrixbuild.core.earthfile.recipe import Evaluation, Image
from matrixbuild.core.earthfile.stages import recipes
from matrixbuild.core.earthfile.walk import parsed
from tests.core.earthfile.evaluating import copies, evaluated
from tests.core.earthfile.narrowing import Narrowed, narrowed

EXAMPLES = 20_000 if os.environ.get("MATRIXBUILD_SOAK") else 50
NAMES = ("A", "B", "C", "D")
FILES = {"f0": "", "f1": "", "f": "", "sub/Earthfile": "VERSION 0.8\nFROM busybox\nt:\n  ARG A=none\n  RUN use900 $A\n  SAVE IMAGE sub:$A\n"}

names = st.sampled_from(NAMES)
values = st.one_of(st.sampled_from(["0", "1"]), names.map(lambda name: f"${name}"), st.tuples(names, names).map(lambda two: f'"${two[0]}${two[1]}"'))
operators = st.sampled_from(["=", "!=", "=="])
tests = st.builds('[ "${}" {} "{}" ]'.format, names, operators, st.sampled_from(["0", "1"]))


def chosen(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """An IF with one statement in each arm."""
    return st.tuples(tests, inner, inner).map(lambda each: f"IF {each[0]}\n    {each[1]}\nELSE\n    {each[2]}\nEND")


@st.composite
def bases(draw: st.DrawFn, flag: str) -> list[str]:
    """Most declare each name once, from those above; a few are not so tidy."""
    out = ["FROM busybox"]
    order = draw(st.permutations(NAMES))
    for at, name in enumerate(order):
        above = st.sampled_from(order[: at + 1]).map(lambda name: f"${name}")
        default = st.one_of(st.sampled_from(["", "=0", "=1"]), st.one_of(above, values).map(lambda value: f"={value}"))
        arg = st.builds(f"ARG{flag} {name}{{}}".format, default)
        out.append(draw(st.one_of(arg, arg, arg, chosen(arg))))
    if not draw(st.integers(0, 3)):
        odd = (f"ENV {draw(names)}={draw(values)}", f"RUN use500 {draw(values)}", f"ARG{flag} {draw(names)}", "FROM busybox", f"LET y={draw(values)}")
        out.insert(draw(st.integers(1, len(out))), draw(st.sampled_from(odd)))
    if out[1].startswith("ARG") and draw(st.booleans()):
        out[:2] = out[1::-1]
    return out


plain = st.one_of(
    values.map(lambda value: f"RUN use# {value}"),
    values.map(lambda value: f"COPY f{value} /#"),
    values.map(lambda value: f"SAVE IMAGE x#:{value}"),
)
linking = st.one_of(
    st.sampled_from(["DO +F", "FROM busybox", "FROM scratch", "FROM +other", "FROM +third", "BUILD +other", "BUILD +third"]),
    values.map(lambda value: f"DO +F --A={value}"),
    st.tuples(names, values).map(lambda each: f"BUILD +other --{each[0]}={each[1]}"),
    st.tuples(names, values).map(lambda each: f"COPY (+third/a --{each[0]}={each[1]}) /#"),
)
odd = st.one_of(
    st.sampled_from(["BUILD ./sub+t"]),
    values.map(lambda value: f"SAVE IMAGE --push p#:{value}"),
    st.tuples(names, values).map(lambda each: f"ENV {each[0]}={each[1]}"),
    names.map(lambda name: f"ENV {name}=${name}"),
    names.map(lambda name: f"ARG {name}"),
    st.tuples(names, values).map(lambda each: f"ARG {each[0]}={each[1]}"),
    st.tuples(st.sampled_from(["A", "x"]), values).map(lambda each: f"LET {each[0]}={each[1]}"),
    st.tuples(names, values).map(lambda each: f"BUILD ./sub+t --{each[0]}={each[1]}"),
    st.tuples(names, values).map(lambda each: f"FROM +other --{each[0]}={each[1]}"),
    names.map(lambda name: f"FOR {name} IN 0 1\n    RUN use# ${name}\nEND"),
)
simple = st.integers(0, 11).flatmap(lambda rank: odd if rank == 0 else linking if rank < 5 else plain)
statements = st.lists(st.integers(0, 3).flatmap(lambda rank: chosen(simple) if rank == 0 else simple), min_size=1, max_size=5)
functions = st.sampled_from(
    ["RUN use700 $A", "ARG A\n  RUN use700 $A", "ARG A=5\n  RUN use700 $A$B", "RUN use700", "COPY (+third/a --C=1) /700", "ARG B\n  ENV E=$B"]
)
calls = st.lists(st.dictionaries(names, st.sampled_from(["0", "1"])), min_size=2, max_size=3).filter(lambda each: any(one != each[0] for one in each))
VERSIONS = {"--arg-scope-and-set --shell-out-anywhere 0.6": "", "0.6": "", "0.8": " --global"}


@st.composite
def earthfiles(draw: st.DrawFn) -> str:
    version, flag = draw(st.sampled_from(list(VERSIONS.items())))
    base = draw(bases(flag))
    recipes = [("main", draw(statements)), ("other", draw(statements)), ("third", [*draw(statements), "COPY f /a", "SAVE ARTIFACT /a"])]
    # No circles: what is below comes to nothing above it.
    recipes[1] = ("other", [each for each in recipes[1][1] if "+other" not in each])
    recipes[2] = ("third", [each for each in recipes[2][1] if "+other" not in each and "+third" not in each and "+F" not in each])
    keyword = "FUNCTION" if version == "0.8" else "COMMAND"
    text = f"VERSION {version}\n" + "".join(f"{each}\n" for each in base)
    text += "".join(f"{name}:\n" + "".join(f"  {line}\n" for each in body for line in each.split("\n")) for name, body in recipes)
    text += f"F:\n  {keyword}\n  {draw(functions)}\n"
    numbers = iter(range(1000))
    return re.sub("#", lambda _: str(next(numbers)), text)


def real(text: str) -> str:
    """Each RUN as a LABEL that keeps what it reads."""
    return re.sub(r"RUN use(\d+) ?(\S*)", lambda found: f"LABEL run{found[1]}={found[2] or '0'}", text)


FILES_OF_REAL = {path: real(text) for path, text in FILES.items()}


def shown(found: Evaluation) -> object:
    """What an image is: configuration and copies, of the target and of all that is saved."""
    images = [(each.names, each.push, each.image) for each in found.images]
    return [(*name, image.config.env, image.config.labels, _copied(image)) for *name, image in [((), False, found.image), *images]]


def _copied(image: Image) -> list[tuple[str, list[str]]]:
    return [(copied.dest, [source.pattern for source in copied.sources]) for copied in copies(image.tree)]


def made(text: str, args: Mapping[str, str]) -> object:
    """What a call comes to; the summary of a fault where it comes to none."""
    try:
        return shown(evaluated(real(text), args=args, files=FILES_OF_REAL))
    except EarthfileError as error:
        return f"{error.fault}"


def proven(found: Narrowed, args: Mapping[str, str]) -> bool:
    """Before 0.8 Earthly tells calls of a target apart by what they read: one that another declaration makes it mix up is no reason, but not proven."""
    try:
        return found.differs("main", args) is None
    except EarthfileError:
        return False


@pytest.mark.parametrize("bypassed", [False, True])
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(text=earthfiles(), all_args=calls, skipped=st.sampled_from([each for each in Why if each is not Why.UNKNOWN]))
def test_what_is_narrowed_builds_the_same(text: str, all_args: list[dict[str, str]], skipped: Why, bypassed: bool) -> None:
    """Even where a reason is not asked about: the proof stands by itself."""
    try:
        found = narrowed(text, all_args, files=FILES, skipped=frozenset({skipped} if bypassed else ()))
    except EarthfileError:
        reject()
    before = {str(args): made(text, args) for args in all_args}
    good = [args for args in all_args if not isinstance(before[str(args)], str)]
    held = [proven(found, args) for args in good]
    event(f"narrowed: {found.narrowing.narrowed}, proven: {all(held)}")
    for args in good if all(held) else ():
        assert made(found.narrowing.text, args) == before[str(args)], f"{args}\n{text}\n{found.narrowing.text}"


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(text=earthfiles(), all_args=calls, skipped=st.sampled_from([each for each in Why if each is not Why.UNKNOWN]))
def test_the_args_of_the_new_text_are_known_without_parsing_it(text: str, all_args: list[dict[str, str]], skipped: Why) -> None:
    try:
        found = narrowed(text, all_args, files=FILES, skipped=frozenset({skipped})).narrowing
        after = recipes("", parsed(found.text, "Earthfile").earthfile)
    except EarthfileError:
        reject()
    assert recipes("", parsed(text, "Earthfile").earthfile, found) == after


def test_the_law_can_be_broken() -> None:
    text = "VERSION 0.6\nARG A\nFROM busybox\nmain:\n  DO +F\nF:\n  COMMAND\n  RUN use700 $A\n"
    found = narrowed(text, [{"A": "0"}, {"A": "1"}], skipped=frozenset({Why.FUNCTION}))
    assert made(found.narrowing.text, {"A": "1"}) != made(text, {"A": "1"})


@pytest.mark.parametrize("text", ["RUN use7 $A", 'RUN use7 "$A$B"', "RUN use7"])
def test_a_run_keeps_what_it_reads(text: str) -> None:
    assert real(text) == f"LABEL run7={text.partition(' ')[2].partition(' ')[2] or '0'}"
