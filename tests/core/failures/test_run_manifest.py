"""Run manifests, read as the author of the Earthfile knows its targets and files."""

from __future__ import annotations

from matrixbuild.core.failures.run_manifest import run_manifest
from matrixbuild.core.problems import Place

CHECKOUT = "/cache/checkouts/1/tree"


def command(target: str, file: str, line: int) -> dict[str, object]:
    return {"name": "RUN true", "targetId": target, "status": "RUN_STATUS_FAILURE", "sourceLocation": {"file": file, "startLine": line, "startColumn": 4}}


def test_lines_of_our_wrapper_are_nobodys_whatever_its_file_is_called() -> None:
    """Within a git repository the program names a file by its path from the root of that."""
    content = {
        "mainTargetId": "ours",
        "targets": {
            "ours": {"name": "+image", "canonicalName": "+image", "localPath": ".", "dependsOn": ["theirs"]},
            "theirs": {"name": f"{CHECKOUT}+app", "canonicalName": f"{CHECKOUT}+app", "localPath": CHECKOUT},
        },
        "commands": {"a": command("ours", "state/attempt/build-1/Earthfile", 26), "b": command("theirs", f"{CHECKOUT}/Earthfile", 7)},
    }
    wrapped, theirs = run_manifest(content).commands
    assert (wrapped.place, wrapped.earthly) == (None, "")
    assert (theirs.place, theirs.earthly) == (Place(file="Earthfile", line=7, column=4), "+app")
