"""`python -m tests.orphans.worker WORD...`: the command line of matrixbuild, but each build runs a script first.

The environment says how: SCRIPT, MARK (with `child-` before it in the environment of all that is started), GRACE, and TOKEN, a secret.
"""

from __future__ import annotations

import os
import sys
from functools import partial

from matrixbuild.adapters.children import Children
from matrixbuild.adapters.engines.base import Engine
from matrixbuild.cli.main import main
from matrixbuild.workflow import applying
from matrixbuild.workflow.planning import Prepared, engine_of
from tests.fakes.commands import Commands, Words


def engine(prepared: Prepared) -> Engine:
    words = Words(
        argv=("sh", "-c", os.environ["SCRIPT"], "sh"),
        env=(("PATH", os.environ["PATH"]), ("MARK", f"child-{os.environ['MARK']}")),
        secrets=(("TOKEN", os.environ["TOKEN"]),),
    )
    return Commands(words=words, within=engine_of(prepared), children=Children(grace=float(os.environ["GRACE"]), mercy=0.3))


if __name__ == "__main__":
    applying.apply_manifest = partial(applying.apply_manifest, engine=engine)
    sys.exit(main(sys.argv[1:]))
