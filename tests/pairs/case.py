"""A case file -> the checkout it describes, the call, and every variation of both: those written down, and those that any case has."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

FOLDER = Path(__file__).parent
CASES = tuple(sorted(path.stem for path in (FOLDER / "cases").glob("*.yaml")))

_DECLARED = re.compile(r"^ *ARG(?: --\S+)* (\w+)(=?)(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One entry of a checkout: a file with its text and mode, a symlink, or a directory."""

    text: str = ""
    mode: int = 0o644
    link: str = ""
    directory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A checkout and the args of a call."""

    files: Mapping[str, File]
    args: Mapping[str, str]

    def write(self, to: Path, *, stands_for: Mapping[str, str]) -> None:
        """Make the checkout; `stands_for` are texts that other texts of Earthfiles are replaced by."""
        to.mkdir(parents=True)
        for path, file in self.files.items():
            place = to / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if file.link:
                place.symlink_to(file.link)
            elif file.directory:
                place.mkdir(exist_ok=True)
            else:
                place.write_text(_replaced(file.text, stands_for) if _is_recipe(path) else file.text)
                place.chmod(file.mode)
        for place in (to, *to.rglob("*")):
            if place.is_dir() and not place.is_symlink():
                place.chmod(0o755)

    @property
    def described(self) -> list[Any]:
        return [{path: astuple(file) for path, file in self.files.items()}, dict(self.args)]

    def with_files(self, changed: Mapping[str, File | None]) -> Situation:
        """None takes a file away."""
        merged = {**self.files, **changed}
        return replace(self, files={path: file for path, file in merged.items() if file is not None})

    def with_text(self, path: str, text: str) -> Situation:
        return self.with_files({path: replace(self.files[path], text=text)})


def _is_recipe(path: str) -> bool:
    return Path(path).name.startswith(("Earthfile", "Dockerfile", "build.earth")) and not path.endswith("ignore")


def _replaced(text: str, stands_for: Mapping[str, str]) -> str:
    for old, new in stands_for.items():
        text = text.replace(old, new)
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`local`: files are written AS LOCAL, and what they are is looked at. `by_hand`: no program at hand can run it, so that what each variation
    means is written down instead of recorded. `over`: the variations that we call another build though it is the same, each with the reason."""

    name: str
    rule: str
    target: str
    local: bool
    base: Situation
    varied: Mapping[str, Situation]
    over: Mapping[str, str]
    by_hand: Mapping[str, bool] = field(default_factory=dict)

    @property
    def described(self) -> list[Any]:
        """All that a record of the case was made from, in values that JSON knows."""
        return [self.target, self.local, self.base.described, {about: each.described for about, each in self.varied.items()}]


@cache
def load(name: str) -> Case:
    """The case `cases/NAME.yaml`."""
    told: dict[str, Any] = YAML(typ="safe", pure=True).load(FOLDER / "cases" / f"{name}.yaml")
    known = {"rule", "target", "local", "args", "files", "varied", "over", "by_hand", "lines"}
    assert told.keys() <= known, f"{name}: {sorted(told.keys() - known)}"
    base = Situation(files={path: _file(each) for path, each in told["files"].items()}, args=told.get("args", {}))
    written = {about: _varied(base, change, f"{name}: {about}") for about, change in told.get("varied", {}).items()}
    varied = {**dict(_automatic(base, lines=told.get("lines", False))), **written}
    over = {about: reason for reason, several in told.get("over", {}).items() for about in several}
    assert over.keys() <= varied.keys(), f"{name}: {sorted(over.keys() - varied.keys())} is no variation"
    return Case(
        name=name,
        rule=told["rule"],
        target=told.get("target", "+main"),
        local=told.get("local", False),
        base=base,
        varied=varied,
        over=over,
        by_hand={about: about in told["by_hand"] for about in varied} if "by_hand" in told else {},
    )


def _file(told: str | Mapping[str, Any]) -> File:
    if isinstance(told, str):
        return File(text=told)
    return File(text=told.get("text", ""), mode=int(told.get("mode", "644"), 8), link=told.get("link", ""), directory=told.get("directory", False))


def _varied(base: Situation, told: Mapping[str, Any], where: str) -> Situation:
    """`args`: other values (null: not given); `files`: other entries (null: gone); `edit`: a text of a file and the one in its place."""
    assert told.keys() <= {"args", "files", "edit"}, f"{where}: {sorted(told)}"
    args = {name: value for name, value in {**base.args, **told.get("args", {})}.items() if value is not None}
    found = replace(base, args=args).with_files({path: None if each is None else _file(each) for path, each in told.get("files", {}).items()})
    for path, (old, new) in told.get("edit", {}).items():
        assert old in found.files[path].text, f"{where}: {path} holds no {old!r}"
        found = found.with_text(path, found.files[path].text.replace(old, new))
    return found


def _automatic(base: Situation, *, lines: bool) -> Iterator[tuple[str, Situation]]:
    """What can be varied in any case, one thing at a time."""
    yield "another file", base.with_files({"another.md": File(text="another\n")})
    for name in sorted({*base.args, *(name for _, name, _, _ in _declarations(base))}):
        yield f"arg {name}", replace(base, args={**base.args, name: base.args.get(name, "") + "9"})
    for path, name, start, default in _declarations(base):
        text = base.files[path].text
        if default and "$(" not in default:
            at = start + len(default) - (default[-1] in "\"'")
            yield f"default {name} in {path}:{text.count(chr(10), 0, start) + 1}", base.with_text(path, f"{text[:at]}9{text[at:]}")
    for path, file in base.files.items():
        yield from _of_file(base, path, file)
    for path, file in base.files.items():
        if _is_recipe(path):
            yield f"comment in {path}", base.with_text(path, _with_comment(file.text))
            yield from _without_lines(base, path, file.text) if lines else ()


def _declarations(base: Situation) -> list[tuple[str, str, int, str]]:
    """Of each ARG: file, name, where the default starts and the default."""
    return [
        (path, found[1], found.start(3), found[3]) for path, file in base.files.items() if _is_recipe(path) for found in _DECLARED.finditer(file.text)
    ]


def _of_file(base: Situation, path: str, file: File) -> Iterator[tuple[str, Situation]]:
    if _is_recipe(path) or path.endswith("ignore"):
        return
    yield f"without {path}", base.with_files({path: None})
    if not file.link and not file.directory:
        yield f"content of {path}", base.with_text(path, file.text + "more\n")
        yield f"mode of {path}", base.with_files({path: replace(file, mode=file.mode ^ 0o111)})


def _with_comment(text: str) -> str:
    """A comment below the first line."""
    first, _, rest = text.partition("\n")
    return f"{first}\n# a comment\n{rest}"


def _without_lines(base: Situation, path: str, text: str) -> Iterator[tuple[str, Situation]]:
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines[1:], start=2):
        if line.strip() and not line.strip().endswith(":"):
            yield f"without line {number} of {path}", base.with_text(path, "".join(lines[: number - 1] + lines[number:]))


def fresh(place: Path) -> Path:
    """A place with nothing there."""
    shutil.rmtree(place, ignore_errors=True)
    return place
