from __future__ import annotations

from pathlib import Path

import pytest

from matrixbuild.adapters.manifest_files import MAX_FILES, read_manifest_document
from matrixbuild.core.problems import InvalidError
from tests.manifest_texts import PARTS, manifest_text, told

COMMON = "spec:\n" + "\n".join(PARTS.values()) + "\n"
HEAD = "apiVersion: matrixbuild/v1\nkind: BuildMatrix\nmetadata: {name: edge}\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory to stand in, so that messages name files as a person does."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(**texts: str) -> None:
    """Files by name; `__` in a name is a slash."""
    for name, text in texts.items():
        path = Path(f"{name.replace('__', '/')}.yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def problems(path: str) -> list[str]:
    with pytest.raises(InvalidError) as caught:
        read_manifest_document(Path(path))
    return told(caught.value.problems)


def test_a_manifest_alone(project: Path) -> None:
    written(m=manifest_text() + "x-mine: {a: b}\n")
    document = read_manifest_document(Path("m.yaml"))
    assert document.file == "m.yaml"
    assert list(document.root.entries) == ["apiVersion", "kind", "metadata", "spec"]


def test_neither_file_need_be_complete(project: Path) -> None:
    written(common=COMMON, m=f"extends: common.yaml\n{HEAD}spec:\n  args: {{A: b}}\n")
    document = read_manifest_document(Path("m.yaml"))
    assert document.root["spec"]["args"].data == {"A": "b"}
    assert document.root["spec"]["registry"].place.file == "common.yaml"


def test_a_chain_over_directories(project: Path) -> None:
    written(
        base__deep__a=COMMON + "  network: {ca: [../a.pem]}\n",
        base__b="extends: deep/a.yaml\nspec:\n  registry: oci-layout:out\n",
        manifests__m=f"extends: ../base/b.yaml\n{HEAD}spec: {{}}\n",
    )
    spec = read_manifest_document(Path("manifests/m.yaml")).root["spec"]
    assert (spec["source"].data, spec["registry"].data, spec["network"].data) == (
        {"path": "../base/deep/edge"},
        "oci-layout:../base/out",
        {"ca": ["../base/a.pem"]},
    )
    assert spec["source"]["path"].place.file == "base/deep/a.yaml"


def test_a_directory_that_is_a_link(project: Path) -> None:
    """`..` from where the link leads, not from where it stands."""
    written(real__base__common=COMMON.replace("path: edge", "path: ../edge"), m=f"extends: link/common.yaml\n{HEAD}spec: {{}}\n")
    (project / "link").symlink_to("real/base")
    assert read_manifest_document(Path("m.yaml")).root["spec"]["source"].data == {"path": "real/edge"}


def test_what_is_missing_in_the_end_is_told(project: Path) -> None:
    written(
        common="spec:\n  registry: registry.example.com/edge\n",
        m=f"extends: common.yaml\n{HEAD.replace('metadata: {name: edge}', 'metadata: {}')}spec: {{}}\n",
    )
    assert problems("m.yaml") == [
        "m.yaml:4:1: metadata has no 'name' [metadata] (Names the state directory (.matrixbuild/NAME) and stands in the lock. Two manifests of one project have two names.)",
        "m.yaml:5:1: spec has no 'source' [spec] (The tree that holds the Earthfile and the files it copies: a directory, or a git repository at a ref.)",
        (
            "m.yaml:5:1: spec has no 'axes' [spec] (The dimensions of the matrix. A cell is one value of each; all combinations are cells unless"
            " rules drop them. An axis of the profile that is left out has its one default value.)"
        ),
        "m.yaml:5:1: spec has no 'targets' [spec] (What is built for the cells, by name.)",
    ]


def test_metadata_of_an_extended_manifest_is_not_enough(project: Path) -> None:
    written(common=HEAD + COMMON, m="extends: common.yaml\nspec: {}\n")
    assert problems("m.yaml") == ["m.yaml:1:1: the manifest has no 'metadata' [extends: common.yaml] (What the matrix is called.)"]


def test_all_files_are_told_at_once_each_by_its_name(project: Path) -> None:
    written(
        common=COMMON.replace("registry:", "registri:"),
        m=f"extends: common.yaml\n{HEAD}spec:\n  publish: {{tags: mutabel}}\n  sources: {{}}\n  registry: registry.example.com/edge\n",
    )
    assert problems("m.yaml") == [
        "m.yaml:6:19: spec.publish.tags has to be immutable or mutable, not 'mutabel' [mutabel] (did you mean 'mutable'?)",
        "m.yaml:7:3: unknown key 'sources' in spec [sources] (did you mean 'source'?)",
        "common.yaml:3:3: unknown key 'registri' in spec [registri] (did you mean 'registry'?)",
    ]


def test_two_files_that_do_not_fit(project: Path) -> None:
    rule = "  rules: [{name: a, deny: {os: b}, reason: c}]\n"
    written(common=COMMON + rule, m=f"extends: common.yaml\n{HEAD}spec:\n{rule.replace('deny', 'dney')}")
    assert problems("m.yaml") == [
        "m.yaml:6:21: unknown key 'dney' in spec.rules[0] [dney] (did you mean 'deny'?)",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"kind": "Plan", "planVersion": 1, "name": "edge"}',
            'p.yaml:1:18: this is a saved plan, not a manifest ["planVersion"] (`matrixbuild apply p.yaml` carries it out)',
        ),
        ('{"lockVersion": 1}', 'p.yaml:1:2: this is a lock, not a manifest ["lockVersion"] (name the manifest it lies beside)'),
    ],
)
def test_what_this_program_wrote_itself(project: Path, text: str, message: str) -> None:
    written(p=text)
    assert problems("p.yaml") == [message]


def test_a_manifest_with_a_key_of_ours_that_is_none(project: Path) -> None:
    written(p=manifest_text() + "planVersion: 1\n")
    (message,) = problems("p.yaml")
    assert "unknown key 'planVersion'" in message


class TestNowhere:
    def test_a_missing_file(self, project: Path) -> None:
        written(common=COMMON, m=f"{HEAD}extends: comon.yaml\nspec:\n  registr: x\n")
        assert problems("m.yaml") == [
            "m.yaml:4:10: there is no file comon.yaml [comon.yaml] (did you mean 'common.yaml'?)",
            "m.yaml:6:3: unknown key 'registr' in spec [registr] (did you mean 'registry'?)",
        ]

    def test_a_missing_directory(self, project: Path) -> None:
        written(m=f"{HEAD}extends: nowhere/common.yaml\n")
        assert problems("m.yaml") == [
            "m.yaml:4:10: there is no file nowhere/common.yaml [nowhere/common.yaml] (`extends` is relative to the file it stands in)"
        ]

    def test_a_name_that_no_file_can_have(self, project: Path) -> None:
        written(m=f"{HEAD}extends: {'x' * 5000}.yaml\n")
        place = f"m.yaml:4:10: there is no file {'x' * 199}…"
        assert problems("m.yaml") == [f"{place} [{'x' * 5000}.yaml] (`extends` is relative to the file it stands in)"]

    def test_a_directory(self, project: Path) -> None:
        written(sub__common=COMMON, m=f"{HEAD}extends: sub\n")
        assert problems("m.yaml") == ["m.yaml:4:10: there is no file sub [sub] (`extends` is relative to the file it stands in)"]

    @pytest.mark.parametrize(
        ("value", "place"), [("[a.yaml, b.yaml]", ""), ("{a: b}", ""), ("", ""), ("3", "10"), ("''", "10"), ("' '", "10"), ('"a\\0"', "10")]
    )
    def test_what_is_no_name(self, project: Path, value: str, place: str) -> None:
        written(m=f"{HEAD}extends: {value}\n")
        spot = (
            f"m.yaml:4:10: extends has to be the name of one file [{value}]"
            if place == "10"
            else "m.yaml:4:1: extends has to be the name of one file [extends]"
        )
        assert f"{spot} (for example extends: common.yaml)" in problems("m.yaml")

    def test_itself(self, project: Path) -> None:
        written(m=f"{HEAD}extends: ./m.yaml\n")
        assert problems("m.yaml") == ["m.yaml:4:10: manifests extend each other in a circle: m.yaml -> m.yaml [./m.yaml] (take one `extends` out)"]

    def test_a_circle_is_named_in_full(self, project: Path) -> None:
        written(m=f"{HEAD}extends: sub/a.yaml\n", sub__a="extends: b.yaml\n", sub__b="extends: ../sub/a.yaml\n")
        assert problems("m.yaml") == [
            "sub/b.yaml:1:10: manifests extend each other in a circle: sub/a.yaml -> sub/b.yaml -> sub/a.yaml [../sub/a.yaml] (take one `extends` out)"
        ]

    def test_a_chain_without_end(self, project: Path) -> None:
        for number in range(MAX_FILES + 2):
            written(**{f"m{number}": f"extends: m{number + 1}.yaml\n"})
        assert problems("m0.yaml") == [
            f"m{MAX_FILES - 1}.yaml:1:10: a manifest is made of at most {MAX_FILES} files [m{MAX_FILES}.yaml] (put what they share into fewer files)"
        ]

    def test_an_extended_file_that_is_no_yaml(self, project: Path) -> None:
        written(common="[" * 100_000, m=f"{HEAD}extends: common.yaml\n")
        assert problems("m.yaml") == ["common.yaml:1:65: this is nested more than 64 deep [[] (close the brackets, or write less nesting)"]
