"""Every construct by which a value or a file reaches a result: whatever changes there changes the build key (design.md 5, engine Earthly)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from matrixbuild.adapters.source import Snapshot, snapshot
from matrixbuild.core.build import build_key
from matrixbuild.core.cells import Cell
from matrixbuild.core.demand import Arg, Asked, Demand
from matrixbuild.core.problems import Place
from matrixbuild.workflow.analysing import analyse
from matrixbuild.workflow.examining import Examiners
from matrixbuild.workflow.targets import EarthlyReader

HERE = Place(file="manifest.yaml", line=1)
HEAD = "VERSION 0.8\nFROM alpine:3.20\n"
TRY = "VERSION --try 0.8\nFROM alpine:3.20\n"
ARG = "main:\n  ARG A\n"


def source(root: Path, files: Mapping[str, str]) -> Snapshot:
    """A checkout; the content `-> x` makes a link to x."""
    for path, text in files.items():
        at = root / path
        at.parent.mkdir(parents=True, exist_ok=True)
        at.symlink_to(text.removeprefix("-> ")) if text.startswith("-> ") else at.write_text(text)
    return snapshot(root, named="checkout")


def key(root: Path, files: Mapping[str, str], args: Mapping[str, str] | None = None) -> str:
    """The build key of +main; `args` are given wherever they are declared."""
    given = args or {}
    demand = Demand(
        asked=Asked(target="t", earthly="+main", place=HERE, privileged=True),
        cell=Cell(values=()),
        args=tuple(Arg(name=name, value=value, axes=frozenset(), place=HERE, optional=True) for name, value in given.items()),
    )
    (reading,) = analyse([demand], Examiners(lambda _: source(root, files), "earthly"), {}).readings.values()
    used = tuple((name, value) for name, value in given.items() if name in reading.used)
    return build_key(engine=reading.engine, commands=reading.commands, args=used, files=reading.files, bases=reading.bases)


# A value -------------------------------------------------------------------------

VALUES = {
    "script of an earlier RUN": "base-image:\n  RUN echo 'echo $A' >/x.sh\nmain:\n  FROM +base-image\n  ARG A\n  RUN sh /x.sh\n",
    "script of a copied target": "s:\n  RUN echo 'echo $A' >x.sh\n  SAVE ARTIFACT x.sh\nmain:\n  COPY +s/x.sh /\n  ARG A\n  RUN sh /x.sh\n",
    "script of a Dockerfile's RUN": "main:\n  FROM DOCKERFILE -f script.docker .\n  ARG A\n  RUN sh /x.sh\n",
    "script of a Dockerfile's here-document": "main:\n  FROM DOCKERFILE -f heredoc.docker .\n  ARG A\n  RUN sh /x.sh\n",
    "command in a LET": ARG + "  LET c='echo $A'\n  RUN eval \"$c\"\n",
    "command in an ENV": ARG + "  ENV c='echo $A'\n  RUN eval \"$c\"\n",
    "name in an ARG": ARG + "  ARG c=A\n  RUN printenv $c\n",
    "eval of a composed name": ARG + "  ARG K8S_A=$A\n  RUN n=A; eval echo \\$K8S_$n\n",
    "printenv of a composed name": ARG + "  ARG K8S_A=$A\n  RUN n=A; printenv K8S_$n\n",
    "nameref": ARG + "  ARG K8S_A=$A\n  RUN n=A; declare -n r=K8S_$n; echo $r\n",
    "env with a setting": ARG + "  RUN env X=1 >/e\n",
    "env without a variable": ARG + "  RUN env -u X >/e\n",
    "env of busybox": ARG + "  RUN busybox env >/e\n",
    "awk's ENVIRON": ARG + "  RUN awk 'BEGIN{for(k in ENVIRON) print ENVIRON[k]}'\n",
    "perl's %ENV": ARG + "  RUN perl -e 'print %ENV'\n",
    "python's environ": ARG + "  RUN python3 -c 'from os import environ; print(environ)'\n",
    "a program's source": ARG + "  COPY f.go .\n  RUN go run f.go\n",
    "RUN of a list": ARG + '  RUN ["env"]\n',
    "mount of RUN": ARG + "  RUN --mount=type=cache,target=/x,id=$A make\n",
    "mount of IF": ARG + "  IF --mount=type=cache,target=/x,id=$A [ -f /x/y ]\n    RUN y\n  END\n",
    "mount of FOR": ARG + "  FOR --mount=type=cache,target=/x,id=$A i IN $(ls /x)\n    RUN y\n  END\n",
    "secret of RUN": ARG + "  RUN --secret X=$A make\n",
    "IF of a list": ARG + '  IF ["test", "-n", "$A"]\n    RUN y\n  END\n',
    "HOST": ARG + "  HOST example.com 192.0.2.$A\n  RUN x\n",
    "CACHE": ARG + "  CACHE /x/$A\n  RUN x\n",
    "CACHE --id": ARG + "  CACHE --id=$A /x\n  RUN x\n",
    "USER": ARG + "  USER $A\n",
    "WORKDIR": ARG + "  WORKDIR /$A\n",
    "ENTRYPOINT": ARG + "  ENTRYPOINT echo $A\n",
    "HEALTHCHECK": ARG + "  HEALTHCHECK CMD echo $A\n",
    "EXPOSE": ARG + "  EXPOSE 8$A\n",
    "VOLUME": ARG + "  VOLUME /$A\n",
    "name of a LABEL": ARG + "  LABEL $A=x\n",
    "COPY --chown": ARG + "  COPY --chown=$A f.go /\n",
    "COPY --chmod": ARG + "  COPY --chmod=75$A f.go /\n",
    "COPY with an arg": ARG + "  COPY (+o/x --B=$A) /\no:\n  ARG B\n  RUN echo $B >x\n  SAVE ARTIFACT x\n",
    "COPY --build-arg": ARG + "  COPY --build-arg B=$A +o/x /\no:\n  ARG B\n  RUN echo $B >x\n  SAVE ARTIFACT x\n",
    "path of an artifact": ARG + "  COPY +o/$A /\no:\n  RUN x >x\n  SAVE ARTIFACT x\n",
    "SAVE ARTIFACT": ARG + "  SAVE ARTIFACT /x$A\n",
    "SAVE ARTIFACT --if-exists": ARG + "  SAVE ARTIFACT --if-exists /x$A\n",
    "SAVE ARTIFACT to": ARG + "  SAVE ARTIFACT /x /y$A\n",
    "WITH DOCKER --load": ARG + "  WITH DOCKER --load=i$A=+o\n    RUN x\n  END\no:\n  RUN y\n",
    "WITH DOCKER --load with an arg": ARG + '  WITH DOCKER --load="i=(+o --B=$A)"\n    RUN x\n  END\no:\n  ARG B\n  RUN y $B\n',
    "WITH DOCKER --build-arg": ARG + "  WITH DOCKER --build-arg B=$A --load=i=+o\n    RUN x\n  END\no:\n  ARG B\n  RUN y $B\n",
    "WITH DOCKER --load of nobody knows what": ARG + "  LET t=$(cat t)\n  WITH DOCKER --load=+$t\n    RUN x\n  END\n",
    "WITH DOCKER --pull": ARG + "  WITH DOCKER --pull=i:$A\n    RUN x\n  END\n",
    "WITH DOCKER --compose": ARG + "  WITH DOCKER --compose=$A.yml\n    RUN x\n  END\n",
    "WITH DOCKER --service": ARG + "  WITH DOCKER --compose=x.yml --service=$A\n    RUN x\n  END\n",
    "a compose file": ARG + "  COPY compose.yml .\n  WITH DOCKER --compose=compose.yml\n    RUN x\n  END\n",
    "LOCALLY": ARG + "  LOCALLY\n  RUN echo $A\n",
    "GIT CLONE": ARG + "  GIT CLONE https://example.com/$A /x\n",
    "GIT CLONE --branch": ARG + "  GIT CLONE --branch=$A https://example.com/ /x\n",
    "GIT CLONE to": ARG + "  GIT CLONE https://example.com/ /x/$A\n",
    "a remote target": ARG + "  FROM github.com/a/b:main+t --B=$A\n",
    "a remote function": ARG + "  DO github.com/a/b:main+F --B=$A\n",
    "a remote import": "IMPORT github.com/a/b:v1\nmain:\n  ARG A\n  FROM b+t --B=$A\n",
    "which import": ARG + "  IMPORT github.com/a/b:$A AS b\n  FROM b+t\n",
    "FOR over a glob": ARG + "  FOR i IN $A*\n    RUN x $i\n  END\n",
    "FOR over a shell-out": ARG + "  FOR i IN $(ls $A)\n    RUN x\n  END\n",
    "shell-out in a default": ARG + "  ARG B=$(echo $A)\n  RUN echo $B\n",
    "build arg of a Dockerfile": ARG + "  FROM DOCKERFILE -f from.docker --build-arg A=$A .\n",
    "build arg before RUN": ARG + "  FROM DOCKERFILE -f run.docker --build-arg A=$A .\n",
    "build arg that programs read": ARG + "  FROM DOCKERFILE -f script.docker --build-arg http_proxy=$A .\n",
    "stage of a Dockerfile": ARG + "  FROM DOCKERFILE -f stages.docker --target=s$A .\n",
    "a Dockerfile's ENV decides": ARG + '  FROM DOCKERFILE -f run.docker --build-arg A=$A .\n  IF [ "$C" = 1 ]\n    RUN x\n  END\n',
}
FILES = {
    "f.go": "for _, each := range os.Environ() {}\n",
    "compose.yml": "services: {a: {image: 'a:${A}'}}\n",
    "script.docker": "FROM alpine\nRUN echo 'echo $A' >/x.sh\n",
    "heredoc.docker": "FROM alpine\nCOPY <<EOF /x.sh\necho \\$A\nEOF\n",
    "from.docker": "ARG A\nFROM alpine:$A\n",
    "run.docker": "FROM alpine\nARG A\nENV C=$A\nRUN make\n",
    "stages.docker": "FROM alpine AS s1\nRUN a\nFROM alpine AS s2\nRUN b\n",
}


@pytest.mark.parametrize("construct", VALUES)
def test_another_value_is_another_key(construct: str, tmp_path: Path) -> None:
    files = {"Earthfile": HEAD + VALUES[construct], **FILES}
    assert key(tmp_path / "a", files, {"A": "1"}) != key(tmp_path / "b", files, {"A": "2"})


PLATFORMS = {
    "BUILD": "  BUILD --platform=linux/$A +o\n",
    "FROM": "  FROM --platform=linux/$A alpine\n",
    "COPY": "  COPY --platform=linux/$A +o/x /\n",
    "WITH DOCKER": "  WITH DOCKER --platform=linux/$A --pull=x\n    RUN x\n  END\n",
}


@pytest.mark.parametrize("command", PLATFORMS)
def test_another_platform_is_another_key(command: str, tmp_path: Path) -> None:
    files = {"Earthfile": HEAD + ARG + PLATFORMS[command] + "o:\n  RUN x\n  SAVE ARTIFACT x\n"}
    assert key(tmp_path / "a", files, {"A": "amd64"}) != key(tmp_path / "b", files, {"A": "arm64"})


# A file --------------------------------------------------------------------------

DOCKERFILE = "main:\n  FROM DOCKERFILE .\n"
READS: dict[str, tuple[str, dict[str, str]]] = {
    "COPY": ("main:\n  COPY f /\n", {}),
    "COPY --if-exists": ("main:\n  COPY --if-exists f /\n", {}),
    "COPY of a link beside its file": ("main:\n  COPY l f /x/\n", {"l": "-> f"}),
    "COPY of everything with a link": ("main:\n  COPY . /x\n", {"l": "-> f"}),
    "COPY of a glob": ("main:\n  COPY f* /x/\n", {}),
    "COPY in a function": ("main:\n  DO ./sub+F\n", {"sub/Earthfile": "VERSION 0.8\nF:\n  FUNCTION\n  COPY f /\n"}),
    "COPY on an unknown branch": ("main:\n  IF [ -f /y ]\n    COPY f /\n  END\n", {}),
    "COPY on the branch that cannot fail": ("main:\n  IF [ -f /y ]\n    COPY nothing /\n  ELSE\n    COPY f /\n  END\n", {}),
    "COPY of nobody knows what": ("main:\n  COPY ./$FROM_THE_BASE /\n", {}),
    "LOCALLY": ("main:\n  LOCALLY\n  RUN cat f\n", {}),
    "bind mount of the machine": ("main:\n  RUN --mount=type=bind-experimental,target=/x,source=f cat f\n", {}),
    "WITH DOCKER --load": ("main:\n  WITH DOCKER --load=i=+o\n    RUN x\n  END\no:\n  COPY f /\n", {}),
    "COPY of a Dockerfile": (DOCKERFILE, {"Dockerfile": "FROM a\nCOPY f /\n"}),
    "mount of the context": (DOCKERFILE, {"Dockerfile": "FROM a\nRUN --mount=type=bind,source=f,target=/m cp /m /x\n"}),
    "mount of the whole context": (DOCKERFILE, {"Dockerfile": "FROM a\nRUN --mount=target=/m cp /m/f /x\n"}),
    "mount from a stage": (DOCKERFILE, {"Dockerfile": "FROM a AS b\nCOPY f /f\nFROM c\nRUN --mount=type=bind,from=b,target=/m cp /m/f /\n"}),
    "cache from a stage": (DOCKERFILE, {"Dockerfile": "FROM a AS b\nCOPY f /f\nFROM c\nRUN --mount=type=cache,from=b,target=/m cp /m/f /\n"}),
    "ONBUILD of a stage": (DOCKERFILE, {"Dockerfile": "FROM a AS b\nONBUILD COPY f /\nFROM b\nRUN x\n"}),
    "a stage that nobody knows": (
        "main:\n  FROM DOCKERFILE --build-arg S=$(cat s) .\n",
        {"Dockerfile": "ARG S\nFROM a AS b\nCOPY f /\nFROM $S\nRUN x\n"},
    ),
    "Dockerfile of a target": ("main:\n  FROM DOCKERFILE -f +t/D .\nt:\n  COPY docker D\n  SAVE ARTIFACT D\n", {"docker": "FROM a\nCOPY f /\n"}),
    "Dockerfile that a RUN changed": ("main:\n  FROM DOCKERFILE -f +t/D .\nt:\n  COPY f D\n  RUN sed -i 's/x/y/' D\n  SAVE ARTIFACT D\n", {}),
    "context of a target": (
        "main:\n  FROM DOCKERFILE +t/d\nt:\n  COPY docker d/Dockerfile\n  COPY f d/\n  SAVE ARTIFACT d\n",
        {"docker": "FROM a\nCOPY f /\n"},
    ),
    "a variable of a Dockerfile's base decides": (
        DOCKERFILE + '  IF [ "$FOO" = x ]\n    COPY f /\n  END\n',
        {"Dockerfile": "FROM a\nENV FOO=$BAR\n"},
    ),
    "a variable that only a Dockerfile's base has decides": (DOCKERFILE + '  IF [ "$FOO" = x ]\n    COPY f /\n  END\n', {"Dockerfile": "FROM a\n"}),
    "a default of what may be empty in a Dockerfile": (
        "main:\n  LET u=$(cat u)\n  FROM DOCKERFILE --build-arg U=$u .\n",
        {"Dockerfile": "FROM a\nARG U\nCOPY ${U:+nothing*}${U:-f} /x/\n"},
    ),
    "git decides": ('main:\n  ARG EARTHLY_GIT_BRANCH\n  IF [ "$EARTHLY_GIT_BRANCH" = main ]\n    COPY f /\n  END\n', {}),
    "--push decides": ('main:\n  ARG EARTHLY_PUSH\n  IF [ "$EARTHLY_PUSH" = false ]\n    COPY f /\n  END\n', {}),
    "the program decides": ('main:\n  ARG EARTHLY_VERSION\n  IF [ "$EARTHLY_VERSION" = v0.8.18 ]\n    COPY f /\n  END\n', {}),
    "the machine decides": ('main:\n  ARG USERARCH\n  IF [ "$USERARCH" = arm64 ]\n    COPY f /\n  END\n', {}),
    "which platform is unknown": (
        (
            "main:\n  IF [ -f /y ]\n    FROM --platform=linux/amd64 a\n  ELSE\n    FROM --platform=linux/arm64 a\n  END\n"
            '  ARG TARGETARCH\n  IF [ "$TARGETARCH" = arm64 ]\n    COPY f /\n  END\n'
        ),
        {},
    ),
    "unknown after many rounds": (
        "main:\n"
        + "".join(f"  LET v{number}=0\n" for number in range(15))
        + "  FOR x IN $(ls)\n"
        + "".join(f"    SET v{number}=$v{number - 1}\n" for number in range(14, 0, -1))
        + '    SET v0=$x\n  END\n  IF [ "$v14" = 1 ]\n    COPY f /\n  END\n',
        {},
    ),
    "a target that calls itself": ("main:\n  ARG N=$(cat n)\n  IF [ -f /n ]\n    BUILD +main --N=$(echo $N)\n    COPY f /\n  END\n", {}),
    "at any depth": (
        f'main:\n  ARG N=x\n  IF [ -f /n ]\n    BUILD +main --N=x$N\n  END\n  IF [ "$N" = {"x" * 90} ]\n    COPY f /\n  END\n',
        {},
    ),
    "a function that calls itself": (
        f'main:\n  DO +F --N=x\nF:\n  FUNCTION\n  ARG N\n  IF [ -f /n ]\n    DO +F --N=x$N\n  END\n  IF [ "$N" = {"x" * 90} ]\n    COPY f /\n  END\n',
        {},
    ),
}


@pytest.mark.parametrize("construct", READS)
def test_another_file_is_another_key(construct: str, tmp_path: Path) -> None:
    text, more = READS[construct]
    files = {"Earthfile": HEAD + text, **more}
    assert key(tmp_path / "a", {**files, "f": "1\n"}) != key(tmp_path / "b", {**files, "f": "2\n"})


def test_where_an_import_leads_nobody_knows_where_all_of_them_count(tmp_path: Path) -> None:
    text = "main:\n  IF [ -f /y ]\n    IMPORT ./a AS x\n  ELSE\n    IMPORT ./b AS x\n  END\n  FROM x+t\n"
    files = {"Earthfile": HEAD + text, "a/Earthfile": "VERSION 0.8\nt:\n  FROM a\n  RUN a\n"}
    before, after = ({**files, "b/Earthfile": f"VERSION 0.8\nt:\n  FROM a\n  RUN {name}\n"} for name in ("b", "c"))
    assert key(tmp_path / "a", before) != key(tmp_path / "b", after)


IGNORES = {".earthlyignore": "main:\n  COPY . /x\n", ".earthignore": "main:\n  COPY . /x\n", ".dockerignore": DOCKERFILE}


@pytest.mark.parametrize("name", IGNORES)
def test_another_ignore_file_is_another_key(name: str, tmp_path: Path) -> None:
    head = "VERSION --use-docker-ignore 0.8\nFROM alpine:3.20\n"
    files = {"Earthfile": head + IGNORES[name], "Dockerfile": "FROM a\nCOPY . /x/\n", "f": "", "g": ""}
    assert key(tmp_path / "a", {**files, name: "f\n"}) != key(tmp_path / "b", {**files, name: "g\n"})


# The Earthfile -------------------------------------------------------------------

TEXTS = {
    "CMD of a list": ("main:\n  CMD echo x\n", 'main:\n  CMD ["echo", "x"]\n'),
    "RUN of a list": ("main:\n  RUN echo x\n", 'main:\n  RUN ["echo", "x"]\n'),
    "IF of a list": ("main:\n  IF test -f x\n    RUN a\n  END\n", 'main:\n  IF ["test", "-f", "x"]\n    RUN a\n  END\n'),
    "words of a list": ('main:\n  CMD ["a b"]\n', 'main:\n  CMD ["a", "b"]\n'),
    "blanks in quotes": ('main:\n  LABEL a="x  y"\n', 'main:\n  LABEL a="x y"\n'),
    "end of a function": (
        "main:\n  ARG A=1\n  DO +F --A=2\nF:\n  FUNCTION\n  ARG A\n  RUN x\n  RUN echo $A\n",
        "main:\n  ARG A=1\n  DO +F --A=2\n  RUN echo $A\nF:\n  FUNCTION\n  ARG A\n  RUN x\n",
    ),
    "end of a WAIT": ("main:\n  WAIT\n    BUILD +o\n    RUN x\n  END\no:\n  RUN y\n", "main:\n  WAIT\n    BUILD +o\n  END\n  RUN x\no:\n  RUN y\n"),
    "end of a FINALLY": (
        "main:\n  TRY\n    RUN x\n  FINALLY\n    SAVE ARTIFACT x AS LOCAL y\n  END\n",
        "main:\n  TRY\n    RUN x\n  FINALLY\n  END\n  SAVE ARTIFACT x AS LOCAL y\n",
    ),
}


@pytest.mark.parametrize("construct", TEXTS)
def test_another_earthfile_is_another_key(construct: str, tmp_path: Path) -> None:
    before, after = TEXTS[construct]
    assert key(tmp_path / "a", {"Earthfile": TRY + before}) != key(tmp_path / "b", {"Earthfile": TRY + after})


SET_OF_NOTHING = "main:\n  IF [ -f /x ]\n    IF true\n      SET nothing=1\n    END\n  END\n  RUN {}\n"


def test_a_branch_that_fails_hides_nothing_behind_it(tmp_path: Path) -> None:
    before, after = ({"Earthfile": HEAD + SET_OF_NOTHING.format(name)} for name in "ab")
    assert key(tmp_path / "a", before) != key(tmp_path / "b", after)


DOCKERFILES = {
    "escape": ("# escape=`\nFROM a\nENV A=C:\\x\n", "# another\nFROM a\nENV A=C:\\x\n"),
    "here-document": ("FROM a\nRUN <<EOF\na\nEOF\n", "FROM a\nRUN <<EOF\nb\nEOF\n"),
    "copied here-document": ("FROM a\nCOPY <<EOF /x\na\nEOF\n", "FROM a\nCOPY <<EOF /x\nb\nEOF\n"),
}


@pytest.mark.parametrize("construct", DOCKERFILES)
def test_another_dockerfile_is_another_key(construct: str, tmp_path: Path) -> None:
    before, after = ({"Earthfile": HEAD + DOCKERFILE, "Dockerfile": text} for text in DOCKERFILES[construct])
    assert key(tmp_path / "a", before) != key(tmp_path / "b", after)


# Shared analyses -----------------------------------------------------------------

SHARED = {
    "which file a WORKDIR leads to": (
        (
            "t:\n  FROM scratch\n  ARG A\n  COPY a /1/Dockerfile\n  COPY b /2/Dockerfile\n  WORKDIR /$A\n  SAVE ARTIFACT Dockerfile\n"
            "main:\n  FROM DOCKERFILE -f +t/Dockerfile .\n"
        ),
        {"A": "1"},
        {"A": "2"},
    ),
    "which ARG a value names": (ARG + "  ARG B\n  RUN eval echo $B\n", {"A": "1", "B": "x"}, {"A": "1", "B": "$A"}),
}
DOCKERFILES_READ = {"a": "FROM a\nRUN a\n", "b": "FROM b\nRUN b\n"}


@pytest.mark.parametrize("construct", SHARED)
def test_an_analysis_that_others_asked_for_first_tells_the_same(construct: str, tmp_path: Path) -> None:
    text, first, then = SHARED[construct]
    checkout = source(tmp_path, {"Earthfile": HEAD + text, **DOCKERFILES_READ})
    shared = EarthlyReader(checkout)
    shared.read("", "main", tuple(first.items()))
    assert shared.read("", "main", tuple(then.items())) == EarthlyReader(checkout).read("", "main", tuple(then.items()))


def test_images_that_a_dockerfile_copies_or_mounts_from_are_base_images(tmp_path: Path) -> None:
    docker = "FROM a\nCOPY --from=tools:1 /t /t\nRUN --mount=from=other:2,target=/m cp /m/x /\n"
    read = EarthlyReader(source(tmp_path, {"Earthfile": HEAD + DOCKERFILE, "Dockerfile": docker})).read("", "main", ())
    assert set(read.bases) == {"alpine:3.20", "a", "tools:1", "other:2"}
