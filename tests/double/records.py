"""What happens in a call -> the records of the logstream, written as they come, and the run manifest, written at the end."""

from __future__ import annotations

import base64
import json
import time
import uuid
from pathlib import Path
from typing import Any

Fields = dict[str, Any]

_TARGET: Fields = {
    "name": "", "canonicalName": "", "overrideArgs": [], "gitUrl": "", "localPath": "", "tag": "", "importRef": "", "initialPlatform": "",
    "finalPlatform": "", "runner": "", "status": "RUN_STATUS_UNKNOWN", "startedAtUnixNanos": "0", "endedAtUnixNanos": "0", "dependsOn": [],
}  # fmt: skip
_COMMAND: Fields = {
    "name": "", "targetId": "", "category": "", "platform": "", "status": "RUN_STATUS_UNKNOWN", "isCached": False, "isLocal": False,
    "isInteractive": False, "startedAtUnixNanos": "0", "endedAtUnixNanos": "0", "hasProgress": False, "progress": 0, "errorMessage": "",
    "sourceLocation": None, "dependsOn": [],
}  # fmt: skip
_REST: Fields = {
    "resumeToken": "", "isCi": False, "orgName": "", "projectName": "", "userId": "", "orgId": "", "projectId": "", "gitConfigEmail": "", "gitAuthor": "",
}  # fmt: skip


def now() -> str:
    return str(time.time_ns())


class Records:
    """`stream` and `manifest` are files to write ("" for none)."""

    def __init__(self, *, stream: str, manifest: str) -> None:
        self._stream = Path(stream).open("w") if stream else None  # noqa: SIM115  (open for the whole call)
        self._manifest = manifest
        self._fields: Fields = {}
        self._targets: dict[str, Fields] = {}
        self._commands: dict[str, Fields] = {}
        self._created = now()
        self.delta({"startedAtUnixNanos": now(), "status": "RUN_STATUS_IN_PROGRESS"})

    def delta(self, fields: Fields) -> None:
        """Something about the whole run."""
        self._fields |= {name: value for name, value in fields.items() if name != "hasFailure"}
        self._write({"deltaManifest": {"fields": fields}})

    def target(self, target: str, **fields: Any) -> None:
        """Something about one Earthly target."""
        self._targets.setdefault(target, dict(_TARGET)).update(fields)
        self._write({"deltaManifest": {"fields": {"targets": {target: fields}}}})

    def command(self, command: str, **fields: Any) -> None:
        """Something about one command; the names are those of the run manifest, what the stream adds to them is added here."""
        marks = {mark: True for mark, name in (("hasCached", "isCached"), ("hasHasProgress", "hasProgress")) if name in fields}
        self._commands.setdefault(command, dict(_COMMAND)).update(fields)
        self._write({"deltaManifest": {"fields": {"commands": {command: marks | fields}}}})

    def log(self, text: str, *, command: str, target: str = "", stream: int = 0) -> None:
        """Bytes that a command printed; `stream` 1 and 2 as usual, 99 for what it took of the machine."""
        told: Fields = {"targetId": target} if target else {}
        told |= {"commandId": command} | ({"stream": stream} if stream else {}) | {"timestampUnixNanos": now(), "data": _encoded(text)}
        self._write({"deltaLog": told})

    def formatted(self, text: str, *, command: str, target: str) -> None:
        """What was printed on the console."""
        for where in (target or command, "_full"):
            told = {"targetId": where, "timestampUnixNanos": now(), "data": _encoded(text), "commandId": command}
            self._write({"deltaFormattedLog": told})

    def end(self, status: str, failure: Fields | None = None) -> None:
        """The last record, and the manifest."""
        for known in (self._targets, self._commands):
            for fields in known.values():
                if fields["status"] == "RUN_STATUS_IN_PROGRESS":
                    fields |= {
                        "status": "RUN_STATUS_CANCELED" if status == "RUN_STATUS_CANCELED" else "RUN_STATUS_SUCCESS",
                        "endedAtUnixNanos": now(),
                    }
        told = {"hasFailure": True, "failure": {name: value for name, value in failure.items() if value}} if failure else {}
        self.delta({"endedAtUnixNanos": now(), "status": status, **told})
        if self._stream:
            self._stream.close()
        if self._manifest:
            Path(self._manifest).write_text(json.dumps(self._document(status, failure)))

    def _document(self, status: str, failure: Fields | None) -> Fields:
        return {
            "buildId": str(uuid.uuid4()),
            "version": 2,
            "createdAtUnixNanos": self._created,
            "startedAtUnixNanos": self._fields["startedAtUnixNanos"],
            "endedAtUnixNanos": self._fields["endedAtUnixNanos"],
            "status": status,
            "targets": self._targets,
            "commands": self._commands,
            "mainTargetId": self._fields.get("mainTargetId", ""),
            "failure": failure,
            **_REST,
        }

    def _write(self, record: Fields) -> None:
        if self._stream:
            self._stream.write(json.dumps(record) + "\n")
            self._stream.flush()


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode()
