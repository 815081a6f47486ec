"""Whether a builder that runs will do for another apply, and what its container is like."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.shared_builder import BuilderSettings, host_config, rights, told, variables

PLAIN = BuilderSettings(image="sha256:1")
FULL = BuilderSettings(
    image="sha256:1",
    cache=100 << 30,
    privileged=True,
    proxies=(("HTTP_PROXY", "http://me:a-password@proxy:1"),),
    insecure=("a.test", "b.test:5000"),
    certificates=("one", "two"),
)

SETTINGS = st.builds(
    BuilderSettings,
    image=st.sampled_from(["sha256:1", "sha256:2"]),
    cache=st.sampled_from([0, 1 << 30, 2 << 30]),
    privileged=st.booleans(),
    proxies=st.sampled_from([(), (("HTTP_PROXY", "http://proxy:1"),)]),
    insecure=st.lists(st.sampled_from(["a.test", "b.test"]), unique=True).map(tuple),
    certificates=st.lists(st.sampled_from(["one", "two"]), unique=True).map(tuple),
)


@given(settings=SETTINGS)
def test_a_builder_does_for_what_it_was_made_for(settings: BuilderSettings) -> None:
    assert settings.lacking(settings.written()) == ()


@given(wanted=SETTINGS, has=SETTINGS)
def test_two_in_turn_come_to_rest(wanted: BuilderSettings, has: BuilderSettings) -> None:
    """What was made for one of them, keeping what the other had, does for the first."""
    assert wanted.lacking(wanted.keeping(has.written()).written()) == ()


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"image": "sha256:2"}, ("image",)),
        ({"cache": 1 << 30}, ("engine.cache",)),
        ({"privileged": True}, ("privileged",)),
        ({"proxies": ()}, ("proxies",)),
        ({"insecure": ("a.test", "c.test")}, ("network.insecure",)),
        ({"certificates": ("three",)}, ("network.ca",)),
        ({"insecure": (), "certificates": (), "cache": 0}, ()),
    ],
)
def test_more_than_is_wanted_does_no_harm_and_less_is_told(change: dict[str, object], names: tuple[str, ...]) -> None:
    has = replace(FULL, privileged=False)
    assert replace(has, **change).lacking(has.written()) == names  # type: ignore[arg-type]


def test_one_that_has_all_rights_does_for_builds_that_need_none() -> None:
    assert replace(FULL, privileged=False).lacking(FULL.written()) == ()


@pytest.mark.parametrize("label", ["", "{", "[]", "7", '{"image": "sha256:1"}'])
def test_a_label_that_is_none_is_no_builder_of_ours(label: str) -> None:
    assert FULL.lacking(label)


def test_passwords_of_proxies_are_in_no_label() -> None:
    assert "a-password" not in FULL.written()
    assert "a-password" not in repr(FULL)


def environ(settings: BuilderSettings) -> dict[str, str]:
    return dict(variable.partition("=")[::2] for variable in variables(settings, 20_000))


def test_its_configuration_is_read_as_it_is_meant() -> None:
    found = tomllib.loads(environ(FULL)["EARTHLY_ADDITIONAL_BUILDKIT_CONFIG"])
    plain = {"http": True, "insecure": True}
    assert found == {"grpc": {"address": ["tcp://127.0.0.2:20000"]}, "registry": {"a.test": plain, "b.test:5000": plain}}


@given(hosts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), unique=True))
def test_whatever_a_registry_is_called_the_configuration_is_one(hosts: list[str]) -> None:
    # json.dumps and TOML differ in one character alone, and no host has it.
    hosts = [host for host in hosts if "\x7f" not in host]
    found = tomllib.loads(environ(replace(PLAIN, insecure=tuple(hosts)))["EARTHLY_ADDITIONAL_BUILDKIT_CONFIG"])
    assert set(found.get("registry", {})) == set(hosts)


def test_its_cache_is_as_large_as_it_is_wanted() -> None:
    assert (environ(FULL)["CACHE_SIZE_MB"], environ(FULL)["CACHE_SIZE_PCT"]) == ("102400", "0")
    assert "CACHE_SIZE_MB" not in environ(PLAIN)
    assert environ(replace(PLAIN, cache=1))["CACHE_SIZE_MB"] == "1"


def test_rights_are_all_or_what_builds_need() -> None:
    assert rights(FULL, cgroups=2) == {"Privileged": True}
    assert "CgroupnsMode" not in rights(PLAIN, cgroups=1)
    assert rights(PLAIN, cgroups=2)["CgroupnsMode"] == "host"


@pytest.mark.parametrize("settings", [PLAIN, FULL])
def test_its_cache_is_in_a_volume(settings: BuilderSettings) -> None:
    assert host_config(settings, volume="cache", root="/tmp/earthly", cgroups=1)["Binds"][0] == "cache:/tmp/earthly:rw"


@pytest.mark.parametrize(("names", "text"), [(("a",), "a"), (("a", "b"), "a and b"), (("a", "b", "c"), "a, b and c")])
def test_differences_are_told_in_a_sentence(names: tuple[str, ...], text: str) -> None:
    assert told(names) == text
