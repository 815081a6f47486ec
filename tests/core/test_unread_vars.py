"""A var that nothing reads is said, wherever it could have been read."""

from __future__ import annotations

import pytest

from matrixbuild.core.expand import expand
from matrixbuild.core.problems import Severity
from tests.manifest_texts import declared, expanded, manifest_text

IMAGE = 'image: {repository: "{{ registry }}/provider", tag: "{{ os }}-{{ fips }}"}'
TARGET = f"  targets:\n    provider:\n      earthly: +provider\n      args: {{OS: '{{{{ os }}}}'}}\n      {IMAGE}"


def remarks(target: str = TARGET, *, given: str = '{release: "1"}', more: str = "", **sets: str) -> list[str]:
    found = expand(declared(manifest_text(vars=f"  vars: {given}", targets=target, more=more), **sets)).warnings
    assert all(problem.severity is Severity.WARNING for problem in found)
    return [f"{problem.place}: {problem.summary} ({problem.hint})" for problem in found]


def test_a_var_that_no_template_reads_is_said() -> None:
    assert remarks() == ["m.yaml:17:19: no template reads vars.release (read it as {{ vars.release }}, or remove it)"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{{ fips }}", "{{ fips }}-{{ vars.release }}"),
        ("{{ fips }}", "{{ fips }}-{{ vars['release'] }}"),
        ("/provider", "/{{ vars.release }}/provider"),
        ("OS: '", "OS: '{% if vars.release %}x{% endif %}"),
        ("      earthly: +provider\n", "      earthly: +provider\n      artifacts: [{path: /a, as: 'a-{{ vars.release }}'}]\n"),
        ("      earthly: +provider\n", "      docker: {context: 'c-{{ vars.release }}'}\n"),
        ("      earthly: +provider\n", "      docker: {context: c, dockerfile: 'c-{{ vars.release }}'}\n"),
    ],
)
def test_one_that_is_read_is_not(old: str, new: str) -> None:
    assert old in TARGET
    assert remarks(TARGET.replace(old, new)) == []


def test_args_of_all_targets_and_of_values_read_too() -> None:
    assert remarks(more='  args: {A: "{{ vars.release }}"}') == []
    axes = '  axes: {os: [{value: jammy, args: {A: "{{ vars.release }}"}}], fips: [false, true]}'
    assert expanded(vars='  vars: {release: "1"}', targets=TARGET, axes=axes).warnings == ()


def test_any_var_may_be_meant_where_a_value_names_it() -> None:
    target = TARGET.replace("{{ fips }}", "{{ fips }}-{{ vars[os.distribution] }}")
    assert remarks(target, given="{ubuntu: u, leap: l}") == []


def test_a_name_that_is_nearly_one_that_is_read_is_told() -> None:
    target = TARGET.replace("{{ fips }}", "{{ fips }}-{{ vars.release }}")
    assert remarks(target, given="{release: a, relaese: b}") == ["m.yaml:17:31: no template reads vars.relaese (did you mean 'release'?)"]


def test_what_the_command_line_sets_is_said_too() -> None:
    assert remarks(release="2") == ["--set:1:9: no template reads vars.release (read it as {{ vars.release }}, or remove it)"]
