"""Explaining Earthly targets of a project: called as its cells call them, or with spec.args where no target builds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrixbuild.core.explain import Proof
from matrixbuild.core.explain_variants import Explanation
from matrixbuild.core.problems import InvalidError, Place
from matrixbuild.workflow.explaining import explain_manifest
from matrixbuild.workflow.options import Options
from tests.workflow.test_planning_earthly import FILES, edit


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def explained(project: Path, word: str, **args: str) -> Explanation:
    (found,) = explain_manifest(project / "m.yaml", word, overrides=tuple(sorted(args.items()))).explanations
    return found


def names(found: Explanation) -> list[str]:
    return [seen.what.name for seen in found.used]


def test_a_target_that_the_manifest_builds_is_called_as_its_cells_call_it(project: Path) -> None:
    found = explained(project, "+provider")
    (variant,) = found.variants
    assert len(variant.callers) == 8
    assert {caller.target for caller in variant.callers} == {"provider"}
    assert names(found) == ["FIPS", "K8S", "OS"]
    assert [seen.what for seen in found.name_only] == ["CUSTOM_TAG", "IMAGE", "TAG"]
    assert found.declared_by == ("provider",)
    assert found.shared == (("+base-image", ("+iso",)),)
    assert [seen.what.ref for seen in found.bases] == ["alpine:3.20", "example.com/jammy", "example.com/noble"]


def test_the_line_of_a_file_that_a_command_may_run_is_told(project: Path) -> None:
    (seen,) = [seen for seen in explained(project, "+provider").used if seen.what.name == "K8S"]
    assert seen.what.proof is Proof.FILE
    assert seen.what.place.line == 26
    assert seen.what.file == Place(file="script.sh", line=2, column=14, text="install k8s/$K8S", width=3)


def test_a_target_that_nothing_builds_gets_spec_args(project: Path) -> None:
    found = explained(project, "+base-image")
    assert found.declared_by == ()
    assert found.reached_by == ("+iso", "+provider")
    assert {caller.target for variant in found.variants for caller in variant.callers} == {""}
    assert [seen.what.ref for seen in found.bases] == ["alpine:3.20", "example.com/jammy", "example.com/noble"]
    assert [(seen.what[0]) for seen in found.dockerfiles] == ["Dockerfile"]


def test_an_arg_on_the_command_line_wins(project: Path) -> None:
    found = explained(project, "+base-image", OS="focal")
    assert [seen.what.ref for seen in found.bases] == ["alpine:3.20", "example.com/focal"]


def test_an_arg_that_no_path_declares_is_a_mistake(project: Path) -> None:
    with pytest.raises(InvalidError) as caught:
        explained(project, "+base-image", FIPSS="true")
    (problem,) = caught.value.problems
    assert (problem.summary, problem.hint) == ("no ARG FIPSS is on the path of +base-image", "did you mean 'FIPS'?")


def test_a_guard_that_would_fire_is_told_for_the_variant_it_stops(project: Path) -> None:
    edit(project, "m.yaml", "  args: {", '  args: {FIPS: "{{ fips }}", ')
    found = explained(project, "+base-image", UPDATE="true")
    ((guard),) = found.guards
    assert guard.what.message == "ERROR: FIPS and UPDATE are exclusive."
    (number,) = guard.variants
    cells = {str(caller.cell) for caller in found.variants[number - 1].callers}
    assert cells == {f"fips=true,k8s={k8s},os={system}" for k8s in ("1.33", "1.34") for system in ("jammy", "noble")}


def test_where_no_call_can_be_analysed_that_is_the_answer(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    edit(project, "src/Earthfile", "    COPY overlay /\n", "    COPY nowhere /\n")
    with pytest.raises(InvalidError) as caught:
        explained(project, "+iso")
    assert str(caught.value) == "src/Earthfile:31:5: nothing to copy at /nowhere"


def test_an_earthly_target_that_is_not_there_is_told_with_a_near_miss(project: Path) -> None:
    with pytest.raises(InvalidError) as caught:
        explained(project, "+base-imag")
    (problem,) = caught.value.problems
    assert (problem.summary, problem.hint) == ("there is no target +base-imag in Earthfile", "did you mean 'base-image'?")


def test_another_directory_stands_in_for_the_source(project: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/Earthfile").write_text("VERSION 0.8\nprovider:\n    FROM scratch\niso:\n    ARG OS\n    FROM example.com/$OS\n")
    found = explain_manifest(project / "m.yaml", "+iso", options=Options(source=tmp_path / "other")).explanations[0]
    assert names(found) == ["OS"]


def test_an_overview_tells_of_each_why_it_cannot_be_analysed(project: Path) -> None:
    edit(project, "src/Earthfile", "    COPY overlay /\n", "    COPY nowhere /\n")
    (project / "src/sub").mkdir()
    (project / "src/sub/Earthfile").write_text("VERSION 0.8\n# What it is for.\nt:\n    FROM scratch\n")
    (project / "src/broken").mkdir()
    (project / "src/broken/Earthfile").write_text("VERSION 0.8\nt:\n    NONSENSE\n")
    found = explain_manifest(project / "m.yaml", None)
    assert [each.earthly for each in found.explanations] == ["+base-image", "+provider", "+iso", "+anything", "sub+t"]
    assert [len(each.problems) for each in found.explanations] == [0, 0, 1, 0, 0]
    assert found.explanations[4].docs.strip() == "What it is for."
    (problem,) = found.broken
    assert "NONSENSE" in problem.summary


def test_an_arg_for_all_targets_that_only_one_with_an_image_can_have_is_left_out(project: Path) -> None:
    edit(project, "m.yaml", "  args: {", '  args: {IMAGE: "{{ image.ref }}", ')
    text = (project / "m.yaml").read_text()
    (project / "m.yaml").write_text(text[: text.index("    iso:")])
    found = explained(project, "+base-image")
    assert found.left_out == ("IMAGE",)
    assert [seen.what.ref for seen in found.bases] == ["alpine:3.20", "example.com/jammy", "example.com/noble"]


def test_calls_that_fail_in_as_many_ways_as_there_are_cells_are_not_tried_for_ever(project: Path) -> None:
    values = ", ".join(f"v{number}" for number in range(80))
    edit(project, "m.yaml", "os: [jammy, noble]", f"os: [{values}]")
    edit(project, "src/Earthfile", "    COPY overlay /\n", "    COPY nowhere-$OS /\n")
    (found,) = [each for each in explain_manifest(project / "m.yaml", None).explanations if each.earthly == "+iso"]
    summaries = [problem.summary for problem in found.problems]
    assert len(summaries) == 51
    assert summaries[-1] == "not tried, as 50 other calls of +iso have failed"
    assert sum(len(variant.callers) for variant in found.variants) == 320


def test_what_the_manifest_corrects_is_corrected_and_told(project: Path) -> None:
    edit(project, "m.yaml", "      earthly: +provider\n", "      earthly: +provider\n      uses:\n        add: [TAG]\n        ignore: [K8S]\n")
    found = explained(project, "+provider")
    assert names(found) == ["FIPS", "OS", "TAG"]
    (added,) = [seen.what for seen in found.used if seen.what.name == "TAG"]
    assert (added.proof, added.place.text.strip()) == (Proof.USES, "add: [TAG]")
    assert [(seen.what.name, seen.what.adds, seen.what.place.text.strip()) for seen in found.corrections] == [
        ("K8S", False, "ignore: [K8S]"),
        ("TAG", True, "add: [TAG]"),
    ]
    assert "K8S" in [seen.what for seen in found.unused]


def test_targets_that_correct_otherwise_are_variants_of_their_own(project: Path) -> None:
    twin = '    twin: {earthly: +iso, args: {OS: "{{ os }}", FIPS: "{{ fips }}"}, uses: {ignore: [FIPS]}, artifacts: [{path: /x, as: x}]}\n'
    before = explained(project, "+iso")
    assert "FIPS" in names(before)
    edit(project, "m.yaml", "  targets:\n", f"  targets:\n{twin}")
    found = explained(project, "+iso")
    (fips,) = [seen for seen in found.used if seen.what.name == "FIPS"]
    callers = {variant.number: {caller.target for caller in variant.callers} for variant in found.variants}
    assert {target for number in fips.variants for target in callers[number]} == {"iso"}
    assert {target for number in found.corrections[0].variants for target in callers[number]} == {"twin"}
