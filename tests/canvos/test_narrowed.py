"""CanvOS itself, narrowed: CANVOS_REPO=GITDIR names a git directory that holds its tags."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import TypeVar

import pytest

from matrixbuild.adapters.sources import Source
from matrixbuild.core.earthfile.analysis import inspect
from matrixbuild.core.earthfile.calls import Call, Known
from matrixbuild.core.earthfile.declared_args import declared_args
from matrixbuild.core.earthfile.evaluate import Examined, examine
from matrixbuild.core.earthfile.narrowing import Found, Given, Narrowing, narrow
from matrixbuild.core.earthfile.narrowing_proof import Difference, Walked, difference, walked
from matrixbuild.core.earthfile.parser import parse
from matrixbuild.core.earthfile.recipe import Wanted
from matrixbuild.core.earthfile.statements import Statement
from matrixbuild.core.reads import Reader
from matrixbuild.workflow.mentions import Mentions
from tests.canvos.test_analysed import NAMES, OS_RELEASE, REPOSITORY, Checkout, checkout, own, repository, tags

__all__ = ["checkout", "own", "repository"]

pytestmark = pytest.mark.skipif(not REPOSITORY, reason="CANVOS_REPO=GITDIR names no git directory of CanvOS")

DIFFERING = {"K8S_VERSION", "K8S_DISTRIBUTION", "IMAGE_PATH", "TWO_NODE", "CUSTOM_TAG", "IMAGE_REPO"}
Calls = list[tuple[str, dict[str, str]]]
T = TypeVar("T")


def _examine(call: Call, known: Known) -> Examined | Wanted:
    return examine(call, known)


def calls(*targets: str, **more: str) -> Calls:
    """The same system with four versions of Kubernetes."""
    found: Calls = []
    for target, (number, distribution) in product(targets, enumerate(("k3s", "rke2") * 2)):
        args = {"OS_DISTRIBUTION": "ubuntu", "OS_VERSION": "22", "ARCH": "amd64", **NAMES, "K8S_DISTRIBUTION": distribution, **more}
        args |= {"K8S_VERSION": f"1.{30 + number}.4", "CUSTOM_TAG": f"t{number}", "TWO_NODE": str(number > 1).lower(), "IMAGE_REPO": f"r{number}"}
        found.append((target, {**args, "IMAGE_PATH": f"registry.example.com/edge/r{number}:{distribution}-{number}"}))
    return found


@dataclass(kw_only=True)
class Canvos:
    """A tag, and what narrowing makes of it for some calls."""

    source: Source
    calls: Calls
    statements: tuple[Statement, ...] = ()

    def __post_init__(self) -> None:
        mentions, reader, names = Mentions(self.source, self.statements), Reader(self.source.listing), tuple(self.source.listing.entries)
        inspected = [inspect(self._asked(_examine, call, {}), reader) for call in self.calls]
        found = Found.of((each, mentions.of(each.paths, each.names)) for each in inspected)
        paths = {path for path in names if posixpath.basename(path) == "Earthfile"} | found.dockerfiles
        texts = {path: self.source.text(path) or "" for path in paths & set(names)}
        self._mentioned = found.mentioned(texts)
        self.narrowing: Narrowing = narrow("Earthfile", texts, Given.of(args for _, args in self.calls), found)

    def _asked(self, ask: Callable[[Call, Known], T | Wanted], call: tuple[str, dict[str, str]], texts: Mapping[str, str]) -> T:
        target, args = call
        known: dict[str, str | None] = dict(texts)
        one = Call(directory="", target=target, overrides=tuple(args.items()))
        while isinstance(found := ask(one, Known(listing=self.source.listing, texts=known, statements=self.statements)), Wanted):
            known |= {path: self.source.text(path) for path in found.texts}
        return found

    def differences(self) -> list[Difference]:
        def walk(call: Call, known: Known) -> Walked | Wanted:
            return walked(call, known, self._mentioned)

        pairs = ((self._asked(walk, call, {}), self._asked(walk, call, {"Earthfile": self.narrowing.text})) for call in self.calls)
        return [found for before, after in pairs if (found := difference(before, after))]


def from_v4_4_12() -> list[str]:
    return [tag for tag in tags() if tag == "main" or [int(part) for part in re.findall(r"\d+", tag)][:3] >= [4, 4, 12]]


@pytest.mark.parametrize("tag", from_v4_4_12())
@pytest.mark.parametrize("statements", [(), (OS_RELEASE,)], ids=["", "stated"])
def test_every_tag_narrows_or_says_why_not(tag: str, statements: tuple[Statement, ...], checkout: Checkout) -> None:
    found = Canvos(source=checkout(tag), calls=calls("provider-image", "iso"), statements=statements)
    refused = {each.name for each in found.narrowing.refused}
    assert not refused & found.narrowing.names
    assert refused | found.narrowing.names | _not_in_base(found.source) >= DIFFERING
    assert all(each.why and (each.place or "may" in each.why) for each in found.narrowing.refused)
    assert found.differences() == []


def _not_in_base(source: Source) -> set[str]:
    return DIFFERING - _declared_in_base(source.text("Earthfile") or "")


@pytest.mark.parametrize("more", [{}, {"FIPS_ENABLED": "true"}, {"UPDATE_KERNEL": "true"}, {"IS_UKI": "true"}], ids=str)
def test_the_base_image_of_main_is_freed_of_what_differs(more: dict[str, str], checkout: Checkout) -> None:
    found = Canvos(source=checkout("main"), calls=calls("provider-image", "iso", **more))
    assert found.narrowing.refused == ()
    assert found.narrowing.names == DIFFERING | {"IMAGE_TAG"}
    assert found.differences() == []
    into = {each.name: {one.target for one in each.into} for each in found.narrowing.moved}
    assert all("base-image" not in targets for targets in into.values())
    assert not DIFFERING & _declared_in_base(found.narrowing.text)


def _declared_in_base(text: str) -> set[str]:
    return set(declared_args(replace(parse(text, file="Earthfile"), targets=(), functions=())))


def test_systems_that_differ_are_refused_by_themselves(checkout: Checkout) -> None:
    """What the base image is made from differs: the versions of Kubernetes are free of it all the same."""
    other = [(target, {**args, "OS_DISTRIBUTION": "opensuse-leap", "OS_VERSION": "15.6"}) for target, args in calls("provider-image")]
    found = Canvos(source=checkout("main"), calls=[*calls("provider-image"), *other])
    assert {each.name for each in found.narrowing.refused} == {"OS_DISTRIBUTION", "OS_VERSION"}
    assert found.narrowing.names >= {"K8S_VERSION", "K8S_DISTRIBUTION", "IMAGE_PATH"}
    assert found.differences() == []
