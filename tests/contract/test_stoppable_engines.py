"""What an engine with processes of its own keeps, and the executor that runs it: builds end when they are told to, and nothing is left."""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from matrixbuild.adapters.children import Children
from matrixbuild.adapters.engines.base import Made, Order, StoppableEngine
from matrixbuild.adapters.executors.local import LocalExecutor
from matrixbuild.core.events import Event, Failed, Finished
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.names import ImageName
from tests.fakes.commands import NOTHING, Commands, Words, flaky, shell
from tests.fakes.earthly import earthly_engine
from tests.processes import marked, until

HANGS = "while :; do sleep 0.1; done"
DEAF = f"trap '' TERM INT HUP; {HANGS}"
MORE = "give it more time if that is what it needs"


def order(number: int, *, log: Path | None = None) -> Order:
    push = ImageName(registry="registry.test", repository=f"b{number}", tag="mb-1")
    return Order(earthly="+x", args=(), key=f"{number:064x}", push=push, artifacts=(), output=Path(f"/nowhere/b{number}"), log=log)


@pytest.fixture
def mark() -> str:
    return f"mark-{uuid.uuid4().hex}"


Make = Callable[..., StoppableEngine]


@pytest.fixture(params=["commands", "earthly"])
def make(request: pytest.FixtureRequest, mark: str, tmp_path: Path) -> Iterator[Make]:
    made: list[StoppableEngine] = []

    def engine(words: Words, *, grace: float = 0.2) -> StoppableEngine:
        if request.param == "earthly":
            # Its program finds the build's slug in the name of the image.
            slug = "slug=${image#registry.test/}"
            script = f'{slug}\nexec {shlex.join(words.argv)} "${{slug%:*}}"\n'
            made.append(earthly_engine(tmp_path, script, environ={"MARK": mark}, grace=grace, program="sh"))
        else:
            marked_words = replace(words, env=(*words.env, ("MARK", mark)))
            made.append(Commands(words=marked_words, children=Children(grace=grace, mercy=0.2)))
        return made[-1]

    yield engine
    for one in made:
        one.close()


@pytest.fixture
def commands() -> Iterator[Callable[[Words], Commands]]:
    made: list[Commands] = []

    def engine(words: Words) -> Commands:
        made.append(Commands(words=words, children=Children(grace=0.2, mercy=0.2)))
        return made[-1]

    yield engine
    for one in made:
        one.close()


def executor_of(engine: StoppableEngine) -> LocalExecutor[Order]:
    return LocalExecutor(engine.build, stop=lambda build, now: engine.stop(f"{int(build):064x}", now=now))


def failure(event: Event) -> Failure:
    assert isinstance(event, Failed)
    return event.failure


def test_a_build_that_is_stopped_has_failed_as_cancelled_and_the_others_go_on(make: Make, mark: str) -> None:
    with executor_of(make(shell(f"case $1 in b1) {HANGS};; *) sleep 1;; esac"))) as executor:
        executor.submit("1", order(1))
        executor.submit("2", order(2))
        until(lambda: len(marked(mark)) >= 2)
        executor.stop("1", now=False)
        events = {event.build: event for event in (executor.next_event(), executor.next_event()) if isinstance(event, Finished | Failed)}
    assert failure(events["1"]).kind is FailureKind.CANCELLED
    assert events["2"] == Finished(build="2", made=NOTHING)
    assert not marked(mark)


def test_a_build_that_does_not_hear_is_stopped_at_once_when_asked(make: Make, mark: str) -> None:
    with executor_of(make(shell(DEAF), grace=3600)) as executor:
        executor.submit("1", order(1))
        until(lambda: bool(marked(mark)))
        executor.stop("1", now=False)
        executor.stop("1", now=True)
        assert failure(executor.next_event()).kind is FailureKind.CANCELLED
    assert not marked(mark)


def test_a_build_that_is_stopped_before_its_thread_came_to_it_does_not_run(make: Make, tmp_path: Path) -> None:
    engine = make(shell(f"touch {tmp_path}/started"))
    engine.stop(order(1).key, now=False)
    with pytest.raises(BuildFailed, match=r"^(\+x: )?sh was stopped after 0 s$"):
        engine.build(order(1))
    assert not (tmp_path / "started").exists()


def test_closing_ends_all_builds(make: Make, mark: str) -> None:
    engine = make(shell(DEAF), grace=3600)
    executor = executor_of(engine)
    for number in range(8):
        executor.submit(str(number), order(number))
    until(lambda: len(marked(mark)) >= 8)
    engine.close()
    assert not marked(mark)
    executor.close()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (shell("exit 3"), Failure(kind=FailureKind.STEP, summary="sh ended with 3")),
        (shell("kill -9 $$"), Failure(kind=FailureKind.STEP, summary="sh ended with -9")),
        (shell("echo why; exit 1"), Failure(kind=FailureKind.STEP, summary="sh ended with 1", lines=("why",))),
        (shell(HANGS, timeout=0.2), Failure(kind=FailureKind.TIMEOUT, summary="sh took longer than 0.2 s and was stopped", hint=MORE)),
        (shell(HANGS, silence=0.2), Failure(kind=FailureKind.TIMEOUT, summary="sh said nothing for 0.2 s and was stopped", hint=MORE)),
    ],
)
@pytest.mark.parametrize("logged", [False, True])
def test_how_a_command_ended_is_told_as_a_failure(
    commands: Callable[[Words], Commands], tmp_path: Path, words: Words, found: Failure, logged: bool
) -> None:
    with pytest.raises(BuildFailed) as caught:
        commands(words).build(order(1, log=tmp_path / "log" if logged else None))
    assert caught.value.failure == found


def test_flaky_by_class_fails_so_often_and_then_is_built() -> None:
    engine = Commands(words=shell("exit 0"), fails=flaky(FailureKind.NETWORK, FailureKind.OOM))
    try:
        kinds = []
        for _ in range(2):
            with pytest.raises(BuildFailed) as caught:
                engine.build(order(1))
            kinds.append(caught.value.failure.kind)
        assert kinds == [FailureKind.NETWORK, FailureKind.OOM]
        assert engine.build(order(1)) == NOTHING
        assert engine.attempts == {"b1": 3}
    finally:
        engine.close()


def test_what_the_engine_within_makes_is_given() -> None:
    class Within:
        def build(self, order: Order) -> Made:
            return Made(image=None, artifacts=((order.output.name, "sha256:0", 1),))

    engine = Commands(words=shell("exit 0"), within=Within())
    try:
        assert engine.build(order(4)).artifacts == (("b4", "sha256:0", 1),)
    finally:
        engine.close()
