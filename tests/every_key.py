"""A project in which any key of a manifest can be changed, and what there is to see of it: cells, plans, refusals, applies."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matrixbuild.adapters.schema_check import schema_text
from tests.projects import Ended, SmallProject

Schema = Mapping[str, Any]

EARTHFILE = """\
VERSION 0.8

image:
    ARG OS
    ARG FIPS=false
    ARG K8S
    ARG CHANNEL
    ARG BASE
    FROM scratch
    COPY common /etc/common
    COPY --if-exists overlay /etc/overlay
    LABEL os=$OS
    LABEL fips=$FIPS
    LABEL k8s=$K8S
    LABEL base=$BASE

notes:
    ARG OS
    FROM scratch
    COPY common /notes.txt
    COPY common /more.txt
    LABEL os=$OS
    SAVE ARTIFACT /notes.txt
    SAVE ARTIFACT /more.txt

run:
    ARG OS
    ARG HTTP_PROXY
    FROM alpine:3.20
    RUN --secret TOKEN --privileged fetch $OS
    SAVE IMAGE run
"""

FILES = {
    "src/Earthfile": EARTHFILE,
    "src/common": "the same everywhere\n",
    "src/docker/Dockerfile": "FROM scratch\nCOPY file /file\n",
    "src/docker/Other": "FROM scratch\nARG OS\nLABEL os=$OS\nCOPY file /other\n",
    "src/docker/file": "a file\n",
    "src/other/Dockerfile": "FROM scratch\n",
    "overlay.txt": "laid over\n",
}

HEAD = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: small}
spec:
"""

SPEC: Mapping[str, str] = {
    "source": "{path: src}",
    "registry": "oci-layout:registry",
    "axes": "{os: [jammy, noble], fips: [false, true]}",
    "targets": """
    image:
      earthly: +image
      args: {OS: "{{ os }}", FIPS: "{{ fips }}"}
      image: {repository: "{{ registry }}/edge", tag: "{{ os }}-{{ fips }}"}""",
}
"""Four cells, four images."""

RUN = """
    run:
      earthly: +run
      axes: [os]
      privileged: true
      args: {OS: "{{ os }}"}
      image: {repository: "{{ registry }}/run", tag: "{{ os }}"}"""
"""A target for Earthly, with a secret and privileges."""

TOKEN = "[{name: TOKEN, env: EDGE_TOKEN}]"

DOCKER = """
    base:
      axes: [os]
      docker: {context: docker}
      image: {repository: "{{ registry }}/base", tag: "{{ os }}"}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A directory with a source, and manifests written there part by part of `spec`."""

    root: Path

    @property
    def project(self) -> SmallProject:
        return SmallProject(root=self.root)

    def write(self, *, head: str = HEAD, tail: str = "", **parts: str) -> SmallProject:
        """The small manifest with parts of `spec` replaced, added or ("") left out."""
        spec = "".join(f"  {name}: {text}\n" for name, text in {**SPEC, **parts}.items() if text)
        self.project.manifest.write_text(f"{head}{spec}{tail}")
        return self.project

    def cells(self, **parts: str) -> set[str]:
        listed = self.write(**parts).run("list", "small.yaml", "--format", "json")
        assert listed.code == 0, listed.err
        return {cell["cell"] for cell in listed.json()["cells"]}

    def plan(self, *words: str, **parts: str) -> dict[str, Any]:
        return self.write(**parts).plan(*words)

    def refs(self, **parts: str) -> set[str]:
        return {image["ref"] for image in self.plan(**parts)["images"]}

    def keys(self, **parts: str) -> dict[str, str]:
        """Build -> its key."""
        return {build["name"]: build["key"] for build in self.plan(**parts)["builds"]}

    def refused(self, code: int = 3, /, **parts: str) -> str:
        """What `plan` says of a manifest that it refuses."""
        ended = self.write(**parts).run("plan", "small.yaml")
        assert ended.code == code, ended
        return ended.err

    def warned(self, **parts: str) -> str:
        ended = self.write(**parts).run("plan", "small.yaml")
        assert ended.code == 0, ended.err
        return ended.err

    def explained(self, word: str, **parts: str) -> dict[str, Any]:
        """The one subject that a word means."""
        ended = self.write(**parts).run("explain", "small.yaml", word, "--format", "json")
        assert ended.code == 0, ended.err
        (found,) = ended.json()["subjects"]
        told: dict[str, Any] = found
        return told

    def commit(self, tag: str) -> None:
        """The source as it is now, as a tag of a repository in it."""
        git = ["git", "-C", str(self.root / "src"), "-c", "user.name=t", "-c", "user.email=t@example.com"]
        for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--allow-empty", "--message", tag], ["tag", tag]):
            subprocess.run([*git, *words], check=True)


def world(root: Path) -> World:
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return World(root=root)


def keys_of_the_schema() -> tuple[str, ...]:
    """Every key a manifest can have: `spec.rules[].when`, `spec.targets.*.image.tag`; `x-` for the author's own."""
    schema = json.loads(schema_text("manifest"))
    return tuple(dict.fromkeys(_keys(schema, "", schema["$defs"])))


def _keys(schema: Schema, path: str, defs: Schema) -> Iterator[str]:
    if "$ref" in schema:
        yield from _keys(defs[schema["$ref"].rpartition("/")[2]], path, defs)
    dot = f"{path}." if path else ""
    for name, child in schema.get("properties", {}).items():
        yield f"{dot}{name}"
        yield from _keys(child, f"{dot}{name}", defs)
    below = {"then": path, "else": path, "items": f"{path}[]", "additionalProperties": f"{dot}*"}
    for key, where in below.items():
        if isinstance(schema.get(key), dict):
            yield from _keys(schema[key], where, defs)
    yield from (f"{dot}{pattern.removeprefix('^')}" for pattern in schema.get("patternProperties", {}))


Case = Callable[[World], None]


def ended_with(ended: Ended, code: int, told: str) -> None:
    assert (ended.code, told in ended.err) == (code, True), ended
