"""An Earthly target and the names of its args -> a generated Earthfile that builds it for us, and the args this one takes itself.

So a content tag, a key and a path are in nothing that a step of the target could depend on, and the target's own file is never written. A wrapper
holds names alone: every value goes through the command line, verbatim (facts: VERSION 0.6 to 0.8 behind a wrapper of 0.8, Earthly and EarthBuild).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matrixbuild.core.earthfile.calls import split_target
from matrixbuild.core.images import KEY_LABEL

OUTPUT = "out"
"""Where artifacts are written, in the wrapper's own directory: `out/0/<name>` is the first."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEAD = "VERSION 0.8"


class WrapperError(Exception):
    """What no wrapper can be made of; `summary` is one sentence, `hint` what to do."""

    def __init__(self, summary: str, hint: str) -> None:
        super().__init__(summary)
        self.summary = summary
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapper:
    """The Earthfile, the Earthly target of it to call, and (name, value) of the args that it takes beside those of the build. One `writes` files to
    this machine, the others push."""

    text: str
    target: str
    own: tuple[tuple[str, str], ...]
    writes: bool = False


def image_wrapper(reference: str, names: Sequence[str], *, image: str, key: str, insecure: bool = False) -> Wrapper:
    """Pushes the image of a target as `image`, with the build's key as its label; `insecure`: to a registry without trusted TLS.

    `reference` as `reference` below gives it, `names` are those of the args to hand on. Raises WrapperError.
    """
    own = _Own(names)
    target, label, tag = own.name("TARGET", reference), own.name("KEY", key), own.name("TAG", image)
    save = "SAVE IMAGE --insecure --push" if insecure else "SAVE IMAGE --push"
    # The label and the tag come last: what is declared before FROM is all that it sees.
    body = [f"FROM ${target}{_handed_on(names)}", f"ARG {label}", f"LABEL {KEY_LABEL}=${label}", f"ARG {tag}", f"{save} ${tag}"]
    return _wrapper("image", [*_declared([target, *names]), *body], own)


def artifacts_wrapper(reference: str, names: Sequence[str], paths: Sequence[str]) -> Wrapper:
    """Writes artifacts of a target, in their order, to directories of their own below OUTPUT: each what a path (it may be a pattern) means.

    What is the whole of the artifacts (`/`) is written as it lies there, everything else under its name. Raises WrapperError.
    """
    own = _Own(names)
    target = own.name("TARGET", reference)
    found = [(number, own.name(f"PATH_{number}", _inside(path)), path) for number, path in enumerate(paths)]
    declared = _declared([target, *names, *(name for _, name, _ in found)])
    # WORKDIR makes the directory: a pattern may match nothing, and whoever looks for the files tells that better. (With --if-exists no directory
    # goes that has a dangling link in it.) --dir, so that a directory keeps its name; a file does anyway.
    copied = [
        line
        for number, name, path in found
        for line in (f"WORKDIR /{number}", f"COPY{'' if is_whole(path) else ' --dir'} (${target}/${name}{_handed_on(names)}) ./")
    ]
    saved = [f"SAVE ARTIFACT /{number} AS LOCAL {OUTPUT}/{number}" for number, _, _ in found]
    return _wrapper("artifacts", ["FROM scratch", *declared, *copied, *saved], own, writes=True)


def reference(checkout: str, earthly: str) -> str:
    """`/src`, `./sub+image` -> `/src/sub+image`, as the program reads it: of all characters of a path only `+` means something there.

    Raises WrapperError for a path that cannot be said.
    """
    directory, name = split_target(earthly)
    path = posixpath.join(checkout, directory) if directory else checkout
    if not path.startswith("/") or "\\+" in path or path.endswith("\\") or "\0" in path or "\n" in path:
        raise WrapperError(f"Earthly can be given no Earthfile in {path!r}", "move it: no backslash may stand before a plus sign or at its end")
    return f"{_escaped(path)}+{name}"


def is_whole(path: str) -> bool:
    """Whether a path of artifacts means all of them."""
    return _inside(path) == "."


class _Own:
    """Names for what a wrapper takes itself, so that none is one of the build's."""

    def __init__(self, names: Iterable[str]) -> None:
        taken = set(names)
        for name in sorted(taken):
            if not _NAME.fullmatch(name):
                raise WrapperError(f"{name!r} cannot be the name of an ARG", "letters, digits and _, no digit first")
        self._prefix = "MB_"
        while any(name.startswith(self._prefix) for name in taken):
            self._prefix = f"M{self._prefix}"
        self.given: list[tuple[str, str]] = []

    def name(self, what: str, value: str) -> str:
        self.given.append((f"{self._prefix}{what}", value))
        return self.given[-1][0]


def _wrapper(target: str, body: Sequence[str], own: _Own, *, writes: bool = False) -> Wrapper:
    text = "\n".join([_HEAD, f"{target}:", *(f"    {line}" for line in body), ""])
    return Wrapper(text=text, target=f"+{target}", own=tuple(own.given), writes=writes)


def _declared(names: Iterable[str]) -> list[str]:
    return [f"ARG {name}" for name in names]


def _handed_on(names: Iterable[str]) -> str:
    # Never --pass-args: every arg of ours would be active in the target then, and with it in the cache key of its steps.
    return "".join(f" --{name}=${name}" for name in names)


def _inside(path: str) -> str:
    """A path in the artifacts of a target, relative to them."""
    return _escaped(posixpath.normpath(f"/{path}").lstrip("/") or ".")


def _escaped(path: str) -> str:
    return path.replace("+", "\\+")
