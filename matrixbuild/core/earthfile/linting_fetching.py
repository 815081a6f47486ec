"""The text of a RUN -> whether it installs packages, upgrades them, or fetches something: what takes long, and other things tomorrow."""

from __future__ import annotations

import re

_SYSTEM = (
    r"\b(?:apt-get|apt|aptitude)\s(?:[^;&|\n]*\s)?(?:install|update|upgrade|dist-upgrade|full-upgrade)\b"
    r"|\bapk\s(?:[^;&|\n]*\s)?(?:add|update|upgrade)\b"
    r"|\b(?:yum|dnf|microdnf|tdnf)\s(?:[^;&|\n]*\s)?(?:install|update|upgrade|groupinstall)\b"
    r"|\bzypper\s(?:[^;&|\n]*\s)?(?:install|in|update|up|dup|dist-upgrade|ref|refresh)\b"
    r"|\bpacman\s(?:[^;&|\n]*\s)?-S[a-z]*\b"
)
_INSTALLING = re.compile(_SYSTEM)
_LANGUAGE = (
    r"npm\s+(?:ci|install)(?:\s+--?[\w=-]+)*"
    r"|yarn(?:\s+install)?(?:\s+--?[\w=-]+)*|pnpm\s+(?:install|i)(?:\s+--?[\w=-]+)*"
    r"|go\s+mod\s+(?:download|vendor)(?:\s+-\w+)*|cargo\s+fetch(?:\s+--?[\w=-]+)*|bundle\s+install(?:\s+--?[\w=-]+)*"
    r"|(?:python3?\s+-m\s+)?pip3?\s+install(?:\s+--?[\w=-]+)*\s+-r\s+\S+|poetry\s+install\s+--no-root|composer\s+install(?:\s+--?[\w=-]+)*"
)
_LANGUAGE_ALONE = re.compile(rf"\s*(?:{_LANGUAGE})\s*")
_FETCHING = re.compile(rf"{_SYSTEM}|\b(?:{_LANGUAGE})|\b(?:curl|wget)\s|\bgit\s+clone\b|\bgo\s+install\s+\S+@|\b(?:pip3?|gem|cargo)\s+install\b")
_OWN_FILES = re.compile(r"(?:^|[\s=])\.{1,2}(?:/\S*)?(?=$|\s)|\.(?:deb|rpm|apk)\b")
_UPGRADING = re.compile(
    r"\b(?:apt-get|apt|aptitude)\s(?:[^;&|\n]*\s)?(?:upgrade|dist-upgrade|full-upgrade)\b|\bapk\s(?:[^;&|\n]*\s)?(?:upgrade|-U\s+upgrade)\b"
    r"|\b(?:yum|dnf|microdnf|tdnf)\s(?:-\S+\s+)*(?:update|upgrade)\b|\bzypper\s(?:-\S+\s+)*(?:update|up|dup|dist-upgrade)\b|\bpacman\s+-Syu"
)


def fetches(text: str) -> bool:
    return bool(_FETCHING.search(text))


def installs_alone(text: str) -> bool:
    """Whether a RUN installs packages for which it cannot need what was copied before but a file or two: of the system from its repositories, or
    those that a list of a language's packages names, and does nothing else."""
    if _INSTALLING.search(text):
        return not _OWN_FILES.search(text)
    return bool(_LANGUAGE_ALONE.fullmatch(text))


def upgrades(text: str) -> bool:
    """Whether all packages of the system are brought to what is newest."""
    return bool(_UPGRADING.search(text))
