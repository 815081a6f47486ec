from __future__ import annotations

from typing import Any

import pytest

from matrixbuild.core.failure import FailureKind
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.surroundings import EngineUse, Network, OnFailure, Publish, PublishMode, Retry, Schedule
from tests.manifest_texts import declared, manifest_text, told


def read(**parts: str) -> Manifest:
    found = declared(manifest_text(**parts))
    assert told(found.problems) == []
    return found


def problems(**parts: str) -> list[str]:
    return told(declared(manifest_text(**parts)).problems)


class TestDefaults:
    def test_what_is_left_out(self) -> None:
        found = read()
        assert (found.profile, found.secrets, found.source.files) == (None, (), ())
        assert (found.engine, found.schedule, found.publish, found.network) == (EngineUse(), Schedule(), Publish(), Network())


class TestSource:
    def test_a_directory_and_a_repository(self) -> None:
        found = read().source
        assert (found.path and found.path.value, found.git, found.ref) == ("edge", None, None)
        found = read(source="  source: {git: https://example.com/x.git, ref: v4.9.38}").source
        assert (found.path, found.git and found.git.value, found.ref and found.ref.value) == (None, "https://example.com/x.git", "v4.9.38")

    def test_files(self) -> None:
        files = "[{from: a/}, {from: b, to: ./c//d, when: {fips: true}}, {to: user-data, secret: DATA, version: 3}]"
        one, two, three = read(source=f"  source: {{path: edge, files: {files}}}").source.files
        assert (one.origin and one.origin.value, one.to, one.secret, one.version, one.when) == ("a/", "", None, "", ())
        assert (two.origin and two.origin.value, two.to, [each.subject for each in two.when]) == ("b", "c/d", ["fips"])
        assert (three.origin, three.to, three.secret and three.secret.value, three.version) == (None, "user-data", "DATA", "3")
        assert [str(each.place) for each in (one, two, three)] == ["m.yaml:5:33", "m.yaml:5:45", "m.yaml:5:88"]

    @pytest.mark.parametrize("root", [".", "./", "x/.."])
    def test_the_root_itself(self, root: str) -> None:
        [one] = read(source=f"  source: {{path: edge, files: [{{from: a/, to: {root}}}]}}").source.files
        assert one.to == ""


class TestSecrets:
    def test_where_they_come_from(self) -> None:
        secrets = "  secrets: [{name: a, env: A, version: 2}, {name: b, file: x.yaml, when: {fips: true}}, {name: c, command: [pass, show, c]}]"
        a, b, c = read(secrets=secrets).secrets
        assert (a.name, a.env and a.env.value, a.file, a.command, a.version, a.when) == ("a", "A", None, (), "2", ())
        assert (b.env, b.file and b.file.value, [each.subject for each in b.when], b.version) == (None, "x.yaml", ["fips"], "")
        assert (c.env, c.file, c.command) == (None, None, ("pass", "show", "c"))

    def test_one_name_for_different_cells(self) -> None:
        assert len(read(secrets="  secrets: [{name: a, env: A, when: {fips: true}}, {name: a, env: B, when: {fips: false}}]").secrets) == 2

    @pytest.mark.parametrize(
        ("first", "second"), [("", ""), (", when: {fips: true}", ""), ("", ", when: {fips: true}")], ids=["both", "the second", "the first"]
    )
    def test_one_name_for_the_same_cells(self, first: str, second: str) -> None:
        [told_once] = problems(secrets=f"  secrets:\n    - {{name: a, env: A{first}}}\n    - {{name: a, env: B{second}}}")
        assert told_once == "m.yaml:19:14: two secrets are called 'a' [a] (the first is in line 18: give both a `when`, or remove one)"

    def test_a_third_without_when(self) -> None:
        secrets = "  secrets:\n    - {name: a, env: A, when: {fips: true}}\n    - {name: a, env: B, when: {fips: false}}\n    - {name: a, env: C}"
        assert problems(secrets=secrets) == [
            "m.yaml:20:14: two secrets are called 'a' [a] (the first is in line 18: give both a `when`, or remove one)"
        ]


class TestShort:
    def test_profile(self) -> None:
        short = read(profile="  profile: edge").profile
        full = read(profile='  profile: {name: edge, as: v4.9.38, override: {R1: warn, R2: "off"}}').profile
        assert short
        assert full
        assert (short.name.value, short.stands_for, short.override) == ("edge", None, ())
        assert (full.name.value, full.stands_for and full.stands_for.value) == ("edge", "v4.9.38")
        assert [(name.value, effect) for name, effect in full.override] == [("R1", "warn"), ("R2", "off")]

    def test_engine(self) -> None:
        short = read(engine="  engine: earthly").engine
        full = read(engine='  engine: {kind: earthly, version: ">=0.8.15 <0.9", program: null}').engine
        assert (short.kind, short.version, short.program) == ("earthly", "", "")
        assert (full.kind, full.version, full.program) == ("earthly", ">=0.8.15 <0.9", "")
        assert read(engine="  engine: {program: /opt/earthly}").engine.kind == "auto"
        docker = read(engine="  engine: {image: registry.test/earthly, cache: 100Gi}").engine
        assert (docker.image, docker.cache, short.image, short.cache) == ("registry.test/earthly", 100 << 30, "", 0)

    def test_publish(self) -> None:
        short = read(publish="  publish: each").publish
        full = read(publish="  publish: {tags: mutable}").publish
        assert (short.mode, short.mutable) == (PublishMode.EACH, False)
        assert (full.mode, full.mutable) == (PublishMode.ATOMIC, True)
        assert read(publish="  publish: {mode: none, tags: immutable}").publish.mode is PublishMode.NONE


class TestSchedule:
    def test_every_key(self) -> None:
        written = "{retry: {attempts: 5, on: {network: true, oom: false}, wait: {initial: 10s, max: 1h}}, onFailure: {maxFailures: 5}, silence: 20m}"
        found = read(schedule=f"  schedule: {written}").schedule
        assert found.retry == Retry(attempts=5, initial=10.0, maximum=3600.0, on=(("network", True), ("oom", False)))
        assert (found.on_failure, found.silence) == (OnFailure(limit=5), 1200.0)

    @pytest.mark.parametrize(("written", "limit"), [("keep-going", None), ("fail-fast", 1), ("{maxFailures: 2}", 2)])
    def test_on_failure(self, written: str, limit: int | None) -> None:
        assert read(schedule=f"  schedule: {{onFailure: {written}}}").schedule.on_failure.limit == limit

    @pytest.mark.parametrize(
        ("wait", "expected"), [("{initial: 1h}", (3600.0, 3600.0)), ("{max: 10s}", (5.0, 10.0)), ("{initial: 1s, max: 1s}", (1.0, 1.0))]
    )
    def test_waits(self, wait: str, expected: tuple[float, float]) -> None:
        retry = read(schedule=f"  schedule: {{retry: {{wait: {wait}}}}}").schedule.retry
        assert (retry.initial, retry.maximum) == expected

    @pytest.mark.parametrize(("wait", "place"), [("{initial: 10s, max: 5s}", "17:48"), ("{max: 2s}", "17:34")])
    def test_the_first_wait_is_no_longer_than_the_longest(self, wait: str, place: str) -> None:
        assert problems(schedule=f"  schedule: {{retry: {{wait: {wait}}}}}") == [
            (
                f"m.yaml:{place}: spec.schedule.retry.wait: the first wait is longer than the longest "
                f"[{wait.rpartition(' ')[2][:-1]}] (raise max, or lower initial)"
            )
        ]


class TestPatterns:
    def test_what_they_say(self) -> None:
        one, two = read(schedule="  schedule: {retry: {patterns: [{match: 'a.c', class: network}, {match: b, retry: false, hint: wait}]}}").schedule.retry.patterns
        assert (one.match.pattern, one.kind, one.again, one.hint) == ("a.c", FailureKind.NETWORK, None, "")
        assert (two.match.pattern, two.kind, two.again, two.hint) == ("b", None, False, "wait")

    def test_one_that_is_none_is_told_where_it_stands(self) -> None:
        field, hint = "schedule.retry.patterns", "write a regular expression of Python, of plain words if possible"
        patterns = "[{match: 'a(b', class: network}, {match: ok, class: network}, {match: '(x+)+y', class: network}]"
        assert problems(schedule=f"  schedule: {{retry: {{patterns: {patterns}}}}}") == [
            f"m.yaml:17:41: {field}: the pattern is no regular expression: missing ), unterminated subpattern at position 1 ['a(b'] ({hint})",
            f"m.yaml:17:102: {field}: the pattern repeats a repetition, which may take for ever ['(x+)+y'] ({hint})",
        ]


class TestNetwork:
    @pytest.mark.parametrize(("written", "expected"), [("{proxy: env}", True), ("{proxy: none}", False), ("{insecure: []}", True)])
    def test_proxies(self, written: str, expected: Any) -> None:
        assert read(network=f"  network: {written}").network.proxies is expected

    def test_lists(self) -> None:
        found = read(network='  network: {insecure: ["127.0.0.1:5000"], ca: [corp.pem, other.pem]}').network
        assert ([each.value for each in found.insecure], [each.value for each in found.ca]) == (["127.0.0.1:5000"], ["corp.pem", "other.pem"])
