"""BUILD and COPY of directories that a wildcard finds."""

from __future__ import annotations

from tests.core.earthfile.evaluating import copies, evaluated, refused, saved

SUB = "VERSION 0.8\nFROM scratch\nt:\n  SAVE IMAGE --push reg.test/a:{0}\n  SAVE ARTIFACT /x\n"
FILES = {f"d/{name}/Earthfile": SUB.format(name) for name in "ba"} | {"d/c/Earthfile": "VERSION 0.8\n", "d/e/x": ""}


def test_each_directory_that_has_the_target_is_built() -> None:
    text = "VERSION --wildcard-builds 0.8\nFROM scratch\nmain:\n  BUILD ./d/*+t\n"
    assert list(saved(evaluated(text, files=FILES))) == ["reg.test/a:a", "reg.test/a:b"]


def test_each_directory_gives_its_artifact() -> None:
    text = "VERSION --wildcard-copy 0.8\nFROM scratch\nmain:\n  COPY ./d/*+t/x /y/\n"
    assert [copy.dest for copy in copies(evaluated(text, files=FILES).image.tree)] == ["/y/", "/y/"]


def test_none_is_an_error() -> None:
    text = "VERSION --wildcard-builds 0.8\nFROM scratch\nmain:\n  BUILD ./{0}+t\n"
    assert refused(text.format("x/*"), files=FILES)[:2] == ("unknown-target", "Earthfile:4:3: no directory matches x/*+t")
    assert refused(text.format("**"), files=FILES)[:2] == ("invalid-arg", "Earthfile:4:3: **+t holds **, which Earthly does not know here")
