from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest

from matrixbuild.adapters.engines.earthly.programs import PROGRAM_VARIABLE, Search, find_program, search_program
from matrixbuild.core.problems import Place, Problem, UnusableError
from matrixbuild.core.program import Flavor, Program
from matrixbuild.core.surroundings import EngineUse
from tests.adapters.engines.earthly.scripts import EARTHBUILD, EARTHLY, script
from tests.processes import marked

PLACE = Place(file="release.yaml", line=7)
OTHER = f"name another one with engine.program or {PROGRAM_VARIABLE}"
SYSTEM = os.environ["PATH"]


def use(program: str = "", version: str = "") -> EngineUse:
    return EngineUse(program=program, version=version, place=PLACE)


def refused(found: EngineUse, environ: Mapping[str, str], *, base: Path = Path(), seconds: float = 10) -> Problem:
    with pytest.raises(UnusableError) as caught:
        find_program(found, environ, base=base, seconds=seconds)
    assert len(caught.value.problems) == 1
    return caught.value.problems[0]


def around(*directories: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.pathsep.join([*map(str, directories), SYSTEM]), **more}


def test_the_manifest_wins_over_the_environment_and_that_over_the_path(tmp_path: Path) -> None:
    script(tmp_path / "m" / "tools" / "e", EARTHBUILD)
    variable, on_path = script(tmp_path / "v" / "mine", EARTHLY), script(tmp_path / "p" / "earthly", EARTHLY)
    environ = around(tmp_path / "p", **{PROGRAM_VARIABLE: str(variable)})
    by_manifest = find_program(use("tools/e"), environ, base=tmp_path / "m")
    assert by_manifest == Program(path=str(tmp_path / "m/tools/e"), flavor=Flavor.EARTHBUILD, version="0.8.18", found="engine.program")
    by_variable = find_program(use(), environ)
    assert by_variable == Program(path=str(variable), flavor=Flavor.EARTHLY, version="0.8.16", found=PROGRAM_VARIABLE)
    by_path = find_program(use(), {**environ, PROGRAM_VARIABLE: ""})
    assert by_path == Program(path=str(on_path), flavor=Flavor.EARTHLY, version="0.8.16", found="PATH")


def test_earth_is_looked_for_before_earthly(tmp_path: Path) -> None:
    earth, _ = script(tmp_path / "b" / "earth", EARTHBUILD), script(tmp_path / "a" / "earthly", EARTHLY)
    found = find_program(use(), around(tmp_path / "a", tmp_path / "b"))
    assert found
    assert found.path == str(earth)


def test_a_name_without_a_slash_is_looked_for_on_path(tmp_path: Path) -> None:
    path = script(tmp_path / "earthly-0.8", EARTHLY)
    for found in (find_program(use("earthly-0.8"), around(tmp_path)), find_program(use(), around(tmp_path, **{PROGRAM_VARIABLE: "earthly-0.8"}))):
        assert found
        assert found.path == str(path)


def test_where_there_is_none_nothing_is_wrong(tmp_path: Path) -> None:
    assert search_program(use(), around(tmp_path)) == Search(program=None)


def test_another_program_called_earth_is_passed_over(tmp_path: Path) -> None:
    earth = script(tmp_path / "earth", "echo Earth, a globe for your desktop")
    told = f"{earth} on PATH is neither Earthly nor EarthBuild: `--version` prints 'Earth, a globe for your desktop'"
    assert search_program(use(), around(tmp_path)) == Search(program=None, passed=(told,))
    earthly = script(tmp_path / "earthly", EARTHLY)
    found = search_program(use(), around(tmp_path))
    assert found.program
    assert (found.program.path, found.passed) == (str(earthly), (told,))


def test_one_of_the_right_version_is_taken_where_the_first_has_another(tmp_path: Path) -> None:
    earth, earthly = script(tmp_path / "earth", EARTHBUILD), script(tmp_path / "earthly", EARTHLY)
    found = search_program(use(version="<0.8.17"), around(tmp_path))
    assert found.program
    assert found.program.path == str(earthly)
    assert found.passed == (f"{earth} on PATH is EarthBuild 0.8.18, and engine.version wants '<0.8.17'",)


def test_what_is_named_and_is_not_there_is_told(tmp_path: Path) -> None:
    there = "correct it, or leave it out: then earth or earthly on PATH is taken"
    named = f"engine.program names {tmp_path}/x, and there is no such file"
    assert refused(use("./x"), around(), base=tmp_path) == Problem(summary=named, place=PLACE, hint=there, code="program")
    named = f"{PROGRAM_VARIABLE} names {tmp_path}/y, and there is no such file"
    assert refused(use(), around(**{PROGRAM_VARIABLE: f"{tmp_path}/y"})) == Problem(summary=named, hint=there, code="program")
    hint = "correct it, or write down where the program is"
    summary = "engine.program names no-such-program, which no directory of PATH has"
    assert refused(use("no-such-program"), around()) == Problem(summary=summary, place=PLACE, hint=hint, code="program")


def test_what_is_no_program_is_told(tmp_path: Path) -> None:
    summary = f"engine.program names {tmp_path}, which is a directory"
    assert refused(use(str(tmp_path)), around()) == Problem(summary=summary, place=PLACE, hint="name the program in it", code="program")
    plain = tmp_path / "earthly"
    plain.write_text("text")
    summary = f"engine.program names {plain}, which may not be executed"
    assert refused(use(str(plain)), around()) == Problem(summary=summary, place=PLACE, hint=f"`chmod +x {plain}`", code="program")
    plain.chmod(0o755)
    summary = f"{plain}, which engine.program names, cannot be started: Exec format error"
    assert refused(use(str(plain)), around()) == Problem(summary=summary, place=PLACE, hint="is it a program for this machine?", code="program")


@pytest.mark.parametrize(
    ("body", "reason", "hint"),
    [
        ("echo hello", "is neither Earthly nor EarthBuild: `--version` prints 'hello'", OTHER),
        ("exit 3", "is neither Earthly nor EarthBuild: `--version` ends with 3", OTHER),
        ("kill -11 $$", "is neither Earthly nor EarthBuild: `--version` ends with -11", OTHER),
        ("sleep 60 & sleep 60", "gives no answer to --version that ends within 0.3 s", "run `{path} --version` by hand"),
        ("while :; do echo y; done", "gives no answer to --version that ends within 20 s", "run `{path} --version` by hand"),
        (EARTHLY.replace("0.8.16", "0.6.30"), "is Earthly 0.6.30, and this matrixbuild knows the line 0.8 only", "install a release of Earthly or EarthBuild 0.8"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path: Path, body: str, reason: str, hint: str) -> None:
    path = script(tmp_path / "earthly", body)
    seconds = 0.3 if body.startswith("sleep") else 20
    named = refused(use(str(path)), around(), seconds=seconds)
    assert named == Problem(summary=f"{path}, which engine.program names, {reason}", place=PLACE, hint=hint.format(path=path), code="program")
    on_path = refused(use(), around(tmp_path), seconds=seconds)
    assert on_path == Problem(summary=f"{path} on PATH {reason}", hint=hint.format(path=path), code="program")


def test_nothing_of_a_program_that_hangs_is_left(tmp_path: Path) -> None:
    mark = f"mark-{uuid.uuid4().hex}"
    path = script(tmp_path / "earthly", "sleep 60 & sleep 60")
    refused(use(str(path)), around(MARK=mark), seconds=0.3)
    assert not marked(mark)


def test_it_is_asked_in_an_environment_that_decides_nothing(tmp_path: Path) -> None:
    path = script(tmp_path / "earthly", f"env > {tmp_path}/seen; pwd > {tmp_path}/where\n{EARTHLY}\nesac")
    find_program(use(str(path)), around(EARTHLY_PUSH="true", EARTH_CI="true", GITHUB_ACTIONS="true", HOME="/h"))
    seen = (tmp_path / "seen").read_text()
    assert "HOME=/h\n" in seen
    assert "TERM=dumb\n" in seen
    assert not [name for name in ("EARTHLY_PUSH", "EARTH_CI", "GITHUB_ACTIONS") if name in seen]
    assert (tmp_path / "where").read_text() == "/\n"
