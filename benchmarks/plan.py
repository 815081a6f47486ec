"""Whole processes of `matrixbuild plan` over 2,691, 10,000 and 100,000 cells, both engines, against a bare loop and the imports in the same run.

The project is made here, in the shape of CanvOS; `CANVOS=DIR` puts a real checkout in its place for the engine that can plan it (Earthly), and adds
a row for its profile with every version of everything. Arguments choose sizes (`plan.py 2691`, `plan.py profile`). Exits 1 where a budget of
design.md 14 is missed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

START = "import sys; from matrixbuild.cli.main import main; sys.exit(main())"  # what the script does that pip installs
IMPORTS = "import matrixbuild.cli.main, matrixbuild.workflow.planning, matrixbuild.cli.show_plan, matrixbuild.cli.show_problems"
BARE = """\
import hashlib, itertools, sys
count, *sizes = map(int, sys.argv[1:])
axes = [[f"value-{number}" for number in range(size)] for size in sizes]
keys = {}
for cell in itertools.islice(itertools.product(*axes), count):
    for target in ("provider", "iso"):
        text = ",".join((target, *cell))
        keys[hashlib.sha256(text.encode()).hexdigest()] = text
print(len(sorted(keys)))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many values the axes have: cells are (systems + fips systems) x (versions + k3s versions), as rules drop the rest of the product."""

    systems: int
    fips: int
    versions: int
    k3s: int
    seconds: float
    rounds: int
    mebibytes: int | None = None

    @property
    def cells(self) -> int:
        return (self.systems + self.fips) * (self.versions + self.k3s)


SIZES = (
    Size(systems=9, fips=4, versions=150, k3s=57, seconds=1.0, rounds=7),
    Size(systems=11, fips=5, versions=450, k3s=175, seconds=2.5, rounds=3),
    Size(systems=22, fips=10, versions=2250, k3s=875, seconds=20.0, rounds=1, mebibytes=1430),  # 1.5 GB
)

EARTHFILE = """\
VERSION --arg-scope-and-set --shell-out-anywhere 0.6
ARG TARGETARCH
ARG PUB_REPO=registry.example.com/images
ARG ALPINE_TAG=3.20
ARG ALPINE_IMG=$PUB_REPO/alpine:$ALPINE_TAG
FROM $ALPINE_IMG
ARG FIPS_ENABLED=false
IF [ "$FIPS_ENABLED" = "true" ] && [ "$PUB_REPO" = "registry.example.com/images" ]
    LET PUB_REPO=registry.example.com/images-fips
    LET ALPINE_IMG=$PUB_REPO/alpine:$ALPINE_TAG
END
ARG PE_VERSION=v4.9.38
ARG KAIROS_VERSION=v4.0.4
ARG K3S_FLAVOR_TAG=k3s1
ARG RKE2_FLAVOR_TAG=rke2r1
ARG OS_DISTRIBUTION
ARG OS_VERSION
ARG K8S_VERSION
ARG IMAGE_REGISTRY
ARG IMAGE_REPO=$OS_DISTRIBUTION
ARG ISO_NAME=installer
ARG K8S_DISTRIBUTION
ARG CUSTOM_TAG
ARG ARCH=amd64
ARG UPDATE_KERNEL=false
ARG TWO_NODE=false
ARG KINE_VERSION=0.15.0
ARG IS_UKI=false
ARG EDGE_CUSTOM_CONFIG=.edge-custom-config.yaml
IF [ "$FIPS_ENABLED" = "true" ] && [ "$UPDATE_KERNEL" = "true" ]
    RUN echo "ERROR: UPDATE_KERNEL and FIPS_ENABLED are mutually exclusive." >&2 && exit 1
END
IF [ "$OS_DISTRIBUTION" = "ubuntu" ] && [ "$BASE_IMAGE" = "" ]
    IF [ "$OS_VERSION" == 22 ] || [ "$OS_VERSION" == 20 ]
        ARG BASE_IMAGE_TAG=kairos-$OS_DISTRIBUTION:$OS_VERSION.04-core-$ARCH-generic-$KAIROS_VERSION
    ELSE
        IF [ "$IS_UKI" = "true" ]
            ARG BASE_IMAGE_TAG=kairos-$OS_DISTRIBUTION:$OS_VERSION-core-$ARCH-generic-$KAIROS_VERSION-uki
        ELSE
            ARG BASE_IMAGE_TAG=kairos-$OS_DISTRIBUTION:$OS_VERSION-core-$ARCH-generic-$KAIROS_VERSION
        END
    END
    ARG BASE_IMAGE=$PUB_REPO/$BASE_IMAGE_TAG
ELSE
    ARG BASE_IMAGE=$PUB_REPO/kairos-$OS_DISTRIBUTION:$OS_VERSION-core-$ARCH-$KAIROS_VERSION
END
IF [ "$FIPS_ENABLED" = "true" ]
    ARG BIN_TYPE=vertex
ELSE
    ARG BIN_TYPE=palette
END
IF [ "$CUSTOM_TAG" != "" ]
    ARG IMAGE_TAG=$PE_VERSION-$CUSTOM_TAG
ELSE
    ARG IMAGE_TAG=$PE_VERSION
END
ARG IMAGE_PATH=$IMAGE_REGISTRY/$IMAGE_REPO:$K8S_DISTRIBUTION-$K8S_VERSION-$IMAGE_TAG

BASE_ALPINE:
    COMMAND
    COPY --if-exists certs/ /etc/ssl/certs/
    RUN update-ca-certificates

base-image:
    FROM DOCKERFILE --build-arg BASE=$BASE_IMAGE --build-arg OS_DISTRIBUTION=$OS_DISTRIBUTION .
    COPY scripts/setup.sh /setup.sh
    RUN /setup.sh
    IF [ "$OS_DISTRIBUTION" = "ubuntu" ]
        COPY overlay/ubuntu/ /
        RUN apt-get update && apt-get upgrade -y
    ELSE IF [ "$OS_DISTRIBUTION" = "opensuse-leap" ]
        COPY overlay/suse/ /
        RUN zypper refresh && zypper update -y
    END
    RUN rm -rf /var/cache/* && kairos-agent version

third-party:
    FROM $ALPINE_IMG
    ARG binary
    COPY scripts/$binary.sh /bin/$binary
    RUN chmod +x /bin/$binary
    SAVE ARTIFACT /bin/$binary $binary

install-k8s:
    FROM --platform=linux/${ARCH} $ALPINE_IMG
    DO +BASE_ALPINE
    COPY (+third-party/luet --binary=luet) /usr/bin/luet
    IF [ "$K8S_DISTRIBUTION" = "k3s" ]
        ARG K8S_DISTRIBUTION_TAG=$K3S_FLAVOR_TAG
        ARG BASE_K8S_VERSION=$K8S_VERSION-$K8S_DISTRIBUTION_TAG
    ELSE IF [ "$K8S_DISTRIBUTION" = "rke2" ]
        ARG K8S_DISTRIBUTION_TAG=$RKE2_FLAVOR_TAG
        ARG BASE_K8S_VERSION=$K8S_VERSION-$K8S_DISTRIBUTION_TAG
    ELSE
        ARG BASE_K8S_VERSION=$K8S_VERSION
    END
    WORKDIR /output
    ENV K8S=k8s/$K8S_DISTRIBUTION@$BASE_K8S_VERSION
    RUN luet install -y k8s/$K8S_DISTRIBUTION@$BASE_K8S_VERSION --system-target /output
    COPY overlay/k8s/ /output/
    SAVE ARTIFACT /output/ .

provider-image:
    FROM --platform=linux/${ARCH} +base-image
    COPY --if-exists overlay/files/etc/ /etc/
    COPY --keep-ts --platform=linux/${ARCH} +install-k8s/output/ /
    COPY (+third-party/luet --binary=luet) /usr/bin/luet
    IF [ "$TWO_NODE" = "true" ]
        COPY (+third-party/kine --binary=kine) /usr/bin/kine
        RUN mkdir -p /opt/spectrocloud/bin
    END
    COPY --if-exists "$EDGE_CUSTOM_CONFIG" /oem/.edge_custom_config.yaml
    RUN touch /etc/machine-id && chmod 444 /etc/machine-id
    SAVE IMAGE --push $IMAGE_PATH

iso-image:
    FROM --platform=linux/${ARCH} +base-image
    COPY --if-exists overlay/files/ /
    COPY scripts/$BIN_TYPE.sh /usr/bin/$BIN_TYPE
    RUN rm -f /etc/ssh/ssh_host_*

iso:
    FROM $ALPINE_IMG
    COPY --keep-ts +iso-image/etc /rootfs
    COPY overlay/files-iso/ /overlay/
    RUN /entrypoint.sh --name $ISO_NAME build-iso
    SAVE ARTIFACT /overlay/. iso
"""
DOCKERFILE = """\
ARG BASE
FROM $BASE
ARG OS_DISTRIBUTION
COPY certs/ /certs/
RUN if [ "${OS_DISTRIBUTION}" = "ubuntu" ]; then cp -a /certs/. /usr/local/share/ca-certificates/ && update-ca-certificates; fi
COPY overlay/files/etc/ /etc/
"""
MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: bench}
spec:
  source: {path: %(source)s}
  registry: registry.example.com/edge
  engine: {kind: %(engine)s}
  vars: {customTag: palette-learn}
  axes:
    os:
%(systems)s
    kubernetes:
%(kubernetes)s
    fips: [false, true]
    twoNode: [false, true]
  rules:
    - {name: fips-bases, when: {fips: true}, require: {os.distribution: [ubuntu]}, reason: only Ubuntu has FIPS bases}
    - {name: two-node-k3s, when: {twoNode: true}, require: {kubernetes.distribution: [k3s]}, reason: two nodes run k3s}
  targets:
    provider:
      earthly: +provider-image
      args:
        OS_DISTRIBUTION: "{{ os.distribution }}"
        OS_VERSION: "{{ os.version }}"
        K8S_DISTRIBUTION: "{{ kubernetes.distribution }}"
        K8S_VERSION: "{{ kubernetes.version }}"
        FIPS_ENABLED: "{{ fips }}"
        TWO_NODE: "{{ twoNode }}"
        ARCH: amd64
        CUSTOM_TAG: "{{ vars.customTag }}"
        IMAGE_PATH: "{{ image.ref }}"
      image:
        repository: "{{ registry }}/{{ os.distribution }}-{{ os.version }}"
        tag: "{{ kubernetes.distribution }}-{{ kubernetes.version }}-{{ vars.customTag }}{{ '-fips' if fips else '' }}{{ '-2n' if twoNode else '' }}"
    iso:
      earthly: +iso
      args:
        OS_DISTRIBUTION: "{{ os.distribution }}"
        OS_VERSION: "{{ os.version }}"
        K8S_DISTRIBUTION: "{{ kubernetes.distribution }}"
        K8S_VERSION: "{{ kubernetes.version }}"
        FIPS_ENABLED: "{{ fips }}"
        TWO_NODE: "{{ twoNode }}"
        ARCH: amd64
        ISO_NAME: "palette-{{ os.version }}"
      artifacts: [{path: "%(iso)s", as: "{{ os.distribution }}-{{ os.version }}{{ '-fips' if fips else '' }}"}]
"""
TREES = {
    "overlay/files/etc": 40,
    "overlay/files/opt": 20,
    "overlay/files-iso": 20,
    "overlay/ubuntu": 20,
    "overlay/suse": 10,
    "overlay/k8s": 20,
    "certs": 3,
}
GUARDED = 'IF [ "$FIPS_ENABLED" = "true" ] && [ "$UPDATE_KERNEL" = "true" ]\n'
SCRIPTS = ("setup", "luet", "kine", "palette", "vertex")


def everything(checkout: str, project: Path) -> None:
    """The manifest of a release of all there is: the systems, distributions and variants that the profile knows, with every version of each."""
    manifests = Path(__file__).parents[1] / "manifests"
    for directory in ("release", "release-fips", "release-uki"):
        shutil.copytree(manifests / directory, project / directory)
    yaml = YAML()
    document = yaml.load(manifests / "release.yaml")
    spec = document["spec"]
    spec["source"] = {"path": checkout, "files": spec["source"]["files"]}
    spec["axes"]["os"] = [
        {"distribution": "ubuntu", "versions": ["20.04", "22.04", "24.04"]},
        {"distribution": "opensuse-leap", "versions": ["15.6"]},
        {**spec["axes"]["os"][1], "versions": ["8", "9"]},
    ]
    names = ("k3s", "rke2", "kubeadm", "kubeadm-fips", "canonical", "nodeadm")
    spec["axes"]["kubernetes"] = [{"distribution": name, "versions": "all"} for name in names]
    del spec["rules"]
    yaml.dump(document, project / "m.yaml")


def files(engine: str) -> Mapping[str, str]:
    """The checkout; for the embedded engine without what it refuses: RUN, and a variable that a base image might set."""
    texts = {"Earthfile": EARTHFILE, "Dockerfile": DOCKERFILE}
    if engine == "embedded":
        texts = {name: re.sub(r"^ *RUN .*\n", "", text, flags=re.MULTILINE) for name, text in texts.items()}
        texts["Earthfile"] = texts["Earthfile"].replace(' && [ "$BASE_IMAGE" = "" ]', "").replace(GUARDED, f"{GUARDED}    ARG NEVER=both\n")
    trees = {f"{directory}/file-{n:02}.conf": f"# {directory} {n}\nkey = value\n" * 40 for directory, count in TREES.items() for n in range(count)}
    return texts | trees | {f"scripts/{name}.sh": f"#!/bin/sh\necho {name} $OS_DISTRIBUTION\n" for name in SCRIPTS}


def manifest(size: Size, engine: str, source: str) -> str:
    """The matrix as a release engineer of CanvOS would write it."""
    systems = [("ubuntu", "20.04 22.04 24.04", size.fips), ("opensuse-leap", "15.5 15.6", size.systems - size.fips)]
    kubernetes = [("k3s", size.k3s), ("rke2", size.versions - size.k3s)]
    return MANIFEST % {
        "engine": engine,
        "source": source,
        "systems": "\n".join(_value(name, [*known.split(), *(f"{30 + n}.04" for n in range(count))][:count]) for name, known, count in systems),
        "kubernetes": "\n".join(_value(name, [f"1.{28 + n // 40}.{n % 40}" for n in range(count)]) for name, count in kubernetes),
        "iso": "/iso" if source == "src" else "/build/*",
    }


def _value(distribution: str, versions: Sequence[str]) -> str:
    return f"      - {{distribution: {distribution}, versions: [{', '.join(map(repr, versions))}]}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one process took: seconds by the clock and of a processor (on a machine with others on it these tell more), mebibytes at its largest."""

    seconds: float
    processor: float
    mebibytes: float


def environment() -> Mapping[str, str]:
    # Compiled modules are kept, as where the program is installed.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPATH": str(Path(__file__).parents[1])}


def run(*arguments: str) -> Taken:
    with tempfile.TemporaryFile() as warnings:
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, *arguments], env=environment(), stderr=warnings, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        taken = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)  # waited for above: Popen must not look for it again
        if process.returncode:
            warnings.seek(0)
            raise SystemExit(f"{warnings.read().decode()}it ended with {process.returncode}: {' '.join(arguments)}")
    mebibytes = usage.ru_maxrss / (1 if sys.platform != "darwin" else 1024) / 1024
    return Taken(seconds=taken, processor=usage.ru_utime + usage.ru_stime, mebibytes=mebibytes)


def medians(rounds: int, *arguments: str) -> Taken:
    found = [run(*arguments) for _ in range(rounds)]
    seconds, processor = (statistics.median(times) for times in zip(*((one.seconds, one.processor) for one in found), strict=True))
    return Taken(seconds=seconds, processor=processor, mebibytes=max(one.mebibytes for one in found))


def made(size: Size, engine: str, directory: Path) -> tuple[Path, str]:
    """A project of that many cells, and what it is."""
    canvos = os.environ.get("CANVOS") if engine == "earthly" else None
    project = directory / f"{engine}-{size.cells}"
    for name, text in ({} if canvos else files(engine)).items():
        path = project / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    project.mkdir(exist_ok=True)
    (project / "m.yaml").write_text(manifest(size, engine, str(Path(canvos).resolve()) if canvos else "src"))
    return project, f"{size.cells:>7,} cells x 2 targets, {f'CanvOS at {canvos}' if canvos else engine}"


def profiled(checkout: str, directory: Path) -> tuple[Path, str]:
    """A project of all that CanvOS can build, by the rules of its profile, and what it is."""
    project = directory / "profile"
    project.mkdir()
    everything(str(Path(checkout).resolve()), project)
    told = subprocess.run(
        [sys.executable, "-c", START, "plan", str(project / "m.yaml"), "--format", "json"], env=environment(), capture_output=True, check=True
    )
    return project, f"{json.loads(told.stdout)['counts']['cells']:>7,} cells of the profile, CanvOS at {checkout}"


def measure(size: Size, project: Path, what: str) -> bool:
    """Print one row of figures for a size; whether the budget is kept."""
    axes = [str(count) for count in (size.systems, size.versions, 2, 2)]
    first = run("-c", START, "plan", str(project / "m.yaml"))
    bare = medians(size.rounds, "-c", BARE, str(size.cells), *axes)
    imports = medians(size.rounds, "-c", IMPORTS)
    whole = medians(size.rounds, "-c", START, "plan", str(project / "m.yaml"))
    kept = whole.seconds <= size.seconds and (size.mebibytes is None or whole.mebibytes <= size.mebibytes)
    memory = f", {size.mebibytes} MiB" if size.mebibytes else ""
    took = f"{whole.seconds:6.2f} s ({whole.processor:.2f} s of a processor), {whole.mebibytes:5.0f} MiB"
    print(f"{what}: {took} (budget {size.seconds:g} s{memory})", end="")
    print(f"{'' if kept else '   MISSED'}\n        {whole.seconds / bare.seconds:5.1f} x a bare loop ({bare.seconds:.3f} s),", end="")
    print(f" {whole.seconds / imports.seconds:5.1f} x its imports ({imports.seconds:.3f} s), first run {first.seconds:.2f} s", flush=True)
    return kept


def rows(chosen: Sequence[str], directory: Path) -> Iterator[tuple[Size, Path, str]]:
    for size in SIZES:
        if not chosen or str(size.cells) in chosen:
            yield from ((size, *made(size, engine, directory)) for engine in ("earthly", "embedded"))
    if (checkout := os.environ.get("CANVOS")) and (not chosen or "profile" in chosen):
        yield SIZES[0], *profiled(checkout, directory)


def main() -> int:
    """Print all rows; 1 where a budget is missed."""
    with tempfile.TemporaryDirectory() as directory:
        kept = [measure(*row) for row in rows(sys.argv[1:], Path(directory))]
    return int(not all(kept))


if __name__ == "__main__":
    sys.exit(main())
