from __future__ import annotations

import pytest

from matrixbuild.adapters.profiles import profile
from matrixbuild.core.catalogs import Catalog
from matrixbuild.core.declared import Text
from matrixbuild.core.problems import Place
from matrixbuild.core.translation import Checkout, Translation, translate

CANVOS = profile(Text(value="canvos", place=Place(file="m.yaml", line=1)))
CATALOG = Catalog(file="k8s_version.json", plain={"k3s": ("1.28.5", "1.28.7", "1.29.0"), "rke2": ("1.29.3",)})
DECLARED = {
    "IMAGE_REGISTRY": "",
    "IMAGE_REPO": None,
    "CUSTOM_TAG": "",
    "ISO_NAME": "installer",
    "OS_DISTRIBUTION": "",
    "OS_VERSION": "22.04",
    "K8S_DISTRIBUTION": "",
    "K8S_VERSION": "",
    "ARCH": "",
    "BASE_IMAGE": None,
    "FIPS_ENABLED": "false",
    "TWO_NODE": "false",
    "IS_UKI": "false",
    "DISABLE_SELINUX": "true",
    "INSTALL_NVIDIA_GPU_DRIVERS": "false",
    "UPDATE_KERNEL": "false",
    "HTTP_PROXY": "",
    "EDGE_CUSTOM_CONFIG": ".edge-custom-config.yaml",
    "MY_ORG": "ACME Corp",
    "KINE_VERSION": "0.15.0",
    "UBUNTU_PRO_KEY": "",
    "UKI_BRING_YOUR_OWN_KEYS": "false",
    "PE_VERSION": "v4.9.38",
}


def said(**variables: str) -> Translation:
    """Of the files that variables name, key.yaml is there."""
    return translate(Checkout(variables=variables, declared=DECLARED, catalog=CATALOG, files=frozenset({"key.yaml"})), CANVOS)


def remarks(**variables: str) -> list[str]:
    return [str(remark) for remark in said(**variables).remarks]


class TestSaid:
    def test_axes(self) -> None:
        found = said(
            OS_DISTRIBUTION="ubuntu",
            OS_VERSION="22.04",
            K8S_DISTRIBUTION="k3s",
            K8S_VERSION="1.28.7",
            ARCH="arm64",
            FIPS_ENABLED="true",
            TWO_NODE="false",
            IS_UKI="true",
        )
        assert found.axes == {
            "os": {"distribution": "ubuntu", "version": "22.04"},
            "kubernetes": {"distribution": "k3s", "version": "1.28.7"},
            "arch": {"": "arm64"},
            "fips": {"": True},
            "twoNode": {"": False},
            "uki": {"": True},
        }
        assert found.remarks == []

    def test_what_says_it_the_other_way_round(self) -> None:
        assert said(DISABLE_SELINUX="false").axes == {"selinux": {"": True}}
        assert said(DISABLE_SELINUX="true").axes == {"selinux": {"": False}}

    def test_what_is_a_word_among_others(self) -> None:
        assert said(INSTALL_NVIDIA_GPU_DRIVERS="true").axes == {"gpu": {"": "nvidia"}}
        assert said(INSTALL_NVIDIA_GPU_DRIVERS="false").axes == {}

    def test_registry_vars_and_base_image(self) -> None:
        found = said(IMAGE_REGISTRY="ttl.sh/x", CUSTOM_TAG="demo", ISO_NAME="edge", BASE_IMAGE="r.example/base:1")
        assert (found.registry, found.vars, found.base_image) == ("ttl.sh/x", {"customTag": "demo", "isoName": "edge"}, "r.example/base:1")

    def test_the_rest_are_args_where_they_differ_from_the_earthfile(self) -> None:
        assert said(MY_ORG="ACME Corp", KINE_VERSION="0.11.4", UKI_BRING_YOUR_OWN_KEYS="true").args == {
            "KINE_VERSION": "0.11.4",
            "UKI_BRING_YOUR_OWN_KEYS": "true",
        }

    def test_empty_where_the_earthfile_has_something_is_said_and_else_not(self) -> None:
        assert said(MY_ORG="", CUSTOM_TAG="", K8S_VERSION="", HTTP_PROXY="").args == {"MY_ORG": ""}

    def test_a_file_that_is_there(self) -> None:
        assert said(EDGE_CUSTOM_CONFIG="key.yaml").args == {"EDGE_CUSTOM_CONFIG": "key.yaml"}


class TestRemarks:
    def test_the_misspelling_of_the_vendors_guide(self) -> None:
        found = said(K8S_DISTRIBUTION="k3s", K8s_VERSION="1.28.7")
        assert found.axes["kubernetes"] == {"distribution": "k3s", "version": "1.28.7"}
        assert [str(remark) for remark in found.remarks] == [
            "K8s_VERSION=1.28.7: read as K8S_VERSION; under the name it has, Earthly takes no notice of it"
        ]

    def test_a_misspelling_beside_the_right_name(self) -> None:
        found = said(K8S_VERSION="1.28.5", K8s_VERSION="1.28.7")
        assert found.axes["kubernetes"] == {"version": "1.28.5"}
        assert [str(remark) for remark in found.remarks] == ["K8s_VERSION=1.28.7: this Earthfile has no such ARG: did you mean 'K8S_VERSION'?"]

    @pytest.mark.parametrize(
        ("name", "value", "remark"),
        [
            ("TWO_NODES", "true", "TWO_NODES=true: this Earthfile has no such ARG: did you mean 'TWO_NODE'?"),
            ("UNHEARD", "x", "UNHEARD=x: this Earthfile has no such ARG"),
            ("TWO_NODE", "True", "TWO_NODE=True: write true or false: the Earthfile runs the value as a command"),
            ("DISABLE_SELINUX", "yes", "DISABLE_SELINUX=yes: write true or false: the Earthfile runs the value as a command"),
            ("HTTP_PROXY", "http://u:p@x", "HTTP_PROXY: it comes from the environment variable of that name when something is built"),
            ("https_proxy", "http://x", "https_proxy: it comes from the environment variable of that name when something is built"),
            (
                "UBUNTU_PRO_KEY",
                "C1234",
                (
                    "UBUNTU_PRO_KEY: it looks like a credential and is not copied: "
                    "this Earthfile has an ARG of that name, which would show it to everybody who has the image"
                ),
            ),
            ("MY_TOKEN", "abc", "MY_TOKEN: it looks like a credential and is not copied: give it to builds under `secrets`"),
            ("PE_VERSION", "v1", "PE_VERSION=v1: it is read from the Earthfile, which knows what it builds"),
            (
                "EDGE_CUSTOM_CONFIG",
                ".edge-custom-config.yaml",
                "EDGE_CUSTOM_CONFIG=.edge-custom-config.yaml: there is no such file in the checkout, and CanvOS does without a word; matrixbuild would refuse",
            ),
        ],
    )
    def test_what_a_manifest_cannot_say(self, name: str, value: str, remark: str) -> None:
        found = said(**{name: value})
        assert [str(one) for one in found.remarks] == [remark]
        assert (found.args, found.axes) == ({}, {})

    def test_a_version_of_ubuntu_without_its_dot(self) -> None:
        found = said(OS_DISTRIBUTION="ubuntu", OS_VERSION="22")
        assert found.axes["os"] == {"distribution": "ubuntu", "version": "22.04"}
        assert [str(one) for one in found.remarks] == ["OS_VERSION=22: written as 22.04: kernel packages are called after the dotted version"]
        assert said(OS_DISTRIBUTION="rhel", OS_VERSION="22").axes["os"]["version"] == "22"

    def test_a_version_that_is_not_listed(self) -> None:
        """The one of the vendor's own example."""
        assert remarks(K8S_DISTRIBUTION="k3s", K8S_VERSION="1.28.2") == [
            "K8S_VERSION=1.28.2: k8s_version.json does not have it for k3s; it has 1.28.5, 1.28.7"
        ]
        assert remarks(K8S_DISTRIBUTION="rke2", K8S_VERSION="1.30.0") == [
            "K8S_VERSION=1.30.0: k8s_version.json does not have it for rke2; it has 1.29.3"
        ]

    def test_a_distribution_that_is_not_listed(self) -> None:
        assert remarks(K8S_DISTRIBUTION="k3") == ["K8S_DISTRIBUTION=k3: k8s_version.json has no versions of it: did you mean 'k3s'?"]
        assert remarks(K8S_DISTRIBUTION="nomad") == ["K8S_DISTRIBUTION=nomad: k8s_version.json has no versions of it: it has k3s, rke2"]
