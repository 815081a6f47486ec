"""What is said of a build -> lines on stderr as the real programs lay them out, and the same in the logstream."""

from __future__ import annotations

import sys

from tests.double.records import Records

_WIDTH = 20
_RULE = "—" * 80
_DEFAULT = "_generic:default"


class Console:
    """Everything that a person reads; none of it goes to stdout."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def plain(self, text: str) -> None:
        """A text without a name before it; a line feed is added."""
        self._say(f"{text}\n", f"{text}\n", command=_DEFAULT)

    def heading(self, text: str) -> None:
        self.plain(f" {text}\n{_RULE}\n")

    def bar(self, text: str) -> None:
        rest = 78 - len(text)
        self.plain(f"\n{'=' * (rest // 2)} {text} {'=' * (rest - rest // 2)}\n")

    def general(self, name: str, text: str) -> None:
        """A line of the program's own parts: frontend, buildkitd."""
        self._say(_prefixed(name, text), f"{text}\n", command=f"_generic:{name}")

    def line(self, name: str, text: str, *, command: str, target: str = "", stream: int = 0, failed: bool = False) -> None:
        """A line of a command of an Earthly target."""
        self._say(_prefixed(name, text, failed=failed), f"{text}\n", command=command, target=target, stream=stream)

    def only_shown(self, name: str, text: str, *, command: str, target: str = "", failed: bool = False) -> None:
        """A line that the program makes itself (`--> RUN ...`): nothing that a command printed."""
        shown = _prefixed(name, text, failed=failed)
        sys.stderr.write(shown)
        sys.stderr.flush()
        self._records.formatted(shown, command=command, target=target)

    def _say(self, shown: str, text: str, *, command: str, target: str = "", stream: int = 0) -> None:
        sys.stderr.write(shown)
        sys.stderr.flush()
        self._records.formatted(shown, command=command, target=target)
        self._records.log(text, command=command, target=target, stream=stream)


def _prefixed(name: str, text: str, *, failed: bool = False) -> str:
    prefix = f"{_shortened(name):>{_WIDTH}}{' *failed*' if failed else ''} | "
    return "".join(f"{prefix}{line}\n" for line in text.split("\n"))


def _shortened(name: str) -> str:
    """A long path loses the ends of its first directories, one after the other, until it fits."""
    directory, plus, target = name.partition("+")
    parts = directory.split("/")
    for number, part in enumerate(parts[:-1] if plus else ()):
        if len(name) <= _WIDTH:
            break
        parts[number] = part[:1]
        name = f"{'/'.join(parts)}+{target}"
    return name
