"""What a program prints when it is asked for its version and its help -> which Earthly it is, or why it cannot be used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from matrixbuild.core.engine_use import EARTHLY_LINE
from matrixbuild.core.versions import Scheme, is_version, parse_range

_VERSION = re.compile(r"\S+ version (\S+)(?: .*)?")
_RELEASE = re.compile(r"v?(\d+\.\d+\.\d+)(?:[-+]\S*)?")

QUESTIONS = ("--version", "--help")
"""Neither makes the program start or write anything, in a home that it has never seen either (executed with both)."""

_OUTSIDE = ("EARTHLY_", "EARTH_", "GIT_")
_DECIDING = frozenset({"GITHUB_ACTIONS", "FORCE_COLOR", "NO_COLOR", "TERM", "PWD", "OLDPWD"})
_OWN = {"TERM": "dumb", "NO_COLOR": "1", "GIT_OPTIONAL_LOCKS": "0"}


class Flavor(StrEnum):
    """Which project a program is of: the last release of Earthly is 0.8.16, and EarthBuild goes on from there."""

    EARTHLY = "earthly"
    EARTHBUILD = "earthbuild"


_NAMES = {Flavor.EARTHLY: "Earthly", Flavor.EARTHBUILD: "EarthBuild"}
# Only the help tells them apart: the first word of --version is what the file is called.
_HOMEPAGES = {Flavor.EARTHBUILD: "docs.earthbuild.dev", Flavor.EARTHLY: "docs.earthly.dev"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """An Earthly that can be used: where it is, whose it is, its version (`0.8.16`; of a build that is no release its own word), and who named it."""

    path: str
    flavor: Flavor
    version: str
    found: str = ""

    @property
    def title(self) -> str:
        return f"{_NAMES[self.flavor]} {self.version}"

    @property
    def installation(self) -> str:
        """Its name for what it has on a machine: directory, container, volume."""
        return "earth" if self.flavor is Flavor.EARTHBUILD else "earthly"

    @property
    def directory(self) -> str:
        """The directory below the user's home where it keeps its configuration and its lock."""
        return f".{self.installation}"

    @property
    def variables(self) -> tuple[str, ...]:
        """How variables begin that it reads, the one that wins first."""
        return ("EARTH_", "EARTHLY_") if self.flavor is Flavor.EARTHBUILD else ("EARTHLY_",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a program answered to one question: its exit status (negative: a signal; None: it had not ended in time), and its standard output."""

    status: int | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """Why a program cannot be used: `reason` goes on a sentence that begins with the program. `foreign`: it is no Earthly at all."""

    reason: str
    hint: str
    foreign: bool = False


def program_of(path: str, version: Answer, answered: Answer, *, wanted: str = "", found: str = "", seconds: float = 0.0) -> Program | Unfit:
    """The program at `path` from its answers to `--version` and `--help`, given `seconds` for each.

    `wanted` is the manifest's range of versions ("": any of the line that this matrixbuild knows); `found` says who named the program.
    """
    if version.status is None or answered.status is None:
        question = QUESTIONS[0] if version.status is None else QUESTIONS[1]
        return Unfit(reason=f"gives no answer to {question} that ends within {seconds:g} s", hint=f"run `{path} {question}` by hand")
    flavor = next((flavor for flavor, page in _HOMEPAGES.items() if page in answered.text), None)
    told = _VERSION.fullmatch(version.text.strip().partition("\n")[0].strip())
    if version.status or answered.status or flavor is None or told is None:
        return Unfit(reason=f"is neither Earthly nor EarthBuild: {_odd(version, answered, told=told is not None)}", hint="", foreign=True)
    return _checked(Program(path=path, flavor=flavor, version=_number(told[1]), found=found), wanted)


def _odd(version: Answer, answered: Answer, *, told: bool) -> str:
    for question, answer in zip(QUESTIONS, (version, answered), strict=True):
        if answer.status:
            return f"`{question}` ends with {answer.status}"
    if told:
        return "its --help names neither docs.earthly.dev nor docs.earthbuild.dev"
    first = version.text.strip().partition("\n")[0]
    return f"`--version` prints {first[:60]!r}" if first else "`--version` prints nothing"


def _number(told: str) -> str:
    found = _RELEASE.fullmatch(told)
    return told.removeprefix("v") if found else told


def _checked(program: Program, wanted: str) -> Program | Unfit:
    if not is_version(program.version, Scheme.SEMVER):
        # A build from source has the name of its branch, and whoever builds one knows its line.
        hint = "take a release, or leave engine.version out"
        return Unfit(reason=f"is {program.title}, no release, so engine.version {wanted!r} cannot be checked", hint=hint) if wanted else program
    line = ".".join(program.version.split(".")[:2])
    if line != EARTHLY_LINE:
        hint = f"install a release of Earthly or EarthBuild {EARTHLY_LINE}"
        return Unfit(reason=f"is {program.title}, and this matrixbuild knows the line {EARTHLY_LINE} only", hint=hint)
    if wanted and not parse_range(wanted, Scheme.SEMVER).matches(_release(program.version)):
        return Unfit(reason=f"is {program.title}, and engine.version wants {wanted!r}", hint="install such a version, or change engine.version")
    return program


def _release(version: str) -> str:
    """A candidate (`0.8.17-rc1`) counts as the release that it is to become: npm's ranges would refuse every one."""
    return version.partition("-")[0].partition("+")[0]


def scrubbed(environ: Mapping[str, str]) -> dict[str, str]:
    """What the program may see of an environment: nothing by which it, git below it or a CI decides on options, colours or places.

    HOME, PATH, DOCKER_CONFIG, proxies and the agent of ssh stay. PWD is gone, since a stale one is an error: it is the caller's to give.
    """
    kept = {name: value for name, value in environ.items() if name not in _DECIDING and not name.startswith(_OUTSIDE)}
    return {**kept, **_OWN}
