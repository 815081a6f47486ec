"""Which Earthly targets an evaluation has been through, with which args, and which of their images and files are to be saved.

Earthly saves what it reaches by BUILD alone, through wait items: each belongs to a target and to the block that waits for it, and is
saved when both its target is being saved and its block is waited for. That a SAVE IMAGE --push directly in a WAIT is never pushed, and
that what a target BUILDs is not saved where it was reached by FROM or COPY first, is Earthly's own (executed, 0.8.16).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from matrixbuild.core.earthfile.decisions import Decisions
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.recipe import SavedImage, SavedLocal, Scratch, Tree
from matrixbuild.core.earthfile.reserved import RESERVED
from matrixbuild.core.earthfile.scope import Scope
from matrixbuild.core.earthfile.values import EMPTY, UNKNOWN, Value, alike
from matrixbuild.core.images import ImageConfig
from matrixbuild.core.names import LAYOUT_PREFIX, ImageName, Platform
from matrixbuild.core.problems import Place


@dataclass(slots=True, eq=False)
class Item:
    """One image or local file that a target saves: `wanted` once its target is being saved, `saved` once that was waited for."""

    output: SavedImage | SavedLocal
    order: int
    wanted: bool = False
    saved: bool = False
    checked: bool = True
    """Whether two of one name are an error (from 0.7 on)."""
    certain: bool = True
    """Whether it stands on no branch that may not be taken."""


@dataclass(slots=True, eq=False)
class Block:
    """What one WAIT (or the whole call) waits for."""

    items: list[Item] = field(default_factory=list)

    def add(self, item: Item) -> None:
        if item not in self.items:
            self.items.append(item)

    def wait(self) -> None:
        """Save what is wanted by now (local files always are). Raises EarthfileError (IMAGE_CONFLICT)."""
        check_images(self.items)
        for item in self.items:
            item.saved |= item.wanted or isinstance(item.output, SavedLocal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What an input of a visit comes from: the overrides behind its value and its default. `given`: the value is another thing than the
    default; `ambient`: it is the one that was given for the whole call."""

    taint: frozenset[str] = frozenset()
    given: bool = False
    ambient: bool = False

    @staticmethod
    @lru_cache(maxsize=4096)
    def of(taint: frozenset[str], given: bool, ambient: bool) -> Behind:  # noqa: FBT001  (the cache is faster by place)
        """The one that says this: an ARG has the same in nearly every evaluation."""
        return Behind(taint=taint, given=given, ambient=ambient)


NO_CONFIG = ImageConfig()

Input = tuple[Value, Value, Behind]
"""The value of an input, its default, and where they come from."""


@dataclass(slots=True, eq=False)
class Visit:
    """An Earthly target in the making or made. `inputs` are the args it was compared by before 0.8: name -> (value, default, where they
    come from), the latest last. `given` are the overrides it was called with."""

    directory: str
    name: str
    platform: Platform
    identity: tuple[tuple[str, str], ...]
    done: bool = False
    inputs: dict[str, Input] = field(default_factory=dict)
    given: Mapping[str, Value] = field(default_factory=dict)
    tree: Tree = field(default_factory=Scratch)
    workdir: str = ""
    config: ImageConfig = NO_CONFIG
    artifacts: Tree = field(default_factory=Scratch)
    envs: Scope = field(default_factory=Scope)
    envs_unknown: bool = False
    globals: Scope = field(default_factory=Scope)
    alike: set[int] = field(default_factory=set)
    """The stamps of the overrides that are known to give the same."""
    left: dict[int, Mapping[str, Input]] = field(default_factory=dict)
    """Once it is made: by the stamp of the overrides that it was called with, the inputs beside them."""
    handed: dict[frozenset[str], Mapping[str, Input]] = field(default_factory=dict)
    """Once it is made: of some of its globals, what builds on them depends on."""
    imports: dict[str, str] = field(default_factory=dict)
    current: Platform | None = None
    has_from: bool = False
    items: list[Item] = field(default_factory=list)
    """What it saves itself, wherever that is waited for."""
    blocks: list[Block] = field(default_factory=list)
    """Its WAITs."""
    legacy: list[Item] = field(default_factory=list)
    """What it saves in the manner of 0.6, which knows no wait items."""
    saving: bool = False

    def __str__(self) -> str:
        return f"{self.directory}+{self.name}"

    def save(self) -> None:
        """From now on its images and files are saved."""
        self.saving = True
        for item in [*self.items, *self.legacy, *(item for block in self.blocks for item in block.items)]:
            item.wanted = True

    def save_again(self) -> None:
        """A BUILD finds it made: what it saves in its own WAITs is waited for once more."""
        self.save()
        for block in reversed(self.blocks):
            block.wait()

    def reads_as(self, other: Visit, overriding: Scope) -> None:
        """Its result depends on all that another's does, but for what that was called with."""
        if overriding.stamp not in other.left:
            given = overriding.everything()
            other.left[overriding.stamp] = {name: found for name, found in other.inputs.items() if name not in given}
        self.reads_all(other.left[overriding.stamp])

    def reads_all(self, found: Mapping[str, Input]) -> None:
        """Its result depends on all of these."""
        for name in self.inputs.keys() & found.keys():
            del self.inputs[name]
        self.inputs |= found

    def reads(self, name: str, value: Value, default: Value, behind: Behind) -> None:
        """Its result depends on an arg."""
        self.inputs.pop(name, None)
        self.inputs[name] = value, default, behind

    def same_for(self, overriding: Scope, ambient: Scope, decisions: Decisions) -> bool:
        """Whether other overrides would give the same, as Earthly compares calls of a target before 0.8; `decisions` gain what this hangs on.
        An arg of the whole call is the same in all of it, whatever it is."""
        overrides, whole = overriding.everything(), ambient.everything()
        for name, (value, default, behind) in self.inputs.items():
            given = overrides.get(name)
            if given is None:
                same = name in RESERVED or (decisions.same(value, default, behind.taint) if behind.given else value.text == default.text)
            elif behind.ambient and (given is (theirs := whole.get(name)) or alike(given, theirs)):
                same = given.text == value.text
            else:
                same = decisions.same(given, value, given.taint | behind.taint)
            if not same:
                return False
        return True

    def same_call(self, overriding: Scope, ambient: Scope, decisions: Decisions) -> bool:
        """Whether it was called with the same overrides, as Earthly 0.8 compares; `decisions` as in `same_for`."""
        if set(overriding) != set(self.given):
            return False
        for name, theirs in self.given.items():
            ours = overriding.get(name) or theirs
            if alike(ours, theirs) and alike(theirs, ambient.get(name)):
                continue
            if not decisions.same(ours, theirs, ours.taint | theirs.taint):
                return False
        return True


_Called = tuple[tuple[tuple[str, str], ...], Mapping[str, Value], Mapping[str, Input]]
"""The identity, the overrides and the inputs of a visit that has not begun."""


class Visits:
    """All visits of one evaluation, in order. `upfront` (0.8): one per set of overrides, whatever the target does with them.

    `ambient` are the overrides of the whole call; `decisions` gain what decided on which calls of a target are one.
    """

    def __init__(self, *, upfront: bool, decisions: Decisions) -> None:
        self.all: list[Visit] = []
        self._by_target: defaultdict[tuple[str, str, Platform], list[Visit]] = defaultdict(list)
        self._called: dict[int, _Called] = {}
        """What each visit begins with, by the stamp of the overrides it is called with: most are called with those of the whole call."""
        self.upfront = upfront
        self.ambient = Scope()
        self.decisions = decisions

    def find(self, directory: str, name: str, platform: Platform, overriding: Scope) -> Visit | None:
        """The visit that stands for these, if there is one."""
        same = Visit.same_call if self.upfront else Visit.same_for
        for visit in self._by_target[directory, name, platform]:
            # What this hangs on was noted when it was found out.
            if overriding.stamp in visit.alike:
                return visit
            if same(visit, overriding, self.ambient, self.decisions):
                if visit.done:
                    visit.alike.add(overriding.stamp)
                return visit
        return None

    def add(self, directory: str, name: str, platform: Platform, overriding: Scope) -> Visit:
        if overriding.stamp not in self._called:
            self._called[overriding.stamp] = self._as_called(overriding)
        identity, given, inputs = self._called[overriding.stamp]
        visit = Visit(directory=directory, name=name, platform=platform, identity=identity, given=given, inputs=dict(inputs))
        self.all.append(visit)
        self._by_target[directory, name, platform].append(visit)
        return visit

    def _as_called(self, overriding: Scope) -> _Called:
        values = overriding.everything()
        given = {arg: values[arg] for arg in sorted(values)}
        identity = tuple([(arg, value.text) for arg, value in given.items()])
        return identity, given, {arg: (value, EMPTY, self._given(arg, value)) for arg, value in given.items()}

    def _given(self, arg: str, value: Value) -> Behind:
        """What is behind an override."""
        if value is not self.ambient.get(arg):
            return Behind.of(value.taint, True, alike(value, self.ambient.get(arg)))  # noqa: FBT003
        return Behind.of(value.taint, True, True)  # noqa: FBT003

    def forget_undone(self, since: int) -> None:
        """Drop the visits after the first `since` that an error left unfinished."""
        for visit in [each for each in self.all[since:] if not each.done]:
            self.all.remove(visit)
            self._by_target[visit.directory, visit.name, visit.platform].remove(visit)


def check_images(items: list[Item]) -> None:
    """Raise EarthfileError for what would be pushed: IMAGE_CONFLICT where one name is saved twice (Earthly allows it for different platforms
    alone), INVALID_ARG for a text that is no name."""
    first: dict[str, SavedImage] = {}
    taken: set[tuple[str, Platform]] = set()
    certain = (item.output for item in items if item.wanted and item.certain)
    for image in (output for output in certain if isinstance(output, SavedImage) and output.push):
        for name in (name for name in image.names if UNKNOWN not in name):
            _check_name(name, image.place)
            if name in first and not (first[name].multi_platform and image.multi_platform):
                raise _conflict(name, image, first[name])
            if (name, image.platform) in taken:
                raise _conflict(name, image, first[name], f" for {image.platform}")
            first.setdefault(name, image)
            taken.add((name, image.platform))


def _check_name(name: str, place: Place) -> None:
    if name.startswith(LAYOUT_PREFIX):
        return
    try:
        ImageName.parse(name)
    except ValueError as error:
        raise EarthfileError(
            Fault.INVALID_ARG, str(error), place=place, hint="SAVE IMAGE needs a name such as registry.example.com/repository:tag"
        ) from None


def _conflict(name: str, image: SavedImage, other: SavedImage, platform: str = "") -> EarthfileError:
    mixed = other.multi_platform != image.multi_platform
    hint = "give all of them a --platform, or none" if mixed else "give each its own name, with an ARG in it that differs"
    return EarthfileError(
        Fault.IMAGE_CONFLICT, f"SAVE IMAGE {name} is done twice{platform} (also in line {other.place.line})", place=image.place, hint=hint
    )
