"""Words of an Earthfile as written in, the arguments that Earthly's parser makes of them out."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_CONTINUATION = re.compile(r"\\[ \t]*+(?:#[^\n\r]*+)?(?:\n|\r\n)[\t ]*+(?:(?:#[^\n\r]*+)?(?:\n|\r\n)[\t ]*+)*+")
_JSON_STRING = r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"'
_JSON_ITEM = rf"[ \t\r\n]*+(?:{_JSON_STRING}|null)[ \t\r\n]*+"
_JSON_LIST = re.compile(rf"[ \t\r\n]*+\[(?:{_JSON_ITEM}(?:,{_JSON_ITEM})*+|[ \t\r\n]*+)\][ \t\r\n]*+")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def joined(word: str) -> str:
    """A word without its line continuations: `a\\`, line end, `  b` is `ab`."""
    return _CONTINUATION.sub("", word) if "\\" in word else word


def exec_form(words: Sequence[str]) -> tuple[str, ...] | None:
    """The strings of a JSON list, where all the words together are one; None where they are not.

    As Go reads JSON into strings: a `null` among them is the empty string, `null` alone is an empty list.
    """
    text = "".join(words)
    if text == "null":
        return ()
    if not text.startswith("[") or not _JSON_LIST.fullmatch(text):
        return None
    return tuple(_LONE_SURROGATE.sub("\ufffd", item or "") for item in json.loads(text))
