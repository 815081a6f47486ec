"""`python -m tests.orphans.worker WORD...`: the command line of matrixbuild, but each build runs a script first.

The environment says how: SCRIPT, MARK (with `child-` before it in the environment of all that is started), GRACE, and TOKEN, a secret. With BUG the
engine has one, while it holds the secret: in `build` or in `ready`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import partial

from matrixbuild.adapters.children import Children
from matrixbuild.adapters.engines.base import Engine, Made, Order, Remark, Tell
from matrixbuild.cli.main import main
from matrixbuild.core.build import Build
from matrixbuild.workflow import applying
from matrixbuild.workflow.engines import engine_of
from matrixbuild.workflow.planning import Prepared
from tests.fakes.commands import Commands, Words


def engine(prepared: Prepared) -> Engine:
    words = Words(
        argv=("sh", "-c", os.environ["SCRIPT"], "sh"),
        env=(("PATH", os.environ["PATH"]), ("MARK", f"child-{os.environ['MARK']}")),
        secrets=(("TOKEN", os.environ["TOKEN"]),),
    )
    commands = Commands(words=words, within=engine_of(prepared), children=Children(grace=float(os.environ["GRACE"]), mercy=0.3))
    return Buggy(commands, os.environ["BUG"]) if os.environ.get("BUG") else commands


class Buggy:
    """Ends with an exception that nobody foresaw, at one moment, with a secret in its hands."""

    def __init__(self, commands: Commands, moment: str) -> None:
        self._commands, self._moment = commands, moment

    def ready(self, builds: Iterable[Build], _tell: Tell, _remark: Remark) -> None:
        self._reach("ready", len(list(builds)))

    def build(self, order: Order) -> Made:
        made = self._commands.build(order)
        self._reach("build", len(made.artifacts))
        return made

    def _reach(self, moment: str, number: int) -> None:
        secrets = dict(self._commands.words.secrets)
        if moment == self._moment:
            sys.exit(f"{secrets} {number / 0}")


if __name__ == "__main__":
    applying.apply_manifest = partial(applying.apply_manifest, engine=engine)
    sys.exit(main(sys.argv[1:]))
