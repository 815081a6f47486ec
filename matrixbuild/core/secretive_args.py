"""The ARGs that builds are given -> warnings for those that look like secrets: the history of an image holds the value of every ARG.

What is told is never the value. A name alone proves nothing where the value is a switch, a path or nothing at all; a value in one of the forms that
issuers of keys use proves it whatever the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from matrixbuild.core.demand import Arg, Demand
from matrixbuild.core.problems import Problem, Severity

FORMS: Mapping[str, tuple[str, str]] = {
    "a private key": ("-----BEGIN ", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY"),
    "a GitHub token": ("_", r"\b(?:gh[oprsu]_[A-Za-z0-9]{36}|github_pat_\w{22})"),
    "a GitLab token": ("glpat-", r"\bglpat-[\w-]{20}"),
    "an AWS access key": ("IA", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a Google API key": ("AIza", r"\bAIza[\w-]{35}"),
    "a Slack token": ("xox", r"\bxox[abeoprs]-[\w-]{10}"),
    "a Vault token": ("hv", r"\bhv[bs]\.[\w-]{20}"),
    "an npm token": ("npm_", r"\bnpm_[A-Za-z0-9]{36}"),
    "a JSON web token": (".eyJ", r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\."),
    "a URL with a password": ("://", r"://[^/@\s:]*:[^/@\s]+@"),
}
"""What issuers' keys look like, each with a text that every one of them holds: looking for that spares nearly all values the pattern."""

_WORDS = frozenset({"CREDENTIAL", "CREDENTIALS", "PASSPHRASE", "PASSWD", "PASSWORD", "PWD", "SECRET", "TOKEN"})
_PRIVATE = frozenset({"ACCESS", "API", "APIKEY", "AUTH", "DEPLOY", "ENCRYPTION", "LICENSE", "PRIVATE", "PRO", "SECRET", "SIGNING"})
_NO_SECRET = frozenset({"", "true", "false", "yes", "no", "on", "off", "none", "null"})
_RANDOM = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])(?!(?:[0-9a-f]+|[0-9A-F]+)$)[A-Za-z0-9+_-]{20,}={0,2}")
_HINT = "declare it in spec.secrets, and let the step that needs it ask for it: RUN --secret NAME, or --mount=type=secret,id=NAME"


def secretive(demands: Iterable[Demand]) -> Iterator[Problem]:
    """A warning for each place that gives such an ARG. Raises nothing."""
    # Thousands of demands have the very same args.
    different = {id(arg): arg for demand in demands for arg in demand.args}
    given = {(arg.name, arg.value): arg for arg in different.values()}
    told = {(arg.name, arg.place): (arg, what) for arg in given.values() if (what := _looks_like(arg))}
    for arg, what in told.values():
        summary = f"{arg.name} looks like {what}, and the values of ARGs end up in the history of images, where everybody can read them"
        # Without its line, which may hold the value: what is told here ends up in logs.
        place = replace(arg.place, text="")
        yield Problem(summary=summary, place=place, hint=_HINT, code="secretive-arg", severity=Severity.WARNING)


def _looks_like(arg: Arg) -> str:
    """What an ARG looks like; "" for anything but a secret."""
    return _form(arg.value) or ("a secret" if _is_named_so(arg) else "")


def _form(value: str) -> str:
    return next((what for what, (mark, form) in FORMS.items() if mark in value and re.search(form, value)), "")


def _is_named_so(arg: Arg) -> bool:
    """By its last word: a TOKEN_FILE is a path. Keys are public more often than not; one that nobody may know is long and drawn at random."""
    words, last = _parts(arg.name)
    if last in ("KEY", "KEYS", "APIKEY"):
        return words.isdisjoint(("PUB", "PUBLIC")) and bool(_RANDOM.fullmatch(arg.value))
    return last in _WORDS and arg.value.strip().lower() not in _NO_SECRET and not _is_path(arg.value)


@lru_cache(maxsize=1024)
def _parts(name: str) -> tuple[frozenset[str], str]:
    """The last word of a name, and those before it."""
    *words, last = re.split(r"[_.-]", name.upper())
    return frozenset(words), last


def named_like_a_secret(name: str, default: str) -> bool:
    """Whether an ARG of an Earthfile is for a secret, by its name; a default that is a switch or a path says that it is not."""
    words, last = _parts(name)
    named = (last in _WORDS and name != "PWD") or (last in ("KEY", "APIKEY") and bool(_PRIVATE & {*words, last}))
    return named and (not default or (default.strip().lower() not in _NO_SECRET and not _is_path(default)))


def _is_path(value: str) -> bool:
    return value.startswith(("/", "./", "../", "~/"))
