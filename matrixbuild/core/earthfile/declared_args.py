"""A parsed Earthfile -> the ARGs that it declares anywhere, and their defaults."""

from __future__ import annotations

from itertools import chain

from matrixbuild.core.earthfile import syntax


def declared_args(earthfile: syntax.Earthfile) -> dict[str, str | None]:
    """Each name once, with the default of its first declaration ("" where that has none); None where it is computed."""
    found: dict[str, str | None] = {}
    bodies = (earthfile.base, *(target.body for target in chain(earthfile.targets, earthfile.functions)))
    for command in chain.from_iterable(map(syntax.commands, bodies)):
        words = [word for word in command.args if not word.startswith("--")] if command.name == "ARG" else []
        if words:
            found.setdefault(words[0], _literal(words[2]) if len(words) > 2 else "")
    return found


def _literal(text: str) -> str | None:
    if "$" in text or "\\" in text:
        return None
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text
