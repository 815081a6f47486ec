"""python -m tests.live.record [NAME...]: look at every variation of the cases of tests/pairs with the real program, and write down what is seen.

The program is found as tests/live/program.py says. With --new only what has no record of that kind of program is looked at.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.live import program, world
from tests.pairs import case as cases
from tests.pairs.observation import KINDS, Observation, short, written


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=cases.CASES)
    parser.add_argument("--new", action="store_true", help="only what has no record of this kind of program")
    options = parser.parse_args()
    found = program.find()
    if found is None or not found.buildkit:
        print("name a program with EARTHLY and its buildkitd with EARTHLY_BUILDKIT_HOST", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="mb-record-") as scratch, world.registry(Path(scratch)) as registry:
        unsteady = [name for name in options.names if not _recorded(found, registry, Path(scratch), name, only_new=options.new)]
    for name in unsteady:
        print(f"{name}: the same call twice gives different results, so that nothing can be told by it", file=sys.stderr)
    return 1 if unsteady else 0


def _recorded(found: program.Program, registry: str, scratch: Path, name: str, *, only_new: bool) -> bool:
    """Record one case; False where two calls that are the same differ."""
    case = cases.load(name)
    path = cases.FOLDER / "recorded" / f"{name}.json"
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    known = kept.get(found.kind, {}).get("of") == short(case.described)
    if case.by_hand or (only_new and known):
        return True
    first = _world(found, registry, scratch / name / "1")
    base = first.observe(case.base, case.target, local=case.local)
    again = _world(found, registry, scratch / name / "2").observe(case.base, case.target, local=case.local)
    if base.differs(again):
        return False
    repeated = first.observe(case.base, case.target, local=case.local)
    varied: dict[str, Observation] = {about: first.observe(each, case.target, local=case.local) for about, each in case.varied.items()}
    path.write_text(_text({**kept, found.kind: {"version": found.version, **written(case, base, repeated, varied)}}))
    print(
        f"{name}: {'FAILED, ' if base.failed else ''}{len(varied)} variations, {sum(bool(v.differs(base)) for v in varied.values())} differ",
        flush=True,
    )
    return True


def _world(found: program.Program, registry: str, scratch: Path) -> world.World:
    return world.World(program=found, registry=registry, scratch=scratch, salt=f"pairs-{secrets.token_hex(6)}")


def _text(kept: dict[str, Any]) -> str:
    """One line for each variation."""
    lines = []
    for kind in sorted(kept, key=KINDS.index):
        record = kept[kind]
        varied = ",\n".join(f"   {json.dumps(about)}: {json.dumps(each)}" for about, each in record["varied"].items())
        head = "".join(f'  "{key}": {json.dumps(record[key])},\n' for key in ("version", "of", "base") if key in record)
        lines.append(f' "{kind}": {{\n{head}  "varied": {{\n{varied}\n  }}\n }}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    sys.exit(main())
