"""The instructions of a Dockerfile in, the build args that are nothing in it but the image of a FROM out."""

from __future__ import annotations

import re

from matrixbuild.core.earthfile.dockerfile_text import Instruction, arg_words

_WHOLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def base_arg(word: str) -> str:
    """The name of the ARG that a FROM's word is the value of; "" for any other word."""
    found = _WHOLE.fullmatch(word)
    return found[1] or found[2] if found else ""


def base_args(found: tuple[Instruction, ...]) -> frozenset[str]:
    """Whatever else such an arg could do, its name would have to stand in another place too."""
    starts = [position for position, each in enumerate(found) if each.name == "FROM"]
    first = starts[0] if starts else len(found)
    declared = [name for each in found[:first] if each.name == "ARG" for name, _ in arg_words(each)]
    bases = [base_arg(words[0]) for words in (found[start].rest.split() for start in starts) if words]
    words = [word for each in found for text in (each.value, *(document.text for document in each.documents)) for word in _WORD.findall(text)]
    return frozenset(name for name in bases if name and declared.count(name) == 1 and words.count(name) == bases.count(name) + 1)


def stage_names(found: tuple[Instruction, ...]) -> frozenset[str]:
    """What a FROM may mean that is no image."""
    return frozenset(word.lower() for each in found if each.name == "FROM" for word in each.rest.split()[2:])
