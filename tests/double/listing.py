"""`ls`: the Earthly targets of an Earthfile, and their args."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from matrixbuild.core.earthfile.parser import parse
from matrixbuild.core.earthfile.syntax import Command, Recipe


def listed(words: Sequence[str]) -> Iterator[str]:
    """The lines for `[--args] [--long] [directory]`."""
    folder = next((word for word in words if not word.startswith("-")), ".")
    earthfile = parse((Path(folder) / "Earthfile").read_text(), file="Earthfile")
    recipes = {recipe.name: recipe for recipe in earthfile.targets}
    for name in sorted({*recipes, "base"}):
        yield f"+{name}"
        if name in recipes and {"--args", "-a"} & set(words):
            yield from (f"  --{arg}" for arg in _args(recipes[name]))


def _args(recipe: Recipe) -> Iterator[str]:
    for statement in recipe.body:
        if isinstance(statement, Command) and statement.name == "ARG":
            yield next(word for word in statement.args if not word.startswith("--"))
