"""What a command line says about how to read a manifest, the same for every verb."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`sets` are vars that win over the manifest's; `source` a directory that stands in for its source; `selector` what `-l` was given ("" for
    every build); `offline`: nothing is fetched."""

    sets: Mapping[str, str] = field(default_factory=dict)
    source: Path | None = None
    selector: str = ""
    offline: bool = False


PLAIN = Options()
