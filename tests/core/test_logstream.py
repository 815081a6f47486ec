"""Records of a running build, real and broken: where it is, what it takes, and whether it is alive."""

from __future__ import annotations

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.logstream import Reading
from matrixbuild.core.usage import UNMEASURED, Progress, Usage

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


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["fields", "targets", "commands", "a/1", "status", "progress", "targetId", "commandId", "stream", "data", "deltaLog", "deltaManifest"]
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
