"""`python -m tests.orphans.worker WORD...`: the command line of matrixbuild, but each build runs a script first.

The environment says how: SCRIPT, MARK (with `child-` before it in the environment of all that is started), GRACE, and TOKEN, a secret. With BUG the
engine ends with an exception: in `build`, in `ready` or in a `thread` of its own, or an error that is `told` to a person, or a build that has
`failed`. All of them quote the secret, plain, in base64 and as in a URL.
"""

from __future__ import annotations

import base64
import os
import sys
import threading
import urllib.parse
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from matrixbuild.adapters.children import Children
from matrixbuild.adapters.engines.base import Engine, Made, Order, Remark, Tell
from matrixbuild.adapters.secret_values import SecretValue, secret_value
from matrixbuild.cli.main import main
from matrixbuild.core.build import Build
from matrixbuild.core.declared import Text
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.problems import Place, Problem, UnusableError
from matrixbuild.core.surroundings import DeclaredSecret
from matrixbuild.workflow import applying
from matrixbuild.workflow.engines import engine_of
from matrixbuild.workflow.planning import Prepared
from tests.fakes.commands import Commands, Words


def engine(prepared: Prepared) -> Engine:
    words = Words(
        argv=("sh", "-c", os.environ["SCRIPT"], "sh"),
        env=(("PATH", os.environ["PATH"]), ("MARK", f"child-{os.environ['MARK']}")),
        secrets=(("TOKEN", token()),),
    )
    commands = Commands(words=words, within=engine_of(prepared), children=Children(grace=float(os.environ["GRACE"]), mercy=0.3))
    return Buggy(commands, os.environ["BUG"]) if os.environ.get("BUG") else commands


def token() -> str:
    """As a manifest's secrets are read."""
    place = Place(file="small.yaml", line=1)
    found = secret_value(DeclaredSecret(name="TOKEN", place=place, env=Text(value="TOKEN", place=place)), base=Path(), environ=os.environ)
    assert isinstance(found, SecretValue)
    return found.value


class Buggy:
    """Ends with an exception, at one moment, with a secret in its hands: one that nobody foresaw, or words for a person that quote it."""

    def __init__(self, commands: Commands, moment: str) -> None:
        self._commands, self._moment = commands, moment

    def ready(self, builds: Iterable[Build], _tell: Tell, _remark: Remark) -> None:
        self._reach("ready", len(list(builds)))
        if self._moment == "told":
            raise UnusableError(Problem(summary=f"nobody takes {self._quoted}", hint=f"give another than {self._quoted}"))

    def build(self, order: Order) -> Made:
        made = self._commands.build(order)
        self._reach("build", len(made.artifacts))
        thread = threading.Thread(target=self._reach, args=("thread", len(made.artifacts)))
        thread.start()
        thread.join()
        if self._moment == "failed":
            raise BuildFailed(Failure(kind=FailureKind.STEP, summary=f"no luck with {self._quoted}", lines=(self._quoted,), hint=self._quoted))
        return made

    def _reach(self, moment: str, number: int) -> None:
        if moment == self._moment:
            try:
                number = number // 0
            except ZeroDivisionError as error:
                raise LookupError(f"nobody knows {self._quoted}") from error

    @property
    def _quoted(self) -> str:
        secret = dict(self._commands.words.secrets)["TOKEN"]
        return f"{secret}, {base64.b64encode(f'user:{secret}'.encode()).decode()}, {urllib.parse.quote(secret, safe='')}"


if __name__ == "__main__":
    applying.apply_manifest = partial(applying.apply_manifest, engine=engine)
    sys.exit(main(sys.argv[1:]))
