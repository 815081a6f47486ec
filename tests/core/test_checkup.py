from __future__ import annotations

from matrixbuild.core.checkup import Check, Checkup, Level, fail, warn

GOOD = Check(name="git", summary="git version 2.39.5")
ODD = warn("docker", "Docker was installed by snap", "install it otherwise")
BAD = fail("registry", "r.example.com refuses", "log in", about="r.example.com")


def test_only_what_fails_stops_an_apply() -> None:
    assert Checkup(manifest="", checks=()).healthy
    assert Checkup(manifest="", checks=(GOOD, ODD)).healthy
    assert not Checkup(manifest="", checks=(GOOD, BAD, ODD)).healthy


def test_what_nobody_needs_is_worth_a_look_alone() -> None:
    assert fail("docker", "none", "start it", needed=False).level is Level.WARN
    assert fail("docker", "none", "start it").level is Level.FAIL


def test_as_data() -> None:
    assert Checkup(manifest="m.yaml", checks=(GOOD, BAD)).to_dict() == {
        "doctorVersion": 1,
        "manifest": "m.yaml",
        "healthy": False,
        "checks": [
            {"name": "git", "about": None, "level": "ok", "summary": "git version 2.39.5", "hint": None},
            {"name": "registry", "about": "r.example.com", "level": "fail", "summary": "r.example.com refuses", "hint": "log in"},
        ],
    }
