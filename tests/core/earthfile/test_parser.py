"""What each line of an Earthfile becomes, and what Earthly 0.8.16 refuses; every expectation was seen in its own parser."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.parser import MAX_BLOCKS, parse


def commands(text: str) -> list[syntax.Statement]:
    """The statements of the target `main`, written without its indentation."""
    body = "".join(f"  {line}\n" for line in text.split("\n"))
    return list(parse(f"VERSION 0.8\nmain:\n{body}", file="Earthfile").targets[0].body)


def command(text: str) -> syntax.Command:
    (only,) = commands(text)
    assert isinstance(only, syntax.Command)
    return only


def args(text: str) -> list[str]:
    return list(command(text).args)


def parsed_or_refused(text: str) -> syntax.Earthfile | EarthfileError:
    try:
        return parse(text, file="Earthfile")
    except EarthfileError as error:
        return error


def refused(text: str) -> tuple[str, str]:
    """`FAULT PLACE: SUMMARY`, and the hint, of an Earthfile that does not parse."""
    with pytest.raises(EarthfileError) as caught:
        parse(text, file="Earthfile")
    error = caught.value
    return f"{error.fault.value} {error}", error.hint


@pytest.mark.parametrize(
    ("line", "name", "words"),
    [
        ("RUN echo a  b", "RUN", ["echo", "a", "b"]),
        ("FROM scratch", "FROM", ["scratch"]),
        ("FROM DOCKERFILE -f x .", "FROM DOCKERFILE", ["-f", "x", "."]),
        ("FROM  DOCKERFILE", "FROM", ["DOCKERFILE"]),
        ("FROMscratch", "FROM", ["scratch"]),
        ("SAVE ARTIFACT a AS LOCAL b", "SAVE ARTIFACT", ["a", "AS", "LOCAL", "b"]),
        ("SAVE IMAGE --push a:1 b:2", "SAVE IMAGE", ["--push", "a:1", "b:2"]),
        ("GIT CLONE u d", "GIT CLONE", ["u", "d"]),
        ("LOCALLY", "LOCALLY", []),
        ("CACHE /c", "CACHE", ["/c"]),
        ("HOST a 1.2.3.4", "HOST", ["a", "1.2.3.4"]),
        ("ADD a b", "ADD", ["a", "b"]),
        ("STOPSIGNAL 9", "STOPSIGNAL", ["9"]),
        ("ONBUILD RUN x", "ONBUILD", ["RUN", "x"]),
        ("SHELL x", "SHELL", ["x"]),
        ("USER u", "USER", ["u"]),
        ("DO +FN --a=b", "DO", ["+FN", "--a=b"]),
        ("IMPORT ./d AS e", "IMPORT", ["./d", "AS", "e"]),
        ("HEALTHCHECK NONE", "HEALTHCHECK", ["NONE"]),
        ("EXPOSE 80 81/udp", "EXPOSE", ["80", "81/udp"]),
        ("WORKDIR /a\\ b", "WORKDIR", ["/a\\ b"]),
        ("COMMAND", "COMMAND", []),
        ("FUNCTION", "FUNCTION", []),
        ('BUILD (+t --a="b c") x', "BUILD", ["(+t", '--a="b c")', "x"]),
    ],
)
def test_words_keep_their_quotes_and_escapes(line: str, name: str, words: list[str]) -> None:
    assert (command(line).name, list(command(line).args)) == (name, words)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("RUN a \"b  c\" 'd  e'", ["a", '"b  c"', "'d  e'"]),
        ('RUN "a\n  b"', ['"a\n    b"']),
        ('RUN a\\"b c', ['a\\"b', "c"]),
        ("RUN x$(echo a b)y z", ["x$(echo a b)y", "z"]),
        ('RUN "$(echo "a b")" c', ['"$(echo "a b")"', "c"]),
        ("RUN $(a $(b c) d) e", ["$(a $(b c) d)", "e"]),
        ("RUN $(a $(b c) d", ["$(a $(b c)", "d"]),
        ("RUN $(a b", ["$(a", "b"]),
        ("RUN $() a", ["$()", "a"]),
        ("RUN '$(' a", ["'$('", "a"]),
        ("RUN a # b", ["a"]),
        ("RUN a# b", ["a#", "b"]),
        ("RUN#a", ["#a"]),
        ("RUN#a b", []),
    ],
)
def test_a_word_is_as_long_as_it_can_be_read(line: str, words: list[str]) -> None:
    assert args(line) == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("COPY a \\\n b", ["a", "b"]),
        ("COPY a \\   \n b", ["a", "b"]),
        ("COPY a \\ # why\n # and more\n\n \t\n b", ["a", "b"]),
        ("COPY a\\\n  b c", ["ab", "c"]),
        ("COPY a\\\n  # why\n  b", ["ab"]),
        ("COPY a b \\", ["a", "b"]),
        ("COPY a \\\n\n\nmain2: b", ["a", "main2:", "b"]),
    ],
)
def test_continuations_of_words_vanish_with_comments_and_empty_lines(line: str, words: list[str]) -> None:
    assert args(line) == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ENV A=1 \\\n  B=2 \\\n  # why\n  C=3", ["A", "=", "1 \\\n    B=2 \\\n    # why\n    C=3"]),
        ("ARG X=a\\\nb", ["X", "=", "a\\\n  b"]),
        ("ARG X = a  b  # c", ["X", "=", "a  b"]),
        ("ARG X", ["X"]),
        ("ARG X=", ["X"]),
        ("ARG X=# b", ["X"]),
        ("ARG X=#b", ["X", "=", "#b"]),
        ("ARG --required --global X", ["--required", "--global", "X"]),
        ("ARG --required X=a", ["--required", "X", "=", "a"]),
        ("ARG X=--a=b", ["X", "=", "--a=b"]),
        ("ENV M 1 2  3", ["M", "=", "123"]),
        ("ENV M", ["M"]),
        ('ENV M=a"b  c"', ["M", "=", 'a"b  c"']),
        ("LET A = b c", ["A", "=", "b c"]),
        ("SET A=$(b c)", ["A", "=", "$(b c)"]),
        ('LET A=""', ["A", "=", '""']),
        ("LABEL a=b c = d", ["a", "=", "b", "c", "=", "d"]),
        ('LABEL a="b=c" d=e\\\nf', ["a", "=", '"b=c"', "d", "=", "e\\\n  f"]),
        ("LABEL a=it's", ["a", "=", "it's"]),
        ("LABEL", []),
    ],
)
def test_assignments_keep_their_values_as_written(line: str, words: list[str]) -> None:
    assert args(line) == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('CMD ["a", "b c"]', ["a", "b c"]),
        ('RUN ["a", \\\n "b"]', ["a", "b"]),
        ('ENTRYPOINT ["\\u00e9\\n"]', ["é\n"]),
        ('VOLUME ["/a"]', ["/a"]),
        ("VOLUME []", []),
        ('CMD ["a", null]', ["a", ""]),
        ("CMD null", []),
        ('CMD ["\\ud800"]', ["\ufffd"]),
    ],
)
def test_a_json_list_of_strings_is_the_exec_form(line: str, words: list[str]) -> None:
    assert (command(line).exec_mode, list(command(line).args)) == (True, words)


@pytest.mark.parametrize("line", ["CMD ['a']", 'CMD ["a" "b"]', "CMD [1]", 'CMD --x ["a"]', 'EXPOSE ["80"]', 'HEALTHCHECK CMD ["a"]', "CMD"])
def test_anything_else_is_not(line: str) -> None:
    assert command(line).exec_mode is False


def test_blocks() -> None:
    text = """IF [ a = b ]
RUN 1
ELSE IF ["true"]
    RUN 2
ELSE
END
FOR --sep=x i IN a b
  WAIT
    BUILD +a
  END
END
TRY
  RUN 3
CATCH
  RUN 4
FINALLY
  RUN 5
END
WITH DOCKER --pull=x
  RUN 6
END"""
    branch, loop, attempt, docker = commands(text)
    assert isinstance(branch, syntax.If)
    assert (branch.expression, branch.exec_mode, len(branch.body), branch.otherwise) == (("[", "a", "=", "b", "]"), False, 1, ())
    assert (branch.else_ifs[0].expression, branch.else_ifs[0].exec_mode, branch.else_ifs[0].place.line) == (("true",), True, 5)
    assert isinstance(loop, syntax.For)
    assert loop.args == ("--sep=x", "i", "IN", "a", "b")
    assert isinstance(loop.body[0], syntax.Wait)
    assert isinstance(attempt, syntax.Try)
    assert [len(part or ()) for part in (attempt.body, attempt.caught, attempt.finally_)] == [1, 1, 1]
    assert isinstance(docker, syntax.With)
    assert (docker.command.name, docker.command.args, len(docker.body)) == ("DOCKER", ("--pull=x",), 1)


def test_an_if_without_else_has_no_otherwise() -> None:
    (branch,) = commands("IF true\n  RUN a\nEND")
    assert isinstance(branch, syntax.If)
    assert branch.otherwise is None


def test_places_are_one_based_and_hold_the_line() -> None:
    place = command("IMPORT x").place
    assert (place.file, place.line, place.column, place.text, place.width) == ("Earthfile", 3, 3, "  IMPORT x", 6)


EARTHFILE = """

VERSION --try 0.8
# base
FROM scratch
ARG --global A=1

# A target,
#   in two lines.
one:   # not a doc
    RUN a
# unindented comment

    RUN b

# lost: an empty line follows

two:
FN:
\tFUNCTION
# the last one
three:
  # indented
  RUN c"""


def test_a_whole_earthfile() -> None:
    earthfile = parse(EARTHFILE, file="Earthfile")
    assert earthfile.version is not None
    assert (earthfile.version.args, earthfile.version.place.line) == (("--try", "0.8"), 3)
    assert [statement.name for statement in earthfile.base if isinstance(statement, syntax.Command)] == ["FROM", "ARG"]
    assert [(target.name, len(target.body), target.docs) for target in earthfile.targets] == [
        ("one", 2, "A target,\n  in two lines.\n"),
        ("two", 0, ""),
        ("three", 1, "the last one\n"),
    ]
    assert [(function.name, len(function.body)) for function in earthfile.functions] == [("FN", 1)]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_ends(ending: str) -> None:
    earthfile = parse(ending.join(["main:", "  COPY a \\", "    b", "", "  IF x", "    RUN y", "  END", ""]), file="Earthfile")
    copied = earthfile.targets[0].body[0]
    assert isinstance(copied, syntax.Command)
    # Earthly's lexer takes a lone CR for a line end, what removes continuations from words does not; between words it makes no difference.
    assert copied.args == ("a", "b")
    assert len(earthfile.targets[0].body) == 2


@pytest.mark.parametrize(
    ("comments", "docs"),
    [
        ("# a\n# b\n", "a\nb\n"),
        ("# a\n  # b\n", ""),
        ("  # a\n# b\n", "b\n"),
        ("  # a\n  # b\n", ""),
        ("# a\n\n# b\n", "b\n"),
        ("\n#a\n#  b\n", "a\n  b\n"),
        ("#  a\n# b\n", "a\n b\n"),
    ],
)
def test_comments_right_above_a_target_at_its_indentation_are_its_documentation(comments: str, docs: str) -> None:
    one, two = parse(f"one:\n  RUN a\n{comments}two:\n  RUN b\n", file="Earthfile").targets
    assert (len(one.body), two.docs, len(two.body)) == (1, docs, 1)


def test_below_an_empty_recipe_indented_comments_are_documentation_too() -> None:
    assert [target.docs for target in parse("one:\n  # a\ntwo:\n", file="Earthfile").targets] == ["", "a\n"]


@pytest.mark.parametrize("comments", ["# a", "# a\n", "  # a\n\n", "# a\n# b\n"])
def test_comments_may_end_the_file(comments: str) -> None:
    assert len(parse(f"one:\n  RUN a\n{comments}", file="Earthfile").targets[0].body) == 1


@pytest.mark.parametrize("comments", ["# a\n", "  # a\n", "# a\n  # b\n", "  # a\n# b\n", "# a\n\n# b\n", "# a\n" * 20_000, "# a\n  # b\n" * 10_000])
def test_comments_between_commands_do_not_end_a_recipe(comments: str) -> None:
    assert len(parse(f"one:\n{comments}  RUN a\n{comments}  RUN b\n", file="Earthfile").targets[0].body) == 2


@pytest.mark.parametrize(
    ("lines", "commands"),
    [
        ("  # c\nRUN b\n", 2),
        ("  # c\n  # d\n  # e\nRUN b\n", 2),
        ("  # c\nARG x\n  RUN d\nother:\n  RUN e\n", 3),
        ("  # c\nENV a=b\n  # c\nENV c=d\n", 3),
        ("  # c\nIF x\n  RUN y\nEND\n", 2),
    ],
)
def test_an_indented_comment_right_above_makes_up_for_an_indentation_that_is_missing(lines: str, commands: int) -> None:
    """A quirk of Earthly's: of several comments each second one takes it back."""
    assert len(parse(f"t:\n  RUN a\n{lines}", file="Earthfile").targets[0].body) == commands


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("  # c\n\nRUN b\n", "Earthfile:5:1: expected a target or a function, found 'RUN'"),
        ("  # c\n  # d\nRUN b\n", "Earthfile:5:1: expected a target or a function, found 'RUN'"),
        ("  # c\n# d\nRUN b\n", "Earthfile:5:1: expected a target or a function, found 'RUN'"),
        ("# c\nRUN b\n", "Earthfile:4:1: expected a target or a function, found 'RUN'"),
        ("  # c\nRUN b\nRUN d\n", "Earthfile:5:1: expected a target or a function, found 'RUN'"),
        ("  # c\nIF x\n  RUN y\nEND\nother:\n  RUN z\n", "Earthfile:7:1: 'other:' begins a recipe inside a block"),
    ],
)
def test_and_nothing_else_does(lines: str, told: str) -> None:
    with pytest.raises(EarthfileError) as caught:
        parse(f"t:\n  RUN a\n{lines}", file="Earthfile")
    assert str(caught.value) == told


def test_nothing_at_all() -> None:
    earthfile = parse("", file="Earthfile")
    assert (earthfile.version, earthfile.base, earthfile.targets, earthfile.functions) == (None, (), (), ())


def test_the_first_line_may_be_indented() -> None:
    assert len(parse("  FROM a\nFROM b\n", file="Earthfile").base) == 2


V = "VERSION 0.8\n"
DEEP = MAX_BLOCKS + 1


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            f"{V}main:\n  LABEL i=a=b\n",
            "syntax Earthfile:3:12: expected another label or the end of the line, found '='",
            'quote a value that holds "=": LABEL name="a=b"',
        ),
        (
            f"{V}main:\n  LET A=\n",
            "syntax Earthfile:3:9: expected a value, found the end of the line",
            'write LET A="" for an empty one',
        ),
        (
            f"{V}main:\n  SET A\n",
            "syntax Earthfile:3:8: expected '=', found the end of the line",
            "write SET A=value",
        ),
        (
            f"{V}main:\n  SET A B=1\n",
            "syntax Earthfile:3:9: expected '=', found 'B'",
            "write SET A=value",
        ),
        (
            f"{V}main:\n  ARG\n",
            "syntax Earthfile:3:6: expected something after ARG, found the end of the line",
            "write ARG NAME=value",
        ),
        (
            f"{V}main:\n  LABEL a\n",
            "syntax Earthfile:3:10: expected '=', found the end of the line",
            "write LABEL name=value",
        ),
        (
            f"{V}main:\n  ENV F$X=1\n",
            "invalid-arg Earthfile:3:7: 'F$X' is no name of a variable",
            "a name is letters, digits and '_', and begins with no digit; it is never expanded",
        ),
        (
            f'{V}main:\n  RUN "a\n',
            "syntax Earthfile:3:7: this double quote is never closed",
            'close it, or write \\" for the character itself',
        ),
        (
            f"{V}main:\n  RUN it's\n",
            "syntax Earthfile:3:9: this single quote is never closed",
            "close it, or write \\' for the character itself",
        ),
        (
            f"{V}main:\n  RUN a \\",
            "syntax Earthfile:3:9: the file ends in a line continuation",
            "remove the backslash",
        ),
        (
            f"{V}main:\n  IF a\n    RUN b\n",
            "syntax Earthfile:5:1: expected END of the IF in line 3, found the end of the recipe",
            "close each IF with END",
        ),
        (
            f"{V}main:\n  IF\n  END\n",
            "syntax Earthfile:3:5: expected something after IF, found the end of the line",
            "write IF [ ... ]",
        ),
        (
            f"{V}main:\n  IF a\nother:\n",
            "syntax Earthfile:4:1: 'other:' begins a recipe inside a block",
            "a block ends at its END: is one missing above?",
        ),
        (
            f"{V}main:\n  END\n",
            "syntax Earthfile:3:3: 'END' is no command here",
            "END belongs elsewhere: VERSION and PROJECT above all targets, ELSE, CATCH, FINALLY and END inside their block",
        ),
        (
            f"{V}main:\n  COPPY a b\n",
            "syntax Earthfile:3:3: 'COPPY' is no command here",
            "did you mean 'COPY'?",
        ),
        (
            f"{V}my_target:\n  RUN a\n",
            "syntax Earthfile:2:1: 'my_target:' is no name of a target or function",
            "a target is a lower-case letter, then letters, digits, '.' and '-'; a function is upper-case letters, digits, '.' and '_'",
        ),
        (
            f"{V}main: RUN a\n",
            "syntax Earthfile:2:7: expected the end of the line, found 'RUN'",
            "the recipe begins on the next line, indented",
        ),
        (
            f"{V}main:\n  RUN a\nRUN b\n",
            "syntax Earthfile:4:1: expected a target or a function, found 'RUN'",
            "commands outside of targets stand above all of them; those of a target are indented",
        ),
        (
            f"{V}FROM a\n  RUN b\n",
            "syntax Earthfile:3:3: expected a target or a function, found an indented line",
            "only the commands of a target or function are indented",
        ),
        (
            f"{V}WITH x\n",
            "syntax Earthfile:2:6: 'x' is no command here",
            "a line begins with a command such as COPY, unless the line above ends in a backslash",
        ),
        (
            f"{V}WITH RUN\n",
            "syntax Earthfile:2:6: expected DOCKER after WITH, found 'RUN'",
            "write WITH DOCKER",
        ),
        (
            f"{V}DOCKER a\n",
            "syntax Earthfile:2:1: DOCKER is no command here",
            "write WITH DOCKER",
        ),
        (
            f"{V}{V}",
            "syntax Earthfile:2:1: VERSION is no command here",
            "it is the first command of an Earthfile, once",
        ),
        (
            "VERSION\n",
            "syntax Earthfile:1:8: expected something after VERSION, found the end of the line",
            "write VERSION 0.8",
        ),
        (
            "VERSION \\ 0.8\n",
            "syntax Earthfile:1:11: a line continuation of VERSION has words behind it",
            "end the line at the backslash",
        ),
        (
            "VERSION 0.5\n",
            "version Earthfile:1:1: VERSION needs a number of an Earthfile version, not '0.5'",
            "write VERSION 0.8; 0.6 and 0.7 are read too",
        ),
        (
            "\ufeffVERSION 0.8\n",
            "syntax Earthfile:1:1: the file begins with a byte order mark",
            "save it as UTF-8 without a byte order mark",
        ),
        (
            f"{V}main:\n  RUN a\0b\n",
            "syntax Earthfile:3:8: the file holds a NUL byte",
            "is it text in UTF-8?",
        ),
        (
            f"{V}a:\nb:\na:\n",
            "validation Earthfile:4:1: there are two targets called 'a'",
            "the other one is in line 2: rename or remove one of them",
        ),
        (
            f"{V}base:\n",
            "validation Earthfile:2:1: a target cannot be called 'base'",
            "it stands for the commands above all targets: give this one another name",
        ),
        (
            V + "IF a\n" * 10_000,
            f"syntax Earthfile:{DEEP + 1}:1: blocks are nested more than {MAX_BLOCKS} deep",
            "move a part of them into a function",
        ),
        (
            V + "[" * 100_000,
            f"syntax Earthfile:2:1: {'[' * 40!r}... is no command here",
            "a line begins with a command such as COPY, unless the line above ends in a backslash",
        ),
        (
            V + "RUN " + "$(" * 50 + "b " * 50_000,
            "syntax Earthfile:2:5: the quotes and $( ) of this word can be read in too many ways",
            "close each quote and each $( on the line where it opens",
        ),
        (
            V + "SET A " + "b" * 50,
            f"syntax Earthfile:2:7: expected '=', found '{'b' * 40}'...",
            "write SET A=value",
        ),
        (
            V + "RUN " + "$(" * 50_000,
            "syntax Earthfile:2:125: quotes and $( ) are nested more than 60 deep",
            "close each quote and each $( on the line where it opens",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_refusals(text: str, message: str, hint: str) -> None:
    assert refused(text) == (message, hint)


def test_two_functions_of_one_name_are_no_error() -> None:
    assert [function.name for function in parse(f"{V}FN:\n  FUNCTION\nFN:\n  FUNCTION\n", file="Earthfile").functions] == ["FN", "FN"]


def test_a_bad_name_is_told_only_where_all_else_is_well_formed() -> None:
    assert refused("ENV 1=2\nLET A=\n")[0] == "syntax Earthfile:2:7: expected a value, found the end of the line"


@pytest.mark.parametrize("word", ["[", "a", "\\\n #'\n", "$(a\\\n #'\n", '"$(" ', '"a"', "$(a)", "$(a ", "''", "\\a", "a=b", '"$(a"', "# "])
@pytest.mark.parametrize("before", ["RUN ", "ENV A=", "LABEL a="])
def test_a_line_of_a_hundred_kilobytes_is_read_or_refused(before: str, word: str) -> None:
    text = f"{V}{before}{word * (100_000 // len(word))}\n"
    found = parsed_or_refused(text)
    if isinstance(found, EarthfileError):
        assert (found.fault, found.place is None) == (Fault.SYNTAX, False)
    else:
        assert len(found.base) == 1
