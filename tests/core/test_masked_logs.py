"""What a program writes itself, masked: nothing of a secret is in it, in no encoding and across no records, and the rest is as it was."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.masked_logs import masked_manifest, masked_stream
from matrixbuild.core.masking import masking
from tests.splits import pieces, splits

SECRET = "correct-horse-battery"
MASKED = masking((("TOKEN", SECRET),))


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def log(data: bytes, command: str = "a/1", stream: int = 1) -> dict[str, Any]:
    return {"deltaLog": {"commandId": command, "stream": stream, "data": encoded(data)}}


def written(*records: object) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in records)


def read(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in b"".join(masked_stream([content], MASKED)).splitlines()]


def output(records: list[dict[str, Any]], command: str = "a/1") -> bytes:
    logs = [each["deltaLog"] for each in records if "deltaLog" in each]
    return b"".join(base64.b64decode(each["data"]) for each in logs if each["commandId"] == command)


def test_output_is_decoded_masked_and_encoded_again() -> None:
    [found] = read(written(log(f"token is {SECRET}, see\n".encode())))
    assert base64.b64decode(found["deltaLog"]["data"]) == b"token is ***, see\n"
    assert (found["deltaLog"]["commandId"], found["deltaLog"]["stream"]) == ("a/1", 1)


def test_a_secret_in_names_and_messages() -> None:
    changed = {"deltaManifest": {"fields": {"commands": {SECRET: {"name": f"RUN echo {SECRET}", "errorMessage": f"{SECRET}\n"}}}}}
    assert read(written(changed)) == [{"deltaManifest": {"fields": {"commands": {"***": {"name": "RUN echo ***", "errorMessage": "***\n"}}}}}]


def test_records_of_the_console_and_what_is_none_are_left_out() -> None:
    console = {"deltaFormattedLog": {"data": encoded(SECRET.encode())}}
    assert read(written(console) + b'{"deltaLog": ' + SECRET.encode() + b"\n[]\n" + written({"deltaManifest": {}})) == [{"deltaManifest": {}}]


@given(splits, splits)
def test_a_secret_across_records_and_chunks(cuts: list[int], chunks: list[int]) -> None:
    data = f"one {SECRET} two {SECRET}".encode()
    content = written(*(log(piece) for piece in pieces(data, cuts)), log(b"other", "b/1"))
    found = [json.loads(line) for chunk in [b"".join(masked_stream(pieces(content, chunks), MASKED))] for line in chunk.splitlines()]
    assert output(found) == b"one *** two ***"
    assert output(found, "b/1") == b"other"


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_without_a_secret_nothing_changes(first: bytes, second: bytes) -> None:
    records = [log(first), log(second), {"deltaManifest": {"fields": {"status": "x"}}}]
    content = written(*records)
    assert output([json.loads(line) for line in b"".join(masked_stream([content], masking(()))).splitlines()]) == first + second


def test_a_run_manifest() -> None:
    content = {
        "failure": {"output": encoded(f"x {SECRET}".encode()), "errorMessage": f"RUN {SECRET}"},
        "targets": {"a": {"overrideArgs": [f"K={SECRET}"]}},
    }
    found = json.loads(masked_manifest(json.dumps(content).encode(), MASKED))
    assert found == {"failure": {"output": encoded(b"x ***"), "errorMessage": "RUN ***"}, "targets": {"a": {"overrideArgs": ["K=***"]}}}


def test_half_a_run_manifest_is_masked_as_text() -> None:
    assert masked_manifest(b'{"failure": {"errorMessage": "' + SECRET.encode(), MASKED) == b'{"failure": {"errorMessage": "***'


def test_output_that_is_no_base64_is_masked_as_it_is() -> None:
    found = json.loads(masked_manifest(json.dumps({"failure": {"output": f"{SECRET}!"}}).encode(), MASKED))
    assert SECRET not in base64.b64decode(found["failure"]["output"]).decode()
