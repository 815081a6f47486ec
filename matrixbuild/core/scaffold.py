"""What a first manifest shall say -> its text, with a comment wherever somebody who writes their first one would ask."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaffold:
    """A manifest with the profile canvos: one operating system, one Kubernetes distribution.

    `source` is a mapping as in `spec.source`. `versions` are Kubernetes versions, none for all that the source lists. `switches` are the other
    axes with their one value each. `notes` are sentences for the end, `origin` one for the beginning.
    """

    name: str
    origin: str
    source: Mapping[str, str]
    registry: str
    distribution: str
    release: str
    base_image: str = ""
    kubernetes: str
    versions: Sequence[str] = ()
    switches: Mapping[str, str | bool] = field(default_factory=dict)
    vars: Mapping[str, str] = field(default_factory=dict)
    args: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


def manifest_text(scaffold: Scaffold) -> str:
    """YAML, valid against the schema; the same values, the same bytes."""
    return "".join(f"{line}\n" for line in _lines(scaffold))


def _lines(scaffold: Scaffold) -> Iterator[str]:
    yield from _comment(scaffold.origin)
    yield "# `matrixbuild schema` prints every key there is, for an editor that completes and checks while you write."
    yield "apiVersion: matrixbuild/v1"
    yield "kind: BuildMatrix"
    yield _told(f"metadata: {{name: {_scalar(scaffold.name)}}}", "names the state, .matrixbuild/NAME: one for each manifest of a project")
    yield "spec:"
    yield _told("  profile: canvos", "what is known of CanvOS: how axes become ARGs, what does not go together and why, what is built")
    yield _told(f"  source: {_mapping(scaffold.source)}", "relative to this file" if "path" in scaffold.source else "or {path: ../CanvOS}")
    yield _told(f"  registry: {_scalar(scaffold.registry)}", "where images go: host[:port]/path")
    yield ""
    yield from _vars(scaffold)
    yield from _args(scaffold)
    yield from _axes(scaffold)
    yield from _ideas()
    yield from _notes(scaffold.notes)


def _vars(scaffold: Scaffold) -> Iterator[str]:
    yield "  # Values of your own for names and args; `--set customTag=...` on the command line overrides one."
    yield "  vars:"
    yield from (f"    {name}: {_text(value)}" for name, value in scaffold.vars.items())
    yield ""


def _args(scaffold: Scaffold) -> Iterator[str]:
    if scaffold.args:
        yield "  # ARGs of the Earthfile that are the same for all."
        yield "  args:"
        yield from (f"    {name}: {_template(value)}" for name, value in scaffold.args.items())
        yield ""


def _axes(scaffold: Scaffold) -> Iterator[str]:
    base = f", args: {{BASE_IMAGE: {_template(scaffold.base_image)}}}" if scaffold.base_image else ""
    versions = f"[{', '.join(map(_text, scaffold.versions))}]" if scaffold.versions else "all"
    yield "  # Every combination is one cell, and the profile drops what CanvOS cannot build: `matrixbuild list --all` shows what, and why."
    yield "  axes:"
    yield "    os:"
    yield f"      - {{distribution: {_scalar(scaffold.distribution)}, versions: [{_text(scaffold.release)}]{base}}}"
    yield "    kubernetes:"
    comment = 'ranges too: "1.34.x", {latest: 3}, all' if scaffold.versions else 'all that the source lists; or ["1.34.x"], {latest: 3}'
    yield _told(f"      - {{distribution: {_scalar(scaffold.kubernetes)}, versions: {versions}}}", comment)
    yield from (f"    {axis}: [{_value(value)}]" for axis, value in scaffold.switches.items())


def _ideas() -> Iterator[str]:
    yield ""
    yield "  # What else a manifest can say, for example:"
    yield "  #"
    yield "  # rules:                            # cells that you do not want"
    yield '  #   - {name: pilot, when: {twoNode: true}, require: {os.version: "22.04"}, reason: the pilot sites run 22.04}'
    yield "  # targets: {iso: false}             # provider images alone, without installers"
    yield "  # schedule: {limits: {cpu: 8, memory: 32Gi, disk: 150Gi}}"
    yield "  # publish: {tags: mutable}          # tags that exist may move; the default is that they never do"


def _notes(notes: Sequence[str]) -> Iterator[str]:
    if notes:
        yield ""
        yield "# Of .arg, to be looked at:"
        for note in notes:
            first, *rest = _wrapped(note, 136)
            yield f"#   - {first}"
            yield from (f"#     {line}" for line in rest)


def _comment(text: str) -> Iterator[str]:
    return (f"# {line}" for line in _wrapped(text, 138))


def _wrapped(text: str, width: int) -> list[str]:
    # A comment ends with its line: nothing that was read may end it earlier.
    safe = "".join(char if char.isprintable() else " " for char in text)
    return textwrap.wrap(safe, width, break_on_hyphens=False) or [""]


def _told(line: str, comment: str) -> str:
    return f"{line:<42}  # {comment}"


_PLAIN = re.compile(r"(?:\.\.?/)*[A-Za-z][A-Za-z0-9._/-]*(?::[0-9]+(?:/[A-Za-z0-9._/-]+)?)?")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def _scalar(text: str) -> str:
    """Without quotes where no YAML reader takes it for anything but this string."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else _text(text)


def _text(text: str) -> str:
    """In double quotes, in one line."""
    return '"' + "".join(_ESCAPED.get(char) or (char if char.isprintable() else f"\\U{ord(char):08x}") for char in text) + '"'


_ESCAPED = {'"': '\\"', "\\": "\\\\"}


def _template(text: str) -> str:
    """Args are templates, and what was a value before stays one."""
    return _text(re.sub(r"\{[{%#]", lambda found: f"{{{{ '{found.group()}' }}}}", text))


def _value(value: str | bool) -> str:  # noqa: FBT001 (a value, not a switch)
    return str(value).lower() if isinstance(value, bool) else _scalar(value)


def _mapping(pairs: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {_scalar(value)}" for key, value in pairs.items()) + "}"
