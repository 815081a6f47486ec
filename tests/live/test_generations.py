"""A new generation's steps really run, each once for all builds that share it, and none of them for a token that was there before."""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from matrixbuild.adapters.engines.earthly.checkouts import Checkouts
from matrixbuild.adapters.source import snapshot
from tests.live import program, world

# Each prints `ran:NAME`, and nothing that it would print if it came from the cache.
EARTHFILE = r"""
VERSION --arg-scope-and-set --shell-out-anywhere 0.6
ARG BASE=BASE_IMAGE
FROM $BASE
IMPORT ./lib AS lib
RUN mkdir -p /tmp && echo ran:base
IF echo ran:if && [ -e /nothing ]
    ARG EXTRA=yes
ELSE
    ARG EXTRA=no
    RUN echo ran:else
END

main:
    FROM +middle
    RUN echo ran:main
    COPY file .
    RUN echo ran:copied
    COPY +artifact/a a
    RUN echo ran:with-artifact
    DO +FUNCTION
    DO lib+LIBRARY
    COPY ./sub+target/s s
    COPY +stages/built b
    COPY +stage-of-an-artifact/built c
    FOR i IN $(echo ran:for >&2; echo 1 2)
        RUN echo ran:for-$i
    END
    BUILD +aside

other:
    FROM +middle
    RUN echo ran:other

middle:
    RUN echo ran:middle

aside:
    FROM BASE_IMAGE
    RUN echo ran:aside

artifact:
    RUN echo ran:artifact && echo same > a
    SAVE ARTIFACT a

stages:
    FROM DOCKERFILE docker
    RUN echo ran:stages
    SAVE ARTIFACT /built

files:
    FROM scratch
    COPY other/my.dockerfile Dockerfile
    SAVE ARTIFACT Dockerfile

stage-of-an-artifact:
    FROM DOCKERFILE -f +files/Dockerfile docker
    RUN echo ran:artifact-stage
    SAVE ARTIFACT /built

FUNCTION:
    COMMAND
    RUN echo ran:function
"""
FILES = {
    "Earthfile": EARTHFILE,
    "file": "content\n",
    "lib/Earthfile": "VERSION 0.8\nLIBRARY:\n    FUNCTION\n    RUN echo ran:library\n",
    "sub/Earthfile": "VERSION 0.7\ntarget:\n    FROM BASE_IMAGE\n    RUN echo ran:sub && echo same > s\n    SAVE ARTIFACT s\n",
    "docker/Dockerfile": "ARG B=BASE_IMAGE\nFROM $B AS one\nRUN echo ran:first && echo same > /one\n\nFROM BASE_IMAGE\nCOPY --from=one /one /\nRUN echo ran:second > /dev/stderr && echo same > /built\n",
    "other/my.dockerfile": "FROM BASE_IMAGE\nRUN echo ran:mine > /dev/stderr && echo same > /built\n",
}
STEPS = frozenset(re.findall(r"(?<=echo ran:)[\w-]+", " ".join(FILES.values()))) - {"other", "for-"} | {"for-1", "for-2"}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[world.World]:
    found = program.required(buildkit=True)
    scratch = tmp_path_factory.mktemp("live")
    with world.registry(scratch) as registry:
        yield world.World(program=found, registry=registry, scratch=scratch / "world", salt=f"live-{secrets.token_hex(6)}")


@pytest.fixture
def checkouts(live: world.World, tmp_path: Path) -> Iterator[Checkouts]:
    root = tmp_path / "source"
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text.lstrip().replace("BASE_IMAGE", f"{live.registry}/{live.salt}/base:1"))
    source = snapshot(root, named="source")
    with Checkouts(lambda _: source, hidden=lambda _: frozenset(), cache=tmp_path / "cache", private=tmp_path / "work") as made:
        yield made


def ran(live: world.World, checkout: Path, target: str) -> Counter[str]:
    """Which steps printed something, and how often."""
    done = live.program.call("--push", "--no-output", f"{checkout}+{target}", scratch=live.scratch)
    assert done.rc == 0, done.output
    printed = (line.partition(" | ")[2] for line in done.output.splitlines() if "-->" not in line)
    return Counter(found[1] for line in printed if (found := re.search(r"^(?:\x1b\[\w)*ran:([\w-]+)", line)))


def test_every_step_runs_once_for_a_new_token_and_never_for_an_old_one(live: world.World, checkouts: Checkouts) -> None:
    once = Counter(dict.fromkeys(STEPS, 1))
    assert ran(live, checkouts.of(()).path, "main") == once
    for token in ("0123456789abcdef0123", "fedcba98765432100123"):
        checkout = checkouts.of((), token)
        assert checkout.foreign == ()
        assert ran(live, checkout.path, "main") == once
        assert ran(live, checkout.path, "main") == Counter()
        # What shares a token shares its steps.
        assert ran(live, checkout.path, "other") == Counter({"other": 1})
    assert ran(live, checkouts.of(()).path, "main") == Counter()
