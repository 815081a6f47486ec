from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.catalogs import Catalog, CatalogSource, catalog_for, earthfile_catalog, json_catalog
from matrixbuild.core.problems import Problem, Severity
from tests.manifest_texts import told

WHERE = CatalogSource(
    file="versions.json",
    plain="all-images",
    fips="all-images-fips",
    distribution_arg="K8S_DISTRIBUTION",
    version_arg="K8S_VERSION",
    fips_arg="FIPS_ENABLED",
)

FLAT = """VERSION 0.6
ARG K8S_DISTRIBUTION
FROM scratch

all-images:
    BUILD  +image --K8S_VERSION=1.24.6
    BUILD +image --K8S_VERSION=1.25.2
    BUILD +image --K8S_VERSION=1.24.6

all-images-fips:
    IF $FIPS_ENABLED && [ "$K8S_DISTRIBUTION" = "kubeadm-fips" ]
        BUILD +image --K8S_VERSION=1.24.13
    ELSE
        BUILD +image --K8S_VERSION=1.27.2
    END

image:
    IF [ "$K8S_DISTRIBUTION" = "kubeadm" ] || [ "${K8S_DISTRIBUTION}" == 'kubeadm-fips' ]
        ARG FLAVOR=none
    ELSE IF [ "$K8S_DISTRIBUTION" = "k3s" ] && [ "$OS" = "ubuntu" ]
        ARG FLAVOR=k3s1
    END
"""

CHAINS = """VERSION 0.6
ARG K8S_DISTRIBUTION
ARG IS_UKI=false
FROM scratch

all-images:
    IF [ "$IS_UKI" = "true" ]
        ARG TARGET=uki-image
    ELSE
        ARG TARGET=image
    END
    IF [ "$K8S_VERSION" = "" ]
        IF [ "$K8S_DISTRIBUTION" = "kubeadm" ]
            BUILD +$TARGET --K8S_VERSION=1.24.6
            BUILD +$TARGET --K8S_VERSION="1.25.2"
        ELSE IF [ "$K8S_DISTRIBUTION" = "rke2" ]
            BUILD +$TARGET --K8S_VERSION 1.26.4
        END
    ELSE
        BUILD +$TARGET --K8S_VERSION="$K8S_VERSION"
    END

all-images-fips:
    IF [ "$K8S_VERSION" = "" ]
        IF [ "$K8S_DISTRIBUTION" = "kubeadm-fips" ]
            BUILD +image --K8S_VERSION=1.24.13
        ELSE
            WAIT
                BUILD --platform=linux/amd64 +image --OTHER=9.9.9 --K8S_VERSION=1.28.5
            END
        END
    ELSE
        BUILD +image --K8S_VERSION="$K8S_VERSION"
    END

image:
    RUN true
"""


def of_json(text: str) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    problems: list[Problem] = []
    catalog = json_catalog(text, "versions.json", problems)
    assert catalog.fips is None
    return dict(catalog.plain), told(tuple(problems))


def of_earthfile(text: str) -> Catalog:
    problems: list[Problem] = []
    catalog = earthfile_catalog(text, "Earthfile", WHERE, problems)
    assert told(tuple(problems)) == []
    assert catalog
    return catalog


class TestJson:
    def test_lists_in_their_order(self) -> None:
        assert of_json('{"rke2": ["1.34.2", "1.33.10"], "k3s": [], "x": ["1.0.0"]}\n') == (
            {"rke2": ("1.34.2", "1.33.10"), "k3s": (), "x": ("1.0.0",)},
            [],
        )

    def test_fips_has_the_same(self) -> None:
        catalog = json_catalog('{"k3s": ["1.34.2"]}', "v.json", [])
        assert catalog.versions("k3s") == catalog.versions("k3s", fips=True) == ("1.34.2",)
        assert (catalog.versions("foo"), catalog.distributions, catalog.file) == ((), ("k3s",), "v.json")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (
                '{\n  "k3s": [\n    "1.32.2"\n    "1.32.3"\n  ]\n}',
                "versions.json:4:5: versions.json is no JSON: expecting ',' delimiter [\"] (mend the file, or pin a ref of the source where it is right)",
            ),
            ("", "versions.json:1:1: versions.json is no JSON: expecting value [] (mend the file, or pin a ref of the source where it is right)"),
            ("[" * 100_000, 'versions.json:1:1: versions.json is nested too deeply [[] (write {"k3s": ["1.34.2", ...], ...})'),
            ('["1.32.2"]', 'versions.json:1:1: the file holds no object of lists of versions [[] (write {"k3s": ["1.34.2", ...], ...})'),
            ("1" * 5000, f'versions.json:1:1: the file holds no object of lists of versions [{"1" * 5000}] (write {{"k3s": ["1.34.2", ...], ...}})'),
        ],
    )
    def test_what_cannot_be_read(self, text: str, message: str) -> None:
        assert of_json(text) == ({}, [message])

    @pytest.mark.parametrize(
        ("text", "read", "messages"),
        [
            (
                '{"a": {"b": ["1.0.0"]}, "k3s": ["1.34.2"]}',
                {"a": (), "k3s": ("1.34.2",)},
                ['versions.json:1:7: the versions of a are no list [{] (write {"k3s": ["1.34.2", ...], ...})'],
            ),
            (
                '{"a": "1.0.0", "k3s": ["1.34.2"]}',
                {"a": (), "k3s": ("1.34.2",)},
                ['versions.json:1:7: the versions of a are no list ["1.0.0"] (write {"k3s": ["1.34.2", ...], ...})'],
            ),
            (
                '{"k3s": ["1.34", 1.35, null, ["1.36.0"], "1.34.2"]}',
                {"k3s": ("1.34.2",)},
                [
                    'versions.json:1:10: "1.34" in the list of k3s is no version ["1.34"] (write x.y.z in quotes, as "1.34.2")',
                    'versions.json:1:18: 1.35 in the list of k3s is no version [1.35] (write x.y.z in quotes, as "1.34.2")',
                    'versions.json:1:24: null in the list of k3s is no version [null] (write x.y.z in quotes, as "1.34.2")',
                    'versions.json:1:30: [ in the list of k3s is no version [[] (write x.y.z in quotes, as "1.34.2")',
                ],
            ),
            (
                '{"k3s": [\n "1.34.2",\n "1.34.2"]}',
                {"k3s": ("1.34.2",)},
                ['versions.json:3:2: 1.34.2 is in the list of k3s twice ["1.34.2"] (it counts once; remove one of them)'],
            ),
            (
                '{"k3s": ["1.34.2"], "k3s": ["1.33.1"]}',
                {"k3s": ("1.34.2",)},
                ['versions.json:1:21: k3s stands in the file twice ["k3s"] (remove one of them)'],
            ),
        ],
    )
    def test_what_is_right_is_read_all_the_same(self, text: str, read: dict[str, tuple[str, ...]], messages: list[str]) -> None:
        assert of_json(text) == (read, messages)

    def test_only_a_version_that_is_there_twice_does_no_harm(self) -> None:
        problems: list[Problem] = []
        json_catalog('{"a": ["1.0.0", "1.0.0", "x"], "b": 1}', "v.json", problems)
        assert [(problem.code, problem.severity) for problem in problems] == [
            ("catalog-twice", Severity.WARNING),
            ("catalog-version", Severity.ERROR),
            ("catalog-shape", Severity.ERROR),
        ]

    versions = st.builds("{}.{}.{}".format, *[st.integers(0, 99)] * 3)

    @given(st.dictionaries(st.text(max_size=5), st.lists(versions, unique=True, max_size=4), max_size=4), st.sampled_from([None, 1]))
    def test_every_right_file_is_read_as_json_does(self, lists: dict[str, list[str]], indent: int | None) -> None:
        assert of_json(json.dumps(lists, indent=indent)) == ({name: tuple(versions) for name, versions in lists.items()}, [])

    anything = st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    )

    @given(anything)
    def test_any_json_is_read_or_told(self, value: object) -> None:
        found, problems = of_json(json.dumps(value))
        assert problems or {name: list(versions) for name, versions in found.items()} == value


class TestEarthfile:
    def test_one_flat_list_is_for_every_distribution_that_the_earthfile_knows(self) -> None:
        catalog = of_earthfile(FLAT)
        assert catalog.plain == dict.fromkeys(("kubeadm-fips", "kubeadm", "k3s"), ("1.24.6", "1.25.2"))
        assert catalog.distributions == ("k3s", "kubeadm", "kubeadm-fips")

    def test_fips_has_its_own(self) -> None:
        catalog = of_earthfile(FLAT)
        assert [catalog.versions(name, fips=True) for name in ("kubeadm-fips", "kubeadm", "k3s", "rke2")] == [
            ("1.24.13",),
            ("1.27.2",),
            ("1.27.2",),
            (),
        ]

    def test_chains_and_what_is_known_without_a_list(self) -> None:
        catalog = of_earthfile(CHAINS)
        assert catalog.plain == {"kubeadm": ("1.24.6", "1.25.2"), "rke2": ("1.26.4",), "kubeadm-fips": ()}
        assert catalog.fips == {"kubeadm": ("1.28.5",), "rke2": ("1.28.5",), "kubeadm-fips": ("1.24.13",)}

    def test_a_condition_that_no_one_can_read_names_nothing(self) -> None:
        unreadable = """    IF [ "$K8S_DISTRIBUTION" = k3s ] ${x\n        RUN true\n    END\n"""
        assert of_earthfile(CHAINS.replace("    RUN true\n", unreadable)) == of_earthfile(CHAINS)

    def test_without_a_list_there_is_no_catalog(self) -> None:
        problems: list[Problem] = []
        assert earthfile_catalog("VERSION 0.6\nFROM scratch\nimage:\n    RUN true\n", "Earthfile", WHERE, problems) is None
        assert problems == []

    @pytest.mark.parametrize(
        ("loop", "message"),
        [
            (
                "FOR version IN $(cat versions.txt)\n        BUILD +image --K8S_VERSION=$version\n    END",
                (
                    "Earthfile:6:9: the version $version is not known before the build [BUILD] "
                    "(name the versions in the manifest: this list is known only while it builds)"
                ),
            ),
            (
                "BUILD +image --K8S_VERSION=$(cat version.txt)",
                (
                    "Earthfile:5:5: the version $(cat version.txt) is not known before the build [BUILD] "
                    "(name the versions in the manifest: this list is known only while it builds)"
                ),
            ),
            (
                'BUILD +image --K8S_VERSION="${x"',
                'Earthfile:5:5: cannot expand "${x": ${x"...} is no expansion that Earthly knows [BUILD] (mend the quotes)',
            ),
            ("BUILD +image --K8S_VERSION", "Earthfile:5:5: --K8S_VERSION has no value [BUILD] (write --K8S_VERSION=value)"),
            ("BUILD --plattform=x +image", "Earthfile:5:11: BUILD has no flag --plattform [--plattform=x] (did you mean '--platform'?)"),
        ],
    )
    def test_what_only_a_build_knows_is_told(self, loop: str, message: str) -> None:
        problems: list[Problem] = []
        text = f'VERSION 0.8\nFROM scratch\n\nall-images:\n    {loop}\n\nimage:\n    IF [ "$K8S_DISTRIBUTION" = "k3s" ]\n        RUN true\n    END\n'
        assert earthfile_catalog(text, "Earthfile", WHERE, problems) is None
        assert told(tuple(problems)) == [message]

    def test_an_earthfile_that_is_none(self) -> None:
        problems: list[Problem] = []
        assert earthfile_catalog("VERSION 0.8\nall-images:\n    IF [ x ]\n", "Earthfile", WHERE, problems) is None
        assert [problem.code for problem in problems] == ["syntax"]

    def test_a_condition_that_is_not_known_counts_both_ways(self) -> None:
        text = CHAINS.replace('[ "$K8S_DISTRIBUTION" = "rke2" ]', '[ -f /x ] && [ "$K8S_DISTRIBUTION" = "rke2" ]')
        assert of_earthfile(text).plain == {"kubeadm": ("1.24.6", "1.25.2"), "rke2": ("1.26.4",), "kubeadm-fips": ("1.26.4",)}


class TestWhichOne:
    def test_the_json_file_where_there_is_one(self) -> None:
        catalog = catalog_for(WHERE, {"versions.json": '{"k3s": ["1.34.2"]}', "Earthfile": CHAINS}, [])
        assert catalog == Catalog(file="versions.json", plain={"k3s": ("1.34.2",)})

    def test_else_the_earthfile(self) -> None:
        assert catalog_for(WHERE, {"Earthfile": CHAINS}, []) == of_earthfile(CHAINS)

    def test_else_none(self) -> None:
        assert catalog_for(WHERE, {}, []) is None

    def test_a_broken_file_is_not_passed_over(self) -> None:
        problems: list[Problem] = []
        catalog = catalog_for(WHERE, {"versions.json": "{", "Earthfile": CHAINS}, problems)
        assert catalog == Catalog(file="versions.json", plain={})
        assert [problem.code for problem in problems] == ["catalog-syntax"]
