from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.program import Answer, Flavor, Program, Unfit, program_of, scrubbed

EARTHLY = "earthly version v0.8.16 6e641c15d3b4 linux/amd64; Debian GNU/Linux 12 (bookworm)\n"
EARTHBUILD = "earth version v0.8.18 b03859863178 linux/amd64; Debian GNU/Linux 12 (bookworm)\n"
HELP = {
    "earthly": "NAME:\n   see https://docs.earthly.dev/docs\n",
    "earthbuild": "NAME:\n   see https://docs.earthbuild.dev/docs (once docs.earthly.dev)\n",
}


def found(version: str, helped: str = "earthly", *, wanted: str = "", status: int | None = 0, help_status: int | None = 0) -> Program | Unfit:
    version_answer, help_answer = Answer(status=status, text=version), Answer(status=help_status, text=HELP.get(helped, helped))
    return program_of("/bin/e", version_answer, help_answer, wanted=wanted, found="PATH", seconds=10)


@pytest.mark.parametrize(
    ("version", "helped", "flavor", "number", "title"),
    [
        (EARTHLY, "earthly", Flavor.EARTHLY, "0.8.16", "Earthly 0.8.16"),
        (EARTHBUILD, "earthbuild", Flavor.EARTHBUILD, "0.8.18", "EarthBuild 0.8.18"),
        # What the file is called says nothing: EarthBuild's own container has it as `earthly`.
        (EARTHBUILD.replace("earth ", "earthly "), "earthbuild", Flavor.EARTHBUILD, "0.8.18", "EarthBuild 0.8.18"),
        ("earth version v0.8.17-rc1 abc linux/amd64\n", "earthbuild", Flavor.EARTHBUILD, "0.8.17-rc1", "EarthBuild 0.8.17-rc1"),
        ("earthly version dev-main abc linux/amd64\n", "earthly", Flavor.EARTHLY, "dev-main", "Earthly dev-main"),
    ],
)
def test_what_both_print_tells_which_it_is(version: str, helped: str, flavor: Flavor, number: str, title: str) -> None:
    program = found(version, helped)
    assert program == Program(path="/bin/e", flavor=flavor, version=number, found="PATH")
    assert program.title == title


def test_each_project_has_its_own_directory_and_variables() -> None:
    earthly, earthbuild = (Program(path="/e", flavor=flavor, version="0.8.18") for flavor in (Flavor.EARTHLY, Flavor.EARTHBUILD))
    assert (earthly.directory, earthly.variables) == (".earthly", ("EARTHLY_",))
    assert (earthbuild.directory, earthbuild.variables) == (".earth", ("EARTH_", "EARTHLY_"))


@pytest.mark.parametrize(
    ("version", "wanted"),
    [(EARTHLY, ">=0.8.15 <0.9"), (EARTHLY, "0.8.x"), (EARTHLY, "0.8.16"), (EARTHLY, ""), ("e version v0.8.17-rc1 x\n", ">=0.8.15 <0.9")],
)
def test_a_version_in_the_range_is_taken(version: str, wanted: str) -> None:
    assert isinstance(found(version, wanted=wanted), Program)


@pytest.mark.parametrize(
    ("answers", "reason", "hint"),
    [
        (
            {"version": EARTHLY, "wanted": ">=0.8.17"},
            "is Earthly 0.8.16, and engine.version wants '>=0.8.17'",
            "install such a version, or change engine.version",
        ),
        (
            {"version": "e version v0.7.23 x\n"},
            "is Earthly 0.7.23, and this matrixbuild knows the line 0.8 only",
            "install a release of Earthly or EarthBuild 0.8",
        ),
        (
            {"version": "e version v0.9.0 x\n"},
            "is Earthly 0.9.0, and this matrixbuild knows the line 0.8 only",
            "install a release of Earthly or EarthBuild 0.8",
        ),
        (
            {"version": "e version dev-main x\n", "wanted": "0.8.x"},
            "is Earthly dev-main, no release, so engine.version '0.8.x' cannot be checked",
            "take a release, or leave engine.version out",
        ),
        ({"version": "", "status": None}, "gives no answer to --version that ends within 10 s", "run `/bin/e --version` by hand"),
        ({"version": EARTHLY, "help_status": None}, "gives no answer to --help that ends within 10 s", "run `/bin/e --help` by hand"),
        ({"version": "", "status": 2}, "is neither Earthly nor EarthBuild: `--version` ends with 2", ""),
        ({"version": EARTHLY, "help_status": -9}, "is neither Earthly nor EarthBuild: `--help` ends with -9", ""),
        ({"version": "\n"}, "is neither Earthly nor EarthBuild: `--version` prints nothing", ""),
        ({"version": "Marble 2.2 \x00\x1b[1m\n"}, "is neither Earthly nor EarthBuild: `--version` prints 'Marble 2.2 \\x00\\x1b[1m'", ""),
        (
            {"version": "earth version v0.8.18\n", "helped": "A globe"},
            "is neither Earthly nor EarthBuild: its --help names neither docs.earthly.dev nor docs.earthbuild.dev",
            "",
        ),
    ],
)
def test_what_cannot_be_used_is_told_in_one_sentence(answers: dict[str, object], reason: str, hint: str) -> None:
    unfit = found(**answers)  # type: ignore[arg-type]
    assert unfit == Unfit(reason=reason, hint=hint, foreign="neither Earthly" in reason)


@given(st.text(), st.text(), st.none() | st.integers(-64, 255), st.none() | st.integers(-64, 255))
def test_any_rubbish_is_an_answer(version: str, helped: str, status: int | None, help_status: int | None) -> None:
    assert isinstance(found(version, helped, status=status, help_status=help_status), Program | Unfit)


def test_what_decides_in_its_stead_is_taken_out_of_the_environment() -> None:
    kept = {"HOME": "/h", "PATH": "/bin", "DOCKER_CONFIG": "/d", "SSH_AUTH_SOCK": "/s", "https_proxy": "http://p", "EARTHENWARE": "1"}
    out = dict.fromkeys(("EARTHLY_PUSH", "EARTH_CI", "GIT_DIR", "GITHUB_ACTIONS", "FORCE_COLOR", "PWD", "TERM", "NO_COLOR"), "x")
    assert scrubbed({**kept, **out}) == {**kept, "TERM": "dumb", "NO_COLOR": "1", "GIT_OPTIONAL_LOCKS": "0"}
