from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.declared import Text
from matrixbuild.core.problems import Place, Problem
from matrixbuild.core.sandbox import MAX_RENDERED, Names, NeedLackingError, NoNeed
from matrixbuild.core.templates import RenderError, Scope, compile_template, locate
from tests.manifest_texts import told

SCOPE = Scope(
    axes={"os": ("distribution", "version", "flavour"), "fips": (), "kubernetes": ("distribution", "version")},
    hidden=frozenset({"twoNode"}),
    vars=("tag", "count"),
    image=True,
    needs=("base", "iso", "late"),
    imageless=frozenset({"iso"}),
    is_arg=True,
)
NAMES = {
    "os": Names("os", {"distribution": "ubuntu", "version": "22.04"}, "ubuntu-22.04"),
    "fips": True,
    "kubernetes": Names("kubernetes", {"distribution": "k3s", "version": "1.34.6"}, "k3s-1.34.6"),
    "vars": Names("vars", {"tag": "learn", "count": "3"}),
    "registry": "registry.example.com",
    "image": Names("image", {"ref": "registry.example.com/a:b"}),
    "needs": Names("needs", {"base": Names("base", {"image": "TOKEN"}), "late": NoNeed("late", NeedLackingError("late"))}),
}


def text(source: str) -> Text:
    line = f'  A: "{source}"'
    return Text(value=source, place=Place(file="m.yaml", line=1, column=6, text=line, width=len(line) - 5))


def rendered(source: str) -> str:
    problems: list[Problem] = []
    template = compile_template(text(source), SCOPE, problems)
    assert told(tuple(problems)) == []
    assert template
    return template.render(NAMES)


def static(source: str, scope: Scope = SCOPE) -> list[str]:
    """What is wrong with a template for any cell: [the word] and the sentence with its hint."""
    problems: list[Problem] = []
    assert compile_template(text(source), scope, problems) is None
    return [told((problem,))[0].split(": ", 1)[1] for problem in problems]


def failure(source: str) -> str:
    problems: list[Problem] = []
    template = compile_template(text(source), SCOPE, problems)
    assert template, told(tuple(problems))
    with pytest.raises(RenderError) as caught:
        template.render(NAMES)
    return caught.value.problem.summary


class TestRendering:
    @pytest.mark.parametrize(
        ("source", "result"),
        [
            ("plain {text} 100%", "plain {text} 100%"),
            ("{{ os }}", "ubuntu-22.04"),
            ("{{ os.distribution }}-{{ os['version'] }}", "ubuntu-22.04"),
            ("{{ registry }}/x", "registry.example.com/x"),
            ("{{ vars.tag }}{{ vars.count }}", "learn3"),
            ("{{ image.ref }}", "registry.example.com/a:b"),
            ("{{ needs['base'].image }} {{ needs.base.image }}", "TOKEN TOKEN"),
            ("{{ '-fips' if fips else '' }}{% if not fips %}-no{% endif %}", "-fips"),
            ("{% if fips %}a{% elif os %}b{% else %}c{% endif %}", "a"),
            ("{{ os == 'ubuntu-22.04' and os.version in ['22.04'] }}", "true"),
            ("{{ os.version | replace('.', '') }}{{ os.version.replace('.', '_') }}", "220422_04"),
            ("{{ kubernetes.version.split('.')[:2] | join('.') }}", "1.34"),
            ("{{ kubernetes.version.split('.')[1] | int + 1 }}", "35"),
            ("{{ os.flavour | default('core') }}", "core"),
            ("{{ os | upper }}", "UBUNTU-22.04"),
            ("{{ os.version[0:2] }}{{ os.version[-1] }}", "224"),
            ("a{# comment #}b", "ab"),
            ("line\n", "line\n"),
            ("{{ os }}\n", "ubuntu-22.04\n"),
        ],
    )
    def test_text(self, source: str, result: str) -> None:
        assert rendered(source) == result

    @pytest.mark.parametrize(
        "source", ["{{ fips }}", "{{ '' ~ fips }}", "{{ fips | string }}", "{{ fips | lower }}", "{{ [fips] | join }}", "{{ fips == true }}"]
    )
    def test_booleans_are_as_earthfiles_write_them_however_they_are_joined(self, source: str) -> None:
        assert rendered(source) == "true"

    def test_a_need_that_a_cell_lacks_is_told_apart(self) -> None:
        template = compile_template(text("{{ needs['late'].image }}"), SCOPE, [])
        assert template
        with pytest.raises(NeedLackingError):
            template.render(NAMES)

    def test_a_need_that_is_not_read_is_not_missed(self) -> None:
        assert rendered("{{ 'x' if fips else needs['late'].image }}") == "x"

    def test_what_a_template_reads(self) -> None:
        template = compile_template(text("{{ os.version if fips else needs['base'].image }}{{ vars.tag }}{{ image.ref }}"), SCOPE, [])
        assert template
        assert (sorted(template.axes), sorted(template.needs), template.reads_image) == (["fips", "os"], ["base"], True)


class TestNames:
    @pytest.mark.parametrize(
        ("source", "messages"),
        [
            ("{{ oss.version }}", ["a template cannot name 'oss' [oss] (did you mean 'os'?)"]),
            (
                "{{ x }}-{{ arch }}",
                [
                    "a template cannot name 'x' [x] (known here: os, fips, kubernetes, vars, registry, image, needs)",
                    "a template cannot name 'arch' [arch] (known here: os, fips, kubernetes, vars, registry, image, needs)",
                ],
            ),
            ("{{ os.versoin }}", ["os has no 'versoin' [versoin] (did you mean 'version'?)"]),
            ("{{ os['kind'] }}", ["os has no 'kind' [kind] (it has distribution, version, flavour)"]),
            ("{{ fips.on }}", ["fips has no 'on' [on] (write fips itself)"]),
            ("{{ vars.tga }}", ["vars has no 'tga' [tga] (did you mean 'tag'?)"]),
            ("{{ image.reff }}", ["image has no 'reff' [reff] (did you mean 'ref'?)"]),
            (
                "{{ twoNode }}",
                ["the target does not have the axis 'twoNode' [twoNode] (add twoNode to the target's axes, or take it out of the template)"],
            ),
            ("{{ needs['bsae'].image }}", ["the target does not need 'bsae' [bsae] (did you mean 'base'?)"]),
            ("{{ needs['iso'].image }}", ["the target 'iso' makes no image [iso] (give it one, or take it out of the template)"]),
            ("{{ needs['base'].ref }}", ["of a need a template can read its image, not 'ref' [ref] (write needs['NAME'].image)"]),
            ("{{ needs[os].image }}", ["needs takes the name of a target [needs] (write needs['NAME'].image)"]),
            ("{{ none }}", ["null has no text [none] (write '' for nothing)"]),
            ("{{ os if fips else None }}", ["null has no text [None] (write '' for nothing)"]),
            (
                "{{ os.verison }}{{ kubernetes.verison }}",
                ["os has no 'verison' [verison] (did you mean 'version'?)", "kubernetes has no 'verison' [verison] (did you mean 'version'?)"],
            ),
        ],
    )
    def test_what_there_is_not(self, source: str, messages: list[str]) -> None:
        assert static(source) == messages

    def test_image_and_needs_are_for_args(self) -> None:
        plain = Scope(axes=SCOPE.axes)
        assert static("{{ image.ref }}", plain) == ["there is no image to name here [image] (image.ref is for args)"]
        assert static("{{ needs['base'].image }}", plain) == ["there are no needs to name here [needs] (needs are for args)"]
        alone = Scope(axes=SCOPE.axes, is_arg=True)
        assert static("{{ image.ref }}", alone) == ["there is no image to name here [image] (give the target an image)"]
        assert static("{{ needs.base.image }}", alone) == ["there are no needs to name here [needs] (list the target under needs)"]

    def test_a_template_with_escapes_is_pointed_at_as_a_whole(self) -> None:
        source = Text(value="{{ oss }}é", place=Place(file="m.yaml", line=1, column=6, text='  A: "{{ oss }}\\u00e9"', width=17))
        assert locate(source, "oss") == source.place


class TestConstructs:
    @pytest.mark.parametrize(
        ("source", "word"),
        [
            ("{{ 'a' * 10**9 }}", "*"),
            ("{{ 10 ** 9 }}", "**"),
            ("{{ '%99999999d' % 1 }}", "%"),
            ("{% for i in range(10) %}x{% endfor %}", "for"),
            ("{% set a = 1 %}", "set"),
            ("{% macro a() %}{% endmacro %}", "macro"),
            ("{% include 'a' %}", "include"),
            ("{{ {'a': 1} }}", "{"),
        ],
    )
    def test_what_templates_do_not_have(self, source: str, word: str) -> None:
        assert static(source) == [f"templates have no {word!r} [{word}] (they have names, fields, conditions, ~ and filters)"]

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            ("{{ os | lowr }}", "templates have no filter 'lowr' [lowr] (did you mean 'lower'?)"),
            ("{{ os is defned }}", "templates have no test 'defned' [defned] (did you mean 'defined'?)"),
            ("{{ os.uper() }}", "os has no 'uper' [uper] (it has distribution, version, flavour)"),
            (
                "{{ os.version.format(1) }}",
                (
                    "templates cannot call 'format' [format] (methods of text can be called: "
                    "endswith, lower, removeprefix, removesuffix, replace, split, startswith, strip, upper)"
                ),
            ),
            (
                "{{ os.version.split(sep='.') }}",
                "a filter or method takes values without names [\"{{ os.version.split(sep='.') }}\"] (leave the names out)",
            ),
            ("{{ 'x' if fips }}", "an `if` inside {{ }} needs an `else` [if] (add: else '')"),
            (
                "{{ os",
                "this is not a template: unexpected end of template, expected 'end of print statement' [\"{{ os\"] (names go between {{ and }})",
            ),
        ],
    )
    def test_mistakes(self, source: str, message: str) -> None:
        assert message in static(source)

    @pytest.mark.parametrize("unit", ["(", "not ", "-", "[", "os[", "os|lower(", "1 if "])
    def test_depth_is_refused(self, unit: str) -> None:
        assert static("{{ " + unit * (4000 // len(unit)))[0].startswith(("this template is nested too deeply", "this is not a template"))

    @pytest.mark.parametrize(
        "source", ["{{ " + "(" * 900 + "1" + ")" * 900 + " }}", "{{ 1" + "+1" * 1500 + " }}", "{% if 1 %}" * 300 + "{% endif %}" * 300]
    )
    def test_depth_that_would_parse_is_refused_too(self, source: str) -> None:
        problems: list[Problem] = []
        template = compile_template(text(source), SCOPE, problems)
        assert template is not None or [problem.summary for problem in problems] == ["this template is nested too deeply"]


class TestFailures:
    @pytest.mark.parametrize(
        ("source", "message"),
        [
            ("{{ os.flavour }}", "this template cannot be rendered: os has no 'flavour' here"),
            ("{{ ''.__class__ }}", "this template cannot be rendered: the text has no '__class__' here"),
            ("{{ vars }}", "this template cannot be rendered: it gives vars as a whole, which has no text"),
            ("{{ needs }}", "this template cannot be rendered: it gives needs as a whole, which has no text"),
            ("{{ os.version.split('.') }}", "this template cannot be rendered: it gives a list, which has no text"),
            ("{{ os.version.lower }}", "this template cannot be rendered: it gives a method without its (), which has no text"),
            ("{{ 1.30 }}", "this template cannot be rendered: it gives the number 1.3 instead of quoted text, which has no text"),
            ("{{ 1 + 'a' }}", "this template cannot be rendered: an operator, filter or method does not take what it is given"),
            ("{{ os.version.split('.')[7] }}", "this template cannot be rendered: the list has no 7 here"),
            ("{{ os | int }}", "this template cannot be rendered: invalid literal for int() with base 10: 'ubuntu-22.04'"),
        ],
    )
    def test_for_one_cell(self, source: str, message: str) -> None:
        assert failure(source) == message

    @pytest.mark.parametrize(
        "source",
        [
            "{{ 'aaaaaaaaaa'" + "|replace('a','aaaaaaaaaa')" * 30 + " }}",
            "{{ 'aaaaaaaaaa'" + ".replace('a','aaaaaaaaaa')" * 12 + " }}",
            "{{ ['" + "x" * 1500 + "', '', '', '']|join('" + "y" * 1500 + "')|replace('y', '" + "z" * 900 + "') }}",
        ],
    )
    def test_size_is_bounded_before_it_costs_memory(self, source: str) -> None:
        started = time.monotonic()
        assert failure(source) == f"this template cannot be rendered: it makes more than {MAX_RENDERED} characters"
        assert time.monotonic() - started < 5


PIECES = st.sampled_from(
    [
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "os",
        "fips",
        "vars",
        "needs",
        "image",
        "['base']",
        ".",
        ".version",
        ".ref",
        ".image",
        "|",
        "lower",
        "join",
        "~",
        "+",
        "-",
        "(",
        ")",
        "[",
        "]",
        ":",
        "0",
        "1",
        "'a'",
        " if ",
        " else ",
        "if ",
        "endif",
        "not ",
        " in ",
        "==",
        "<",
        ",",
        "none",
        "true",
        "is",
        "defined",
        "*",
        "for ",
        "__class__",
        "split",
        "replace",
        "default",
        "loop",
        "self",
        "\n",
        "é",
    ]
)


class TestNoTemplateEscapes:
    @given(st.lists(PIECES, max_size=14))
    def test_pieces_in_any_order(self, pieces: list[str]) -> None:
        problems: list[Problem] = []
        template = compile_template(text(" ".join(pieces)), SCOPE, problems)
        assert (template is None) == bool(problems)
        if template:
            with contextlib.suppress(RenderError, NeedLackingError):
                assert len(template.render(NAMES)) <= MAX_RENDERED

    @given(st.lists(PIECES, max_size=10))
    def test_expressions(self, pieces: list[str]) -> None:
        problems: list[Problem] = []
        template = compile_template(text("{{ " + " ".join(pieces) + " }}"), SCOPE, problems)
        if template:
            with contextlib.suppress(RenderError, NeedLackingError):
                assert isinstance(template.render(NAMES), str)


class TestOneTextTwice:
    def test_it_may_name_what_its_own_scope_has(self) -> None:
        assert rendered("{{ fips }}") == "true"
        assert static("{{ fips }}", Scope(axes={"os": ()})) == ["a template cannot name 'fips' [fips] (known here: os, vars, registry)"]
        assert rendered("{{ fips }}") == "true"

    def test_it_prints_the_same_again(self) -> None:
        assert [rendered("{{ fips ~ os }}"), rendered("{{ fips ~ os }}")] == ["trueubuntu-22.04", "trueubuntu-22.04"]

    def test_what_is_no_template_is_told_again(self) -> None:
        assert static("{{ os") == static("{{ os") != []
