"""Names parse into parts and print back; what is no name says what is wrong with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.names import ImageName, Platform, is_tag, sha256

DIGEST = sha256(b"")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ubuntu", ("docker.io", "library/ubuntu", "latest", "")),
        ("kairos/core:v3", ("docker.io", "kairos/core", "v3", "")),
        ("127.0.0.1:5000/edge/os:1.30", ("127.0.0.1:5000", "edge/os", "1.30", "")),
        ("localhost/edge", ("localhost", "edge", "latest", "")),
        (f"r.example.com/edge@{DIGEST}", ("r.example.com", "edge", "", DIGEST)),
        (f"r.example.com/edge:1@{DIGEST}", ("r.example.com", "edge", "1", DIGEST)),
        ("[::1]:5000/edge:1", ("[::1]:5000", "edge", "1", "")),
    ],
)
def test_an_image_name_has_dockers_parts(text: str, parts: tuple[str, str, str, str]) -> None:
    name = ImageName.parse(text)
    assert (name.registry, name.repository, name.tag, name.digest) == parts


def test_a_layout_is_told_from_the_repository_by_the_manifests_registry() -> None:
    name = ImageName.parse("oci-layout:../out/registry/edge/os:1", layout="oci-layout:../out/registry")
    assert (name.registry, name.repository, name.tag) == ("oci-layout:../out/registry", "edge/os", "1")
    assert str(name) == "oci-layout:../out/registry/edge/os:1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("oci-layout:x/y:1", "'oci-layout:x/y:1' names an OCI layout that is not the manifest's registry"),
        (
            "r.example.com/Edge:1",
            "'r.example.com/Edge:1' is not an image name: a repository is lower-case letters, digits and single separators (. _ -) between them, not 'Edge'",
        ),
        (
            "r.example.com/edge:-1",
            "'r.example.com/edge:-1' is not an image name: a tag is up to 128 letters, digits, '.', '_' and '-', and does not start with '.' or '-', not '-1'",
        ),
        ("r.example.com/edge@sha256:1", "'r.example.com/edge@sha256:1' is not an image name: a digest is sha256:<64 hex digits>, not 'sha256:1'"),
    ],
)
def test_what_is_no_image_name_says_why(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^.*$") as caught:
        ImageName.parse(text)
    assert str(caught.value) == message


segments = st.from_regex(r"[a-z0-9]+([._-][a-z0-9]+)?", fullmatch=True)


@given(st.lists(segments, min_size=1, max_size=3), st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True))
def test_a_printed_name_parses_to_itself(path: list[str], tag: str) -> None:
    name = ImageName(registry="r.example.com:5000", repository="/".join(path), tag=tag)
    assert ImageName.parse(str(name)) == name


REPOSITORIES = st.sampled_from(["ubuntu", "edge/os", "localhost:5000", "localhost:5000/os", "r.example.com/edge", "oci-layout:out", "oci-layout:out/os"])
TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,3}", fullmatch=True)


@given(REPOSITORIES | st.text(alphabet="aA./:@-", max_size=8), TAGS, TAGS)
def test_what_a_tag_may_hold_does_not_change_where_the_repository_ends(repository: str, one: str, other: str) -> None:
    assert is_tag(one)
    try:
        name = ImageName.parse(f"{repository}:{one}", layout="oci-layout:out")
    except ValueError:
        with pytest.raises(ValueError, match="name"):
            ImageName.parse(f"{repository}:{other}", layout="oci-layout:out")
    else:
        assert ImageName.parse(f"{repository}:{other}", layout="oci-layout:out") == name.with_tag(other)


def test_platforms_parse_and_print() -> None:
    assert str(Platform.parse("linux/arm64/v8")) == "linux/arm64/v8"
    with pytest.raises(ValueError, match="'amd64' is not a platform such as linux/amd64"):
        Platform.parse("amd64")
