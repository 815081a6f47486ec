"""Records of a running build, real and broken: where it is, what it takes, and whether it is alive."""

from __future__ import annotations

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.logstream import Reading
from matrixbuild.core.usage import UNMEASURED, Making, Progress, Usage

UNLIMITED = 9223372036854771712


def record(**content: object) -> bytes:
    return json.dumps(content).encode()


def fields(**content: object) -> bytes:
    return record(deltaManifest={"fields": content})


def log(command: str, data: str | bytes, **more: object) -> bytes:
    return record(deltaLog={"commandId": command, "data": base64.b64encode(data.encode() if isinstance(data, str) else data).decode(), **more})


def sample(usage: int, *, largest: int = 0, cpu: int = 0, limit: int = UNLIMITED, raw: dict[str, int] | None = None) -> str:
    memory = {"usage": {"usage": usage, "max": largest, "limit": limit}, "raw": raw or {}}
    return json.dumps({"cpu": {"usage": {"total": cpu}}, "memory": memory})


def reading(*records: bytes, wrapped: bool = True) -> Reading:
    found = Reading(wrapped=wrapped)
    for each in records:
        found.feed(each)
    return found


START = (
    fields(mainTargetId="w", targets={"w": {"canonicalName": "/private+image", "localPath": "/private", "dependsOn": ["a"]}}),
    fields(targets={"a": {"canonicalName": "/cache/x+app", "localPath": "/cache/x"}}),
    fields(commands={"a/0": {"name": "FROM x", "targetId": "a"}, "a/1": {"name": "RUN make", "targetId": "a"}, "meta": {"name": "Load metadata x"}}),
)


class TestProgress:
    def test_nothing_yet(self) -> None:
        found = Reading()
        assert (found.progress, found.usage, found.peak, found.limit) == (Progress(), UNMEASURED, None, None)

    def test_steps_as_they_begin_and_end(self) -> None:
        found = reading(*START)
        assert found.progress == Progress(steps=2)
        found.feed(fields(commands={"a/0": {"status": "RUN_STATUS_SUCCESS", "isCached": True}}))
        assert found.progress == Progress(step=1, steps=2, cached=1)
        found.feed(fields(commands={"a/1": {"status": "RUN_STATUS_IN_PROGRESS", "progress": 40}}))
        assert found.progress == Progress(earthly="+app", step=2, steps=2, cached=1, percent=40)
        found.feed(fields(commands={"a/1": {"status": "RUN_STATUS_SUCCESS"}}))
        assert found.progress == Progress(earthly="+app", step=2, steps=2, cached=1)

    def test_of_our_wrapper_nothing_is_told(self) -> None:
        wrapper = fields(commands={"w/0": {"targetId": "w", "status": "RUN_STATUS_IN_PROGRESS"}})
        assert reading(START[0], wrapper).progress.earthly == ""
        assert reading(*START, wrapper).progress.earthly == ""

    def test_a_target_is_told_from_its_checkout(self) -> None:
        sub = fields(targets={"s": {"canonicalName": "/cache/x/sub+lib", "localPath": "/cache/x/sub"}})
        busy = fields(commands={"s/0": {"targetId": "s", "status": "RUN_STATUS_IN_PROGRESS"}})
        assert reading(*START, sub, busy).progress.earthly == "./sub+lib"
        local = fields(mainTargetId="m", targets={"m": {"canonicalName": "+app", "localPath": "."}})
        busy = fields(commands={"m/0": {"targetId": "m", "status": "RUN_STATUS_IN_PROGRESS"}})
        assert reading(local, busy, wrapped=False).progress.earthly == "+app"
        assert reading(local, busy).progress.earthly == ""

    def test_a_checkout_that_is_known(self) -> None:
        found = Reading(wrapped=True, checkout="/cache")
        for each in (*START, fields(commands={"a/0": {"targetId": "a", "status": "RUN_STATUS_IN_PROGRESS"}})):
            found.feed(each)
        assert found.progress.earthly == "./x+app"

    def test_a_target_that_is_named_later(self) -> None:
        busy = fields(commands={"a/0": {"targetId": "a", "status": "RUN_STATUS_IN_PROGRESS"}})
        assert reading(busy, *START).progress.earthly == "+app"

    def test_the_last_line_that_was_printed(self) -> None:
        assert reading(log("a/1", "one\ntwo\n")).progress.line == "two"
        assert reading(log("a/1", "one\n"), log("a/1", "\n  \n")).progress.line == "one"
        assert reading(log("a/1", " 10 %\r 20 %\r")).progress.line == "20 %"
        assert reading(log("a/1", "\x1b[31mred\x1b[0m")).progress.line == "red"
        assert reading(log("a/1", b"\xff\xfe")).progress.line == "��"
        assert len(reading(log("a/1", "x" * 5000)).progress.line) == 200
        assert reading(log("_generic:buildkitd", "waiting")).progress.line == ""


class TestLife:
    def test_what_happens_in_the_build_is_a_sign_of_it(self) -> None:
        assert all(Reading().feed(each) for each in START)
        assert Reading().feed(log("a/1", "x"))
        assert Reading().feed(log("a/1", "\n"))

    def test_what_is_measured_repeated_or_said_by_the_program_is_none(self) -> None:
        console = record(deltaFormattedLog={"targetId": "a", "data": base64.b64encode(b"+app | ongoing").decode()})
        for each in (log("a/1", sample(5), stream=99), log("_generic:default", "waiting"), console, fields(status="RUN_STATUS_IN_PROGRESS"), b"{}"):
            assert not Reading().feed(each)


class TestUsage:
    def test_the_most_that_was_held_at_once_and_all_processor_time(self) -> None:
        found = reading(
            log("a/1", sample(100, cpu=2_000_000_000), stream=99),
            log("a/2", sample(50, cpu=1_000_000_000), stream=99),
            log("a/1", sample(10, cpu=3_500_000_000), stream=99),
        )
        assert found.usage == Usage(memory=150, cpu=4.5)

    def test_a_command_that_has_ended_holds_nothing(self) -> None:
        ended = fields(commands={"a/1": {"status": "RUN_STATUS_SUCCESS"}})
        assert reading(log("a/1", sample(100), stream=99), ended, log("a/2", sample(50), stream=99)).usage.memory == 100

    def test_cache_that_can_be_dropped_is_not_held_but_counts_for_the_limit(self) -> None:
        found = reading(log("a/1", sample(100, largest=900, raw={"inactive_file": 30, "hierarchical_memory_limit": 1000}), stream=99))
        assert (found.usage.memory, found.peak, found.limit) == (70, 900, 1000)

    def test_the_lowest_limit(self) -> None:
        assert reading(log("a/1", sample(1), stream=99)).limit is None
        assert reading(log("a/1", sample(1, limit=500, raw={"hierarchical_memory_limit": 900}), stream=99)).limit == 500

    def test_measurements_of_another_form(self) -> None:
        for data in ("", "{", "[]", '{"memory": 7}', '{"memory": {"usage": "x"}, "cpu": {"usage": {"total": "1"}}}'):
            assert reading(log("a/1", data, stream=99)).usage == UNMEASURED


def started(name: str, seconds: float, **more: object) -> bytes:
    return fields(commands={name: {"status": "RUN_STATUS_IN_PROGRESS", "startedAtUnixNanos": str(int(seconds * 1e9)), **more}})


def ended(name: str, seconds: float, status: str = "SUCCESS") -> bytes:
    return fields(commands={name: {"status": f"RUN_STATUS_{status}", "endedAtUnixNanos": str(int(seconds * 1e9))}})


def cached(name: str) -> bytes:
    return fields(commands={name: {"isCached": True, "hasCached": True}})


class TestWhatWasMade:
    """By Earthly target, the seconds of its commands that ran."""

    def test_all_commands_of_a_target_count(self) -> None:
        copied = fields(commands={"a/0": {"name": "COPY x /x"}})
        found = reading(*START, copied, started("a/0", 1), ended("a/0", 1.5), started("a/1", 2), ended("a/1", 5))
        assert found.usage.made == (Making(target="+app", seconds=3.5),)

    def test_what_runs_while_the_program_tells_it_is_not_over(self) -> None:
        assert reading(*START, started("a/1", 2)).usage.made == ()

    def test_a_target_of_which_a_command_came_from_the_cache_is_not_whole(self) -> None:
        more = fields(commands={"a/2": {"name": 'IF [ -e "/x" ]', "targetId": "a"}})
        found = reading(*START, more, cached("a/1"), started("a/1", 2), ended("a/1", 2), started("a/2", 2), ended("a/2", 3))
        assert found.usage.made == (Making(target="+app", seconds=1.0, part=0.5),)

    def test_a_target_from_the_cache_was_not_made(self) -> None:
        assert reading(*START, cached("a/1"), started("a/1", 2), ended("a/1", 2)).usage.made == ()

    def test_files_from_the_cache_do_not_matter(self) -> None:
        assert reading(*START, cached("a/0"), started("a/0", 1), ended("a/0", 1), started("a/1", 2), ended("a/1", 5)).usage.made == (Making(target="+app", seconds=3.0),)

    def test_what_ran_and_is_looked_at_again_ran_once(self) -> None:
        again = (cached("a/1"), ended("a/1", 60), cached("a/1"), started("a/1", 70), ended("a/1", 80))
        assert reading(*START, started("a/1", 2), ended("a/1", 5), *again).usage.made == (Making(target="+app", seconds=3.0),)

    def test_a_command_that_failed_or_was_stopped_did_not_run(self) -> None:
        for status in ("FAILURE", "CANCELED"):
            assert reading(*START, started("a/1", 2), ended("a/1", 5, status)).usage.made == ()

    def test_waiting_for_another_target_is_its_time(self) -> None:
        waits = fields(commands={"a/0": {"name": "FROM +base", "dependsOn": [{"targetId": "b"}]}})
        found = reading(*START, waits, started("a/0", 1), ended("a/0", 100), started("a/1", 100), ended("a/1", 101))
        assert found.usage.made == (Making(target="+app", seconds=1.0),)

    def test_of_a_target_that_is_made_several_times_the_average_counts(self) -> None:
        another = (
            fields(targets={"c": {"canonicalName": "/cache/x+app", "localPath": "/cache/x"}}),
            fields(commands={"c/1": {"name": "RUN make", "targetId": "c"}}),
        )
        both = (started("a/1", 1), ended("a/1", 2), started("c/1", 1), ended("c/1", 4))
        assert reading(*START, *another, *both).usage.made == (Making(target="+app", seconds=2.0),)
        part = (cached("c/1"), started("c/1", 1), ended("c/1", 4))
        assert reading(*START, *another, *both[:2], *part).usage.made == (Making(target="+app", seconds=1.0),)

    def test_of_our_wrapper_and_of_what_belongs_to_no_target_nothing_is_told(self) -> None:
        wrapper = fields(commands={"w/0": {"name": "RUN x", "targetId": "w"}, "free": {"name": "RUN y"}})
        timed = [each for name in ("w/0", "free") for each in (started(name, 1), ended(name, 2))]
        assert reading(*START, wrapper, *timed).usage.made == ()

    def test_times_of_another_form(self) -> None:
        starts: list[object] = ["", "soon", "-1", "9" * 40, "²", None, 7, []]
        for start in starts:
            odd = fields(commands={"a/1": {"status": "RUN_STATUS_IN_PROGRESS", "startedAtUnixNanos": start}})
            assert reading(*START, odd, ended("a/1", 5)).usage.made == ()
        assert reading(*START, started("a/1", 5), ended("a/1", 2)).usage.made == (Making(target="+app", seconds=0.0),)

    @given(st.lists(st.sampled_from([cached("a/1"), started("a/1", 1), started("a/1", 4), ended("a/1", 2), ended("a/1", 9), ended("a/1", 3, "FAILURE")])))
    def test_never_longer_than_from_the_first_start_to_the_last_end(self, records: list[bytes]) -> None:
        made = reading(*START, *records).usage.made
        assert all(0 <= each.seconds <= 8 * len(records) for each in made)
        assert not made or started("a/1", 1) in records or started("a/1", 4) in records


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["fields", "targets", "commands", "a/1", "status", "name", "dependsOn", "startedAtUnixNanos", "progress", "targetId", "commandId", "stream", "data", "deltaLog", "deltaManifest"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


class TestAnything:
    @given(st.lists(st.binary(max_size=40) | json_values.map(lambda value: json.dumps(value).encode())))
    def test_a_record_of_any_form_is_read_or_left(self, records: list[bytes]) -> None:
        found = reading(*records)
        assert 0 <= found.progress.step <= found.progress.steps
        assert found.progress.cached <= found.progress.steps

    @given(st.permutations([*START, fields(commands={"a/0": {"status": "RUN_STATUS_SUCCESS"}}), log("a/1", "x")]))
    def test_the_order_decides_nothing_of_what_is_counted(self, records: list[bytes]) -> None:
        found = reading(*records).progress
        assert (found.step, found.steps, found.line) == (1, 2, "x")
