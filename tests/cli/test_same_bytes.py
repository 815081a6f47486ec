"""What is printed of one input is the same bytes at every hash seed: real processes, and a source with several proofs for everything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.projects import small_project

_SEEDS = ("0", "1", "2", "3", "4242")

_EACH = """
import json, sys
from matrixbuild.cli.main import main
for words in json.loads(sys.argv[1]):
    print("==", *words, flush=True)
    print("==", main(words), flush=True)
"""
"""One command after the other in one process, whose hash seed they share."""

_EARTHFILE = """\
VERSION 0.8

scripts:
    FROM alpine:3.20
    RUN echo 'echo $ALPHA' > /run.sh
    RUN echo 'echo $BETA ${GAMMA}' >> /run.sh
    RUN echo 'echo $DELTA' >> /run.sh
    SAVE ARTIFACT /run.sh
    SAVE ARTIFACT /run.sh /other.sh

base-image:
    ARG OS=jammy
    FROM debian:$OS
    COPY scripts/ common/*.txt /opt/
    RUN /opt/b.sh && /opt/a.sh
    SAVE ARTIFACT /opt

image:
    ARG OS
    ARG K8S
    ARG FIPS=false
    ARG ALPHA="$K8S"
    ARG BETA="$K8S-$OS"
    ARG GAMMA="$OS"
    ARG DELTA="$FIPS$K8S$OS"
    ARG IDLE
    ARG SPARE
    FROM +base-image
    COPY +scripts/run.sh +scripts/other.sh /opt/
    COPY +base-image/opt /again
    IF [ "$FIPS" = "true" ]
        RUN true
    ELSE
        RUN --secret TOKEN --secret LOGIN sh /opt/run.sh
    END
    SAVE IMAGE --push $K8S

notes:
    FROM alpine:3.20
    ARG OS
    RUN curl -o /notes.txt https://example.com/$OS
    SAVE ARTIFACT /notes.txt
"""

_MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: small}
spec:
  source: {path: src}
  registry: {REGISTRY}
  engine: earthly
  vars: {custom: learn, other: "1"}
  axes:
    os: [jammy, noble, focal]
    kubernetes:
      - {distribution: k3s, versions: ["1.33.1", "1.34.2"]}
      - {distribution: rke2, versions: ["1.34.2"]}
    fips: [false, true]
  rules:
    - {name: old, when: {os: focal}, exclude: {kubernetes.version: ">=1.34"}, reason: it is old}
    - {name: no-fips, when: {fips: true}, exclude: {os: [focal, noble]}, reason: it has none}
    - {name: doubt, when: {kubernetes.distribution: rke2}, warn: {os: [jammy, noble]}, reason: nobody tried}
  secrets:
    - {name: TOKEN, env: TOKEN}
    - {name: LOGIN, env: LOGIN}
  targets:
    image:
      earthly: +image
      needs: [notes]
      uses: {add: [SPARE, IDLE], ignore: [FIPS]}
      args: {OS: "{{ os }}", K8S: "{{ kubernetes.distribution }}-{{ kubernetes.version }}", FIPS: "{{ fips }}", IDLE: "{{ vars.custom }}", SPARE: "2"}
      image:
        repository: "{{ registry }}/{{ os }}"
        tag: "{{ kubernetes.distribution }}-{{ kubernetes.version }}{{ '-fips' if fips else '' }}"
    notes:
      axes: [os]
      earthly: +notes
      args: {OS: "{{ os }}"}
      artifacts: [{path: /notes.txt, as: "notes-{{ os }}.txt"}]
"""

_WRONG = (
    _MANIFEST.replace("metadata: {name: small}", "metadata: {name: wrong}")
    .replace("{{ '-fips' if fips else '' }}", "")
    .replace("os: focal}, exclude: {kubernetes.version", "os: bionic}, exclude: {kubernetes.versoin")
    .replace("{os: [focal, noble]}", "{os: [focal, nobel], fips: maybe}")
)

_COLLIDING = _MANIFEST.replace("metadata: {name: small}", "metadata: {name: colliding}").replace(
    '"{{ kubernetes.distribution }}-{{ kubernetes.version }}{{ \'-fips\' if fips else \'\' }}"', '"{{ vars.other }}"'
)

_FILES = {
    "src/Earthfile": _EARTHFILE,
    "src/scripts/a.sh": "echo $OS $ALPHA\n",
    "src/scripts/b.sh": "echo ${OS} $BETA\n",
    "src/common/one.txt": "1\n",
    "src/common/two.txt": "2\n",
    "wrong.yaml": _WRONG.replace("{REGISTRY}", "registry.example.com/x"),
    "colliding.yaml": _COLLIDING.replace("{REGISTRY}", "registry.example.com/x"),
}

_COMMANDS = (
    ("explain", "small.yaml"),
    ("explain", "small.yaml", "--format", "json"),
    ("explain", "small.yaml", "+image"),
    ("explain", "small.yaml", "+image", "--format", "json"),
    ("explain", "small.yaml", "+base-image"),
    ("explain", "small.yaml", "+scripts"),
    ("explain", "small.yaml", "image[fips=false,kubernetes=k3s-1.33.1,os=jammy]"),
    ("explain", "small.yaml", "image[fips=false,kubernetes=k3s-1.33.1,os=jammy]", "--format", "json"),
    ("explain", "small.yaml", "os=focal,fips=true", "--format", "json"),
    ("explain", "small.yaml", "cell:os=focal,fips=true"),
    ("explain", "small.yaml", "tag:registry.example.com/x/jammy:k3s-1.33.1"),
    ("explain", "small.yaml", "tag:registry.example.com/x/jammy:k3s-1.33.1", "--format", "json"),
    ("explain", "small.yaml", "spec.publish"),
    ("explain", "small.yaml", "--cache"),
    ("explain", "small.yaml", "--cache", "--format", "json"),
    ("impact", "small.yaml", "src/scripts", "src/common/one.txt", "src/Earthfile", "--all"),
    ("impact", "small.yaml", "src/scripts", "src/common/one.txt", "--format", "json"),
    ("graph", "small.yaml", "--cells"),
    ("graph", "small.yaml", "--format", "mermaid"),
    ("graph", "small.yaml", "--format", "json", "--cells"),
    ("list", "small.yaml", "--all"),
    ("list", "small.yaml", "--all", "--format", "json"),
    ("lint", "src/Earthfile"),
    ("lint", "src/Earthfile", "--format", "json"),
    ("plan", "small.yaml", "--all"),
    ("plan", "small.yaml", "--format", "json"),
    ("plan", "small.yaml", "--format", "markdown"),
    ("plan", "colliding.yaml"),
    ("plan", "colliding.yaml", "--format", "json"),
    ("validate", "small.yaml", "wrong.yaml", "colliding.yaml"),
    ("validate", "small.yaml", "wrong.yaml", "colliding.yaml", "--format", "json"),
    ("validate", "small.yaml", "wrong.yaml", "colliding.yaml", "--format", "sarif"),
)


def _printed(root: Path, seed: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed, "HOME": str(root)}
    command = [sys.executable, "-c", _EACH, json.dumps(_COMMANDS)]
    done = subprocess.run(command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=True)
    return done.stdout


def _parts(printed: str) -> list[str]:
    return [f"== {part}" for part in printed.split("\n== ")]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_project(tmp_path_factory.mktemp("same"), registry="registry.example.com/x", manifest=_MANIFEST, files=_FILES).root


@pytest.fixture(scope="module")
def first(root: Path) -> str:
    return _printed(root, _SEEDS[0])


def test_the_commands_do_what_they_are_for(first: str) -> None:
    ends = [part.partition("\n")[0] for part in _parts(first)][1::2]
    wrong = [words for words in _COMMANDS if {"wrong.yaml", "colliding.yaml"} & {*words}]
    assert ends == [f"== {3 if words in wrong else 0}" for words in _COMMANDS]


@pytest.mark.parametrize("seed", _SEEDS[1:])
def test_every_verb_prints_the_same_bytes_at_every_hash_seed(root: Path, first: str, seed: str) -> None:
    assert _parts(_printed(root, seed)) == _parts(first)
