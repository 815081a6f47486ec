"""What several manifests claim -> problems where two of them claim one image name, or one name for their state."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from matrixbuild.core.problems import Place, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An image name that a manifest would publish: `ref` the same for the same image wherever it is written, `shown` as it is written here.

    `place` is that of its tag, which two manifests may share by inheritance.
    """

    ref: str
    shown: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimant:
    """A manifest among others: its file, its name and where that stands, and the project whose state directory has that name."""

    file: str
    name: str
    name_place: Place
    project: str
    images: tuple[Claim, ...]


def conflicts(claimants: Sequence[Claimant]) -> tuple[Problem, ...]:
    """What is wrong with the manifests together, in their order; one problem for each two of them."""
    return (*_names(claimants), *_images(claimants))


def _names(claimants: Sequence[Claimant]) -> list[Problem]:
    found, first = [], dict[tuple[str, str], Claimant]()
    for claimant in claimants:
        other = first.setdefault((claimant.project, claimant.name), claimant)
        if other is not claimant:
            found.append(_shared_name(other, claimant))
    return found


def _shared_name(first: Claimant, second: Claimant) -> Problem:
    return Problem(
        summary=f"{first.file} and {second.file} are both called {second.name!r}, and would share .matrixbuild/{second.name}",
        place=second.name_place,
        hint=f"the other name is at {first.name_place}: give one of them another",
        code="shared-name",
    )


def _images(claimants: Sequence[Claimant]) -> list[Problem]:
    first: dict[str, tuple[Claimant, Claim]] = {}
    shared: defaultdict[tuple[str, str], list[tuple[Claim, Claim]]] = defaultdict(list)
    for claimant in claimants:
        for claim in {claim.ref: claim for claim in reversed(claimant.images)}.values():
            other, its = first.setdefault(claim.ref, (claimant, claim))
            if other is not claimant:
                shared[other.file, claimant.file].append((its, claim))
    return [_shared_images(files, sorted(claims, key=_ref)) for files, claims in shared.items()]


def _ref(claims: tuple[Claim, Claim]) -> str:
    return claims[1].ref


def _shared_images(files: tuple[str, str], claims: Sequence[tuple[Claim, Claim]]) -> Problem:
    first, second = claims[0]
    more = f", and {len(claims) - 1} more like it" if len(claims) > 1 else ""
    if first.place == second.place:
        hint = "they have the tag in common: give one of them another registry, or a var of its own that the tag shows"
    else:
        hint = f"the other tag is at {first.place}: give one of them another tag or registry"
    return Problem(summary=f"{files[0]} and {files[1]} would both publish {second.shown}{more}", place=second.place, hint=hint, code="shared-image")
