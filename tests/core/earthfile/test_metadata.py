"""Commands that change an image's configuration."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.recipe import MadeDirectory
from matrixbuild.core.images import Healthcheck, HistoryStep, ImageConfig
from tests.core.earthfile.evaluating import BUSYBOX, evaluated, refused

SECOND = 1_000_000_000


def config(commands: str, base: ImageConfig = BUSYBOX) -> ImageConfig:
    lines = "\n".join(f"  {line}" for line in commands.splitlines())
    return evaluated(f"VERSION 0.8\nmain:\n  FROM busybox\n{lines}\n", base=base).image.config


def test_env_keeps_its_place() -> None:
    assert config("ENV A=1\nENV B=$A\nENV A=2\nENV C=").env == (("PATH", "/bin"), ("A", "2"), ("B", "1"), ("C", ""))


def test_labels() -> None:
    assert config('LABEL a=1 b="x y"\nLABEL a=2').labels == (("a", "2"), ("b", "x y"))


@pytest.mark.parametrize(
    ("commands", "cmd", "entrypoint"),
    [
        ('CMD ["a", "b c"]', ("a", "b c"), None),
        ('CMD echo $X "y"', ("/bin/sh", "-c", "echo  y"), None),
        ("CMD ['a', 'b']", ("/bin/sh", "-c", "[a, b]"), None),
        ('ENTRYPOINT ["e"]', None, ("e",)),
        ('CMD ["c"]\nENTRYPOINT ["e"]', ("c",), ("e",)),
        ('ENTRYPOINT ["e"]\nCMD ["c"]', ("c",), ("e",)),
    ],
)
def test_command_lines(commands: str, cmd: tuple[str, ...] | None, entrypoint: tuple[str, ...] | None) -> None:
    found = config(commands)
    assert (found.cmd, found.entrypoint) == (cmd, entrypoint)


@pytest.mark.parametrize(
    ("commands", "expected"),
    [("WORKDIR a\nWORKDIR b", "/a/b"), ("WORKDIR /a/../b//c/", "/a/../b//c/"), ("WORKDIR /x\nWORKDIR ../up", "/up"), ("WORKDIR ~/x", "/~/x")],
)
def test_workdir(commands: str, expected: str) -> None:
    assert config(commands).workdir == expected


def test_workdir_makes_the_directory_for_the_user() -> None:
    tree = evaluated("VERSION 0.8\nmain:\n  FROM scratch\n  USER app\n  WORKDIR /a/./b\n").image.tree
    assert isinstance(tree, MadeDirectory)
    assert (tree.path, tree.user) == ("/a/b", "app")


def test_workdir_of_the_root_makes_nothing() -> None:
    assert not isinstance(evaluated("VERSION 0.8\nmain:\n  FROM scratch\n  WORKDIR /\n").image.tree, MadeDirectory)


def test_ports_and_volumes() -> None:
    found = config('EXPOSE 80 53/udp\nVOLUME /a /b\nVOLUME ["/c d"]')
    assert (found.exposed_ports, found.volumes) == (frozenset({"80/tcp", "53/udp"}), frozenset({"/a", "/b", "/c d"}))


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (
            "HEALTHCHECK --interval=1m --retries=4 CMD curl x || exit 1",
            Healthcheck(test=("CMD-SHELL", "curl x || exit 1"), interval=60 * SECOND, timeout=30 * SECOND, start_interval=5 * SECOND, retries=4),
        ),
        (
            'HEALTHCHECK CMD ["a", "b"]',
            Healthcheck(test=("CMD-SHELL", "[a, b]"), interval=30 * SECOND, timeout=30 * SECOND, start_interval=5 * SECOND, retries=3),
        ),
        ("HEALTHCHECK NONE", Healthcheck(test=("NONE",))),
    ],
)
def test_healthchecks(command: str, expected: Healthcheck) -> None:
    assert config(command).healthcheck == expected


@pytest.mark.parametrize(
    ("command", "fault", "summary"),
    [
        ("EXPOSE abc", "invalid-arg", "EXPOSE: 'abc' is not a port such as 80 or 80-90/udp"),
        ("EXPOSE", "invalid-arg", "EXPOSE names nothing"),
        ("WORKDIR a b", "invalid-arg", "WORKDIR takes one word, not 2"),
        ("USER", "invalid-arg", "USER takes one word, not 0"),
        ('HEALTHCHECK ["a"]', "unsupported-command", "HEALTHCHECK [...] is no command of an Earthfile"),
        ("HEALTHCHECK CMD", "invalid-arg", "HEALTHCHECK cannot read 'CMD'"),
        ("LABEL dev.earthly.x=1", "invalid-arg", "the label dev.earthly.x is Earthly's own"),
        ("ENV A='x", "syntax", None),
        ("ENV A=${B:?give B}", "invalid-arg", "cannot expand ${B:?give B}: B is not set or empty (give B)"),
    ],
)
def test_what_is_refused(command: str, fault: str, summary: str | None) -> None:
    found = refused(f"VERSION 0.8\nmain:\n  FROM scratch\n  {command}\n")
    assert found[0] == fault
    assert summary is None or found[1] == f"Earthfile:4:3: {summary}"


def test_history_says_what_made_a_layer() -> None:
    assert config('ENV A=1\nCOPY --dir f /x\nWORKDIR /w\nCMD ["c"]').history == (
        HistoryStep(created_by="ENV A=1", layer=False),
        HistoryStep(created_by="COPY --dir f /x", layer=True),
        HistoryStep(created_by="WORKDIR /w", layer=True),
        HistoryStep(created_by='CMD ["c"]', layer=False),
    )
