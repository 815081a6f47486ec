from __future__ import annotations

import signal

import pytest

from matrixbuild.core.failure import Failure, FailureKind
from matrixbuild.core.problems import UnusableError
from matrixbuild.core.process import Command, Ended, Why, ended_by_us

COMMAND = Command(argv=("/usr/bin/make", "-j4"), cwd="/", timeout=5400, silence=0.25)


def ended(why: Why, code: int | None = None) -> Ended:
    return Ended(code=code, signal=None if code is not None else signal.SIGTERM, why=why, seconds=12.3456)


def test_only_an_end_of_its_own_with_status_0_is_success() -> None:
    assert ended(Why.EXITED, 0).succeeded
    assert not ended(Why.EXITED, 1).succeeded
    assert not ended(Why.EXITED).succeeded
    # A shell that traps SIGTERM says 0 though it did not finish.
    assert not ended(Why.CANCELLED, 0).succeeded


def test_a_status_is_one_number() -> None:
    assert ended(Why.EXITED, 7).status == 7
    assert ended(Why.EXITED).status == -15


def test_what_we_ended_has_its_failure() -> None:
    more = "give it more time if that is what it needs"
    assert ended_by_us(COMMAND, ended(Why.EXITED, 1)) is None
    assert ended_by_us(COMMAND, ended(Why.CANCELLED)) == Failure(kind=FailureKind.CANCELLED, summary="make was stopped after 12.3 s")
    timeout = Failure(kind=FailureKind.TIMEOUT, summary="make took longer than 5400 s and was stopped", hint=more)
    assert ended_by_us(COMMAND, ended(Why.TIMEOUT)) == timeout
    silence = Failure(kind=FailureKind.TIMEOUT, summary="make said nothing for 0.25 s and was stopped", hint=more)
    assert ended_by_us(COMMAND, ended(Why.SILENCE, 0)) == silence


def test_a_secret_is_no_argument() -> None:
    with pytest.raises(UnusableError) as caught:
        Command(argv=("login", "--password=canary"), cwd="/", secrets=(("USER", "nobody"), ("PASSWORD", "canary\n")))
    (problem,) = caught.value.problems
    assert str(problem) == "the secret 'PASSWORD' stands in the arguments of login, where every process of this machine may read it"
    assert problem.hint == "declare it as a secret of the build instead of giving it as an arg"


def test_a_short_secret_may_well_stand_in_an_argument() -> None:
    Command(argv=("make", "123"), cwd="/", secrets=(("PIN", "123"), ("NONE", "")))


def test_a_command_does_not_show_its_secrets() -> None:
    command = Command(argv=("login",), cwd="/", env=(("TOKEN", "canary"),), secrets=(("TOKEN", "canary"),), stdin=b"canary")
    assert "canary" not in repr(command)


@pytest.mark.parametrize(
    ("argv", "env", "told"),
    [
        (("/bin/make", "a\0b"), (), "an argument or a variable of make holds a NUL character, which no program can be given"),
        (("make",), (("A", "\0"),), "an argument or a variable of make holds a NUL character, which no program can be given"),
        (("make",), (("A=B", "1"),), "'A=B' cannot be the name of an environment variable"),
        (("make",), (("", "1"),), "'' cannot be the name of an environment variable"),
    ],
)
def test_what_no_program_can_be_given_is_refused(argv: tuple[str, ...], env: tuple[tuple[str, str], ...], told: str) -> None:
    with pytest.raises(UnusableError) as caught:
        Command(argv=argv, cwd="/", env=env)
    assert [str(problem) for problem in caught.value.problems] == [told]


def test_a_command_has_a_program() -> None:
    with pytest.raises(ValueError, match=r"^a command has at least the name of its program$"):
        Command(argv=(), cwd="/")
