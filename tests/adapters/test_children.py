from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from matrixbuild.adapters.children import Children
from matrixbuild.core.problems import UnusableError
from matrixbuild.core.process import Command, Ended, Stream, Why
from tests.processes import marked, until

PATH = ("PATH", os.environ["PATH"])
CANARY = "canary/7?+x"


@pytest.fixture
def children() -> Iterator[Children]:
    with Children(grace=0.3, mercy=0.3) as made:
        yield made


@pytest.fixture
def mark() -> str:
    return f"mark-{uuid.uuid4().hex}"


class Said:
    """Takes lines."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, bytes]] = []

    def __call__(self, stream: Stream, lines: list[bytes]) -> None:
        self.lines += [(stream.value, line) for line in lines]

    def of(self, stream: str) -> bytes:
        return b"".join(line for name, line in self.lines if name == stream)


def shell(script: str, *, mark: str = "", **more: Any) -> Command:
    """A script; `mark` is in the environment of all that it starts."""
    env = (PATH, ("MARK", mark), *more.pop("env", ()))
    return Command(argv=("sh", "-c", script), cwd=more.pop("cwd", "/"), env=env, **more)


def own(ended: Ended) -> tuple[int | None, int | None, Why]:
    return ended.code, ended.signal, ended.why


def test_a_command_says_lines_and_ends(children: Children) -> None:
    said = Said()
    assert own(children.run(shell("echo one; echo two; echo three >&2; exit 3"), said)) == (3, None, Why.EXITED)
    assert [line for line in said.lines if line[0] == "stdout"] == [("stdout", b"one\n"), ("stdout", b"two\n")]
    assert said.of("stderr") == b"three\n"


def test_a_signal_is_told_as_one(children: Children) -> None:
    assert own(children.run(shell("kill -USR1 $$"), Said())) == (None, signal.SIGUSR1, Why.EXITED)


def test_arguments_environment_and_directory_arrive_as_they_are(children: Children, tmp_path: Path) -> None:
    words = ("$(touch x)", "a;b", "--", "two\nlines", "", "ö", b"\xff\xfe".decode(errors="surrogateescape"), "*")
    program = "import os, sys; print(os.getcwdb(), os.environb, [os.fsencode(word) for word in sys.argv[1:]])"
    env = (("ODD NAME", "1"), ("B", b"\xe9".decode(errors="surrogateescape")))
    said = Said()
    directory = tmp_path / "it is here"
    directory.mkdir()
    command = Command(argv=(sys.executable, "-c", program, *words), cwd=str(directory), env=env)
    assert children.run(command, said).succeeded
    expected = f"{os.fsencode(directory)!r} environ({{b'ODD NAME': b'1', b'B': b'\\xe9'"
    assert said.of("stdout").decode().startswith(expected)
    assert said.of("stdout").decode().rstrip().endswith(repr([os.fsencode(word) for word in words]))


def test_a_program_is_found_as_the_environment_of_the_command_says(children: Children, tmp_path: Path) -> None:
    tool = tmp_path / "bin" / "tool-of-ours"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho here\n")
    tool.chmod(0o755)
    said = Said()
    assert children.run(Command(argv=("tool-of-ours",), cwd="/", env=(("PATH", str(tool.parent)),)), said).succeeded
    assert children.run(Command(argv=("bin/tool-of-ours",), cwd=str(tmp_path)), said).succeeded
    assert said.of("stdout") == b"here\nhere\n"


@pytest.mark.parametrize(
    ("argv", "cwd", "told"),
    [
        (("no-such-tool",), "/", "cannot start no-such-tool: No such file or directory"),
        (("/no/such/tool",), "/", "cannot start /no/such/tool: No such file or directory"),
        (("/etc/passwd",), "/", "cannot start /etc/passwd: Permission denied"),
        (("sh",), "/no/such/directory", "cannot start sh: there is no directory /no/such/directory"),
        (("sh", "x" * 3_000_000), "/", "cannot start sh: Argument list too long"),
    ],
)
def test_what_cannot_be_started_is_said(children: Children, argv: tuple[str, ...], cwd: str, told: str) -> None:
    for _ in range(2):
        with pytest.raises(UnusableError) as caught:
            children.run(Command(argv=argv, cwd=cwd, env=(PATH,)), Said())
        assert [str(problem) for problem in caught.value.problems] == [told]
    assert children.run(shell("exit 0"), Said()).succeeded


def test_a_relative_directory_is_one_of_ours(children: Children, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "tool").symlink_to("/bin/pwd")
    monkeypatch.chdir(tmp_path)
    said = Said()
    assert children.run(Command(argv=("pwd",), cwd="there", env=(PATH,)), said).succeeded
    assert children.run(Command(argv=("./tool",), cwd="there"), said).succeeded
    assert children.run(Command(argv=("tool",), cwd="there", env=(("PATH", "."),)), said).succeeded
    assert said.of("stdout").decode().splitlines() == [f"{tmp_path}/there"] * 3


def test_where_no_file_can_be_opened_that_is_said_and_nothing_is_leaked(children: Children) -> None:
    assert children.run(shell("exit 0"), Said()).succeeded
    highest = max(int(entry.name) for entry in Path("/dev/fd").iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 20, hard))
    taken = []
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        for _ in range(5):
            os.close(taken.pop())
            with pytest.raises(UnusableError) as caught:
                children.run(shell("exit 0"), Said())
            (problem,) = caught.value.problems
            assert str(problem) == "cannot start sh: Too many open files"
            assert problem.hint == "let fewer builds run at once, or allow more open files (ulimit -n)"
        os.close(taken.pop())
        assert children.run(shell("exit 0"), Said()).succeeded
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert children.run(shell("exit 0"), Said()).succeeded


def test_input_is_empty_or_what_is_given(children: Children) -> None:
    said = Said()
    assert children.run(shell("cat"), said).succeeded
    assert said.lines == []
    data = os.urandom(1_000_000).hex().encode()
    assert children.run(shell("sha256sum", stdin=data), said).succeeded
    assert said.of("stdout").split()[0].decode() == hashlib.sha256(data).hexdigest()


def test_input_need_not_be_read(children: Children) -> None:
    assert children.run(shell("exec 0<&-; sleep 0.1", stdin=b"x" * 1_000_000), Said()).succeeded


def test_each_child_has_its_own_environment_whatever_the_one_before_had(children: Children) -> None:
    told = []
    for word in ("one", "one", "two", "one"):
        said = Said()
        children.run(shell("env | sort", env=(("WORD", word), (f"OF_{word}", "x"))), said)
        told.append(sorted(line for line in said.of("stdout").splitlines() if b"WORD" in line or b"OF_" in line))
    assert told == [[f"OF_{word}=x".encode(), f"WORD={word}".encode()] for word in ("one", "one", "two", "one")]


def test_a_child_has_its_three_descriptors_and_no_terminal(children: Children) -> None:
    said = Said()
    program = """if True:
        import os
        print([fd for fd in range(256) if os.path.exists(f"/dev/fd/{fd}")], os.getsid(0) == os.getpid() == os.getpgrp())
        try:
            os.open("/dev/tty", os.O_RDWR)
        except OSError as error:
            print(error.strerror)
    """
    with ThreadPoolExecutor(4) as pool:
        commands = [Command(argv=(sys.executable, "-c", program), cwd="/") for _ in range(8)]
        assert all(pool.map(lambda command: children.run(command, said).succeeded, commands))
    assert sorted(said.lines) == [("stdout", os.strerror(errno.ENXIO).encode() + b"\n")] * 8 + [("stdout", b"[0, 1, 2] True\n")] * 8


def test_no_signal_is_ignored_or_blocked(children: Children) -> None:
    said = Said()
    names = "SIGINT SIGTERM SIGHUP SIGPIPE SIGXFSZ SIGCHLD"
    # Python changes two of them when it starts; so the shell is asked, which keeps what it gets.
    script = f'for name in {names.replace("SIG", "")}; do sh -c "kill -$name \\$\\$; echo alive $name"; done 2>/dev/null'
    assert children.run(shell(script), said).succeeded
    assert said.of("stdout") == b"alive CHLD\n"


def test_a_command_has_its_time(children: Children) -> None:
    assert own(children.run(shell("sleep 60", timeout=0.1), Said())) == (None, signal.SIGTERM, Why.TIMEOUT)


def test_a_command_may_be_silent_for_so_long(children: Children) -> None:
    said = Said()
    assert own(children.run(shell("for i in 1 2 3; do echo $i; sleep 1; done; sleep 60", silence=3.0), said)) == (None, signal.SIGTERM, Why.SILENCE)
    assert said.of("stdout") == b"1\n2\n3\n"


def running(children: Children, command: Command, name: str) -> tuple[threading.Thread, list[Ended], Said]:
    """A command in a thread of its own, which says something when it has come to its point."""
    ends: list[Ended] = []
    said = Said()
    thread = threading.Thread(target=lambda: ends.append(children.run(command, said, name=name)))
    thread.start()
    until(lambda: bool(said.lines))
    return thread, ends, said


def test_one_that_does_not_hear_is_killed_after_the_grace(children: Children) -> None:
    thread, ends, _ = running(children, shell("trap '' TERM; echo up; while :; do sleep 0.05; done"), "a")
    before = time.monotonic()
    children.cancel("a")
    thread.join()
    assert [own(end) for end in ends] == [(None, signal.SIGKILL, Why.CANCELLED)]
    assert time.monotonic() - before >= 0.3


def test_one_that_is_stopped_hears_all_the_same(children: Children) -> None:
    thread, ends, said = running(children, shell("trap 'echo bye; exit 7' TERM; echo up; kill -STOP $$; sleep 60 & wait"), "a")
    children.cancel("a")
    thread.join()
    assert [own(end) for end in ends] == [(7, None, Why.CANCELLED)]
    assert said.of("stdout") == b"up\nbye\n"


def test_a_command_is_cancelled_by_its_name(children: Children) -> None:
    thread, ends, _ = running(children, shell("echo up; sleep 60"), "a")
    other, others, _ = running(children, shell("echo up; sleep 1"), "b")
    children.cancel("a")
    thread.join()
    other.join()
    assert [own(end) for end in ends] == [(None, signal.SIGTERM, Why.CANCELLED)]
    assert [own(end) for end in others] == [(0, None, Why.EXITED)]


def test_a_command_is_ended_by_its_name_as_a_silent_one_although_it_prints(children: Children) -> None:
    def heard(_: Stream, __: list[bytes]) -> None:
        children.end_silent("another")
        children.end_silent("build")

    ended = children.run(shell("while :; do echo ongoing; sleep 0.05; done", silence=3600), heard, name="build")
    assert own(ended) == (None, signal.SIGTERM, Why.SILENCE)
    assert own(children.run(shell("exit 3"), heard, name="build")) == (3, None, Why.EXITED)


def test_one_that_takes_its_time_is_ended_at_once() -> None:
    with Children(grace=3600) as children:
        thread, ends, _ = running(children, shell("trap '' TERM; echo up; while :; do sleep 0.05; done"), "a")
        children.cancel("a")
        time.sleep(0.1)
        assert thread.is_alive()
        children.cancel("a", now=True)
        thread.join()
        assert [own(end) for end in ends] == [(None, signal.SIGKILL, Why.CANCELLED)]


def test_what_is_cancelled_before_it_starts_does_not_start(children: Children, tmp_path: Path) -> None:
    children.cancel("a")
    assert own(children.run(shell(f"touch {tmp_path}/started"), Said(), name="a")) == (None, None, Why.CANCELLED)
    assert not (tmp_path / "started").exists()


def test_what_a_command_leaves_in_its_session_is_ended(children: Children, mark: str) -> None:
    # `timeout` makes a group of its own; a pipe that is held and one that is not.
    for script in ("sleep 60 & echo bye", "timeout 60 sleep 60 >/dev/null 2>&1 & echo bye", "(trap '' TERM; sleep 60; sleep 60) & echo bye"):
        said = Said()
        began = time.monotonic()
        assert children.run(shell(script, mark=mark), said).succeeded
        assert said.of("stdout") == b"bye\n"
        assert not marked(mark)
        assert time.monotonic() - began < 20


def test_what_comes_a_little_later_is_still_heard(children: Children) -> None:
    said = Said()
    assert children.run(shell("(sleep 0.3; echo late) & exit 0"), said).succeeded
    assert said.of("stdout") == b"late\n"


def test_a_daemon_that_holds_the_pipe_does_not_hold_the_build(children: Children, mark: str) -> None:
    said = Said()
    began = time.monotonic()
    # A session of its own: it wants to outlive the command, and may.
    program = f"""if True:  # {mark}
        import os, time
        here, there = os.pipe()
        if os.fork():
            os.read(here, 1)
        else:
            os.setsid()
            print("bye", flush=True)
            os.write(there, b"x")
            time.sleep(60)
    """
    assert children.run(Command(argv=(sys.executable, "-c", program), cwd="/"), said).succeeded
    assert said.of("stdout") == b"bye\n"
    assert time.monotonic() - began < 20
    (daemon,) = marked(mark)
    os.kill(daemon, signal.SIGKILL)


def test_output_is_masked_wherever_it_is_cut(children: Children) -> None:
    said = Said()
    script = 'for part in c a n a r y / 7 "?" + x; do printf %s "$part"; sleep 0.01; done; echo; printf %s "$TOKEN" | base64 >&2; printf "%s" $TOKEN'
    command = shell(script, env=(("TOKEN", CANARY),), secrets=(("TOKEN", CANARY),))
    assert children.run(command, said).succeeded
    assert said.of("stdout") == b"***\n***"
    assert said.of("stderr") == b"***\n"


def test_a_secret_that_is_too_short_starts_nothing(children: Children, tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match="the secret 'PIN' has 3 characters"):
        children.run(shell(f"touch {tmp_path}/started", secrets=(("PIN", "123"),)), Said())
    assert not (tmp_path / "started").exists()


def test_memory_is_bounded_whatever_is_printed(children: Children) -> None:
    taken = [0, 0]

    def take(_: Stream, lines: list[bytes]) -> None:
        taken[0] += sum(map(len, lines))
        taken[1] = max(taken[1], *map(len, lines))

    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    children.run(shell("head -c 10000000 /dev/zero", secrets=(("TOKEN", CANARY),)), take)
    before = peak()
    size = 1_000_000_000
    assert children.run(shell(f"head -c {size} /dev/zero", secrets=(("TOKEN", CANARY),)), take).succeeded
    assert taken[0] == size + 10_000_000
    assert taken[1] <= 64 * 1024
    assert peak() - before < 16 * 1024 * 1024


def test_what_takes_the_lines_may_fail_and_nothing_is_left(children: Children, mark: str) -> None:
    def full(_: Stream, __: list[bytes]) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left on device"):
        children.run(shell("while :; do echo more; sleep 0.01; done", mark=mark), full)
    until(lambda: not marked(mark))
    assert children.run(shell("exit 0"), Said()).succeeded


def own_children() -> set[str]:
    """The processes, zombies among them, that this one would have to wait for; other tests have left theirs."""
    return {pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


@pytest.mark.skipif(not Path(f"/proc/self/task/{os.getpid()}/children").exists(), reason="only Linux says in /proc whose children processes are")
def test_many_run_at_once_and_leave_nothing(mark: str) -> None:
    before, others = len(list(Path("/dev/fd").iterdir())), own_children()
    with Children() as children, ThreadPoolExecutor(32) as pool:
        found = list(pool.map(lambda number: children.run(shell(f"sleep 0.0{number % 7}; exit {number % 5}", mark=mark), Said()).code, range(200)))
        assert found == [number % 5 for number in range(200)]
        assert not marked(mark)
    assert len(list(Path("/dev/fd").iterdir())) == before
    assert own_children() <= others


def test_closing_ends_what_runs(mark: str) -> None:
    children = Children(mercy=0.2)
    thread, _, _ = running(children, shell("trap '' TERM; echo up; while :; do sleep 0.05; done", mark=mark), "a")
    children.close()
    assert not marked(mark)
    thread.join()
    with pytest.raises(RuntimeError, match=r"^the children are closed, so 'sh' cannot start$"):
        children.run(shell("exit 0"), Said())


def guardian_of(pid: int) -> int:
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    (found,) = [int(row[0]) for row in rows if row[1] == str(pid) and "guardian.py" in row[2]]
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_do_not_end_the_guardian(children: Children, number: signal.Signals) -> None:
    children.run(shell("exit 0"), Said())
    os.kill(guardian_of(os.getpid()), number)
    assert children.run(shell("exit 0"), Said()).succeeded


def test_a_guardian_that_was_killed_is_told(mark: str) -> None:
    with Children() as children:
        errors: list[str] = []

        def run() -> None:
            try:
                children.run(shell("sleep 60", mark=mark), Said())
            except UnusableError as error:
                errors.append(str(error))

        thread = threading.Thread(target=run)
        thread.start()
        until(lambda: bool(marked(mark)))
        os.kill(guardian_of(os.getpid()), signal.SIGKILL)
        thread.join()
        until(lambda: not marked(mark))
        assert errors == ["the process that looks after the child processes ended before them"]
        with pytest.raises(UnusableError, match=r"^the process that looks after the child processes ended before them$"):
            children.run(shell("exit 0"), Said())
