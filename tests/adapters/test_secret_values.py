"""A secret is taken byte for byte, and what it is stands in no message."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from matrixbuild.adapters.secret_values import LARGEST, Missing, SecretValue, secret_value
from matrixbuild.core.declared import Text
from matrixbuild.core.surroundings import DeclaredSecret
from tests.builders import place
from tests.processes import marked, until

VALUE = "hunter2-Zk9"


def declared(*, env: str = "", file: str = "", command: tuple[str, ...] = ()) -> DeclaredSecret:
    text = {name: Text(value=value, place=place()) for name, value in (("env", env), ("file", file)) if value}
    return DeclaredSecret(name="token", place=place(), env=text.get("env"), file=text.get("file"), command=command)


def found(secret: DeclaredSecret, base: Path, environ: Mapping[str, str] = os.environ, *, seconds: float = 60.0) -> SecretValue | Missing:
    return secret_value(secret, base=base, environ=environ, seconds=seconds)


def python(program: str) -> DeclaredSecret:
    return declared(command=(sys.executable, "-c", program))


TEXTS = ["plain", "trailing\n", "\n\n two \n\n", "\u00e4\u20ac", b"\xff\xfe".decode("utf-8", "surrogateescape"), ""]


@pytest.mark.parametrize("value", TEXTS)
def test_every_byte_counts(tmp_path: Path, value: str) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/token").write_bytes(os.fsencode(value))
    for secret in (declared(env="EDGE"), declared(file="keys/token"), declared(command=("cat", "keys/token"))):
        assert found(secret, tmp_path, {"EDGE": value, "PATH": os.environ["PATH"]}) == SecretValue("token", value)


def test_the_value_is_in_no_text_of_it() -> None:
    value = SecretValue("token", VALUE)
    assert repr(value) == str(value) == "SecretValue(name='token')"
    assert f"{value!s} {[value]} {ValueError(value)!r}".count(VALUE) == 0


def test_a_variable_that_is_not_there(tmp_path: Path) -> None:
    assert found(declared(env="EDGE"), tmp_path, {}) == Missing("EDGE is not in the environment", "export EDGE before the run")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    hint = "the path of a secret is relative to the manifest that names it"
    assert found(declared(file="keys/token"), tmp_path) == Missing("cannot read keys/token: No such file or directory", hint)
    assert found(declared(file="."), tmp_path) == Missing("cannot read .: Is a directory", hint)


def test_what_no_variable_can_hold(tmp_path: Path) -> None:
    hint = "encode it, for example with base64, and decode it in the step that uses it"
    (tmp_path / "nul").write_bytes(b"a\0b")
    assert found(declared(file="nul"), tmp_path) == Missing("it holds a NUL byte, which no variable can", hint)
    (tmp_path / "large").write_bytes(b"x" * LARGEST)
    assert found(declared(file="large"), tmp_path) == SecretValue("token", "x" * LARGEST)
    (tmp_path / "large").write_bytes(b"x" * (LARGEST + 1))
    why = f"it has {LARGEST + 1} bytes, and a secret may have {LARGEST}"
    assert found(declared(file="large"), tmp_path) == Missing(why, "give the step what it needs to fetch it instead")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit is Linux's")
def test_the_largest_one_can_be_handed_on(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "n" * 255: "x" * LARGEST}
    assert subprocess.run(["true"], env=environ, cwd=tmp_path, check=False).returncode == 0


class TestCommands:
    HINT = "run it by hand in the manifest's directory: no shell reads it, and it may ask nothing"

    def test_no_shell_reads_it(self, tmp_path: Path) -> None:
        assert found(declared(command=("printf", "%s", "$(id); $HOME *")), tmp_path) == SecretValue("token", "$(id); $HOME *")

    def test_it_runs_beside_the_manifest_and_sees_the_environment(self, tmp_path: Path) -> None:
        program = "import os; print(os.getcwd(), os.environ['EDGE'], end='')"
        environ = {**os.environ, "EDGE": "here"}
        assert found(python(program), tmp_path, environ) == SecretValue("token", f"{tmp_path} here")

    def test_one_that_cannot_be_started(self, tmp_path: Path) -> None:
        missing = Missing("cannot start no-such-program-0: No such file or directory", "is it installed, and on PATH?")
        assert found(declared(command=("no-such-program-0", "x")), tmp_path) == missing

    def test_one_that_fails_says_its_last_line_without_the_secret(self, tmp_path: Path) -> None:
        program = f"import sys; print('{VALUE}'); print('one\\nno access with {VALUE} here\\n', file=sys.stderr); sys.exit(3)"
        assert found(python(program), tmp_path) == Missing(f"{sys.executable} ended with 3: no access with *** here", self.HINT)

    def test_nor_with_its_arguments(self, tmp_path: Path) -> None:
        """Of which one may be what opens the vault."""
        program = "import sys; print('wrong passphrase', sys.argv[1], file=sys.stderr); sys.exit(1)"
        secret = declared(command=(sys.executable, "-c", program, VALUE))
        assert found(secret, tmp_path) == Missing(f"{sys.executable} ended with 1: wrong passphrase ***", self.HINT)

    def test_one_that_fails_in_silence(self, tmp_path: Path) -> None:
        assert found(python("import sys; sys.exit(1)"), tmp_path) == Missing(f"{sys.executable} ended with 1", self.HINT)

    def test_one_that_is_killed(self, tmp_path: Path) -> None:
        program = "import os; os.kill(os.getpid(), 9)"
        assert found(python(program), tmp_path) == Missing(f"{sys.executable} was ended by SIGKILL", self.HINT)

    def test_one_that_asks_gets_no_answer(self, tmp_path: Path) -> None:
        assert found(python("input('Password: ')"), tmp_path) == Missing(
            f"{sys.executable} ended with 1: EOFError: EOF when reading a line", self.HINT
        )

    def test_one_that_does_not_end_is_ended_with_all_it_started(self, tmp_path: Path) -> None:
        mark = f"mark-{tmp_path.name}-{os.getpid()}"
        program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)', '{mark}'])"
        assert found(python(program), tmp_path, seconds=1) == Missing(f"{sys.executable} did not end within 1 s", self.HINT)
        until(lambda: not marked(mark))
