"""The text of an Earthfile in, its nodes out, as Earthly 0.8.16 reads VERSION 0.6 to 0.8."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from matrixbuild.core.earthfile import lexer, syntax
from matrixbuild.core.earthfile.assignments import assigned, labels
from matrixbuild.core.earthfile.cursor import BLOCK_ENDS, Cursor
from matrixbuild.core.earthfile.lexer import Kind, Token
from matrixbuild.core.earthfile.source import Source
from matrixbuild.core.earthfile.validation import validate
from matrixbuild.core.earthfile.versions import find_version
from matrixbuild.core.earthfile.words import exec_form, joined
from matrixbuild.core.problems import Place

MAX_BLOCKS = 60
"""How deep IF, FOR, WAIT, TRY and WITH may be nested: far beyond any Earthfile, far below what recursion here and in the evaluator bears."""

_UNDECODED = re.compile("[\udc80-\udcff]")
_EXEC_FORM = {"RUN", "CMD", "ENTRYPOINT", "VOLUME"}
_ASSIGNMENTS = {"ENV", "ARG", "SET", "LET"}


def parse(text: str, *, file: str) -> syntax.Earthfile:
    """The nodes of an Earthfile; `file` is how messages name it.

    Raises EarthfileError with a place: SYNTAX, INVALID_ARG (a name that no variable may have), VERSION (a number that no Earthly has)
    or VALIDATION (two recipes of one name). An Earthfile without VERSION is no error here.
    """
    # Go reads each byte that is no UTF-8 as this character.
    text = _UNDECODED.sub("\N{REPLACEMENT CHARACTER}", text)
    source = Source.of(text, file=file)
    nul = text.find("\0")
    if nul >= 0:
        raise source.error("the file holds a NUL byte", nul, hint="is it text in UTF-8?")
    version = find_version(source)
    earthfile = _Parser(source).earthfile(version)
    validate(earthfile)
    return earthfile


class _Parser:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._cursor = Cursor(source, lexer.tokens(source))
        self._depth = 0
        self._blocks: dict[str, Callable[[Token], syntax.Statement]] = {
            "IF": self._if,
            "FOR": self._for,
            "WAIT": self._wait,
            "TRY": self._try,
            "WITH": self._with,
        }

    def earthfile(self, version: syntax.Version | None) -> syntax.Earthfile:
        self._cursor.line_ends()
        if self._cursor.keyword("VERSION"):
            self._version()
        base = self._statements()
        if base:
            self._cursor.line_end()
            self._cursor.line_ends()
        targets, functions = self._recipes()
        self._cursor.finish()
        self._cursor.raise_late()
        return syntax.Earthfile(file=self._source.file, version=version, base=base, targets=targets, functions=functions)

    def _version(self) -> None:
        self._cursor.take()
        self._cursor.some_words("VERSION", hint="write VERSION 0.8")
        self._cursor.line_end()
        self._cursor.line_ends()

    # Recipes ----------------------------------------------------------------

    def _recipes(self) -> tuple[tuple[syntax.Recipe, ...], tuple[syntax.Recipe, ...]]:
        found: dict[Kind, list[syntax.Recipe]] = {Kind.TARGET: [], Kind.FUNCTION: []}
        while self._cursor.at(*found):
            header = self._cursor.take()
            found[header.kind].append(self._recipe(header))
            self._cursor.line_ends()
        return tuple(found[Kind.TARGET]), tuple(found[Kind.FUNCTION])

    def _recipe(self, header: Token) -> syntax.Recipe:
        self._cursor.line_end(hint="the recipe begins on the next line, indented")
        self._cursor.line_ends()
        body: tuple[syntax.Statement, ...] = ()
        if self._cursor.at(Kind.INDENT):
            self._cursor.take()
            self._cursor.line_ends()
            body = self._statements()
            self._cursor.dedent()
        return syntax.Recipe(name=header.text[:-1], body=body, docs=documentation(header.docs), place=self._place(header))

    # Statements -------------------------------------------------------------

    def _statements(self) -> tuple[syntax.Statement, ...]:
        out: list[syntax.Statement] = []
        more = self._cursor.at(Kind.KEYWORD) and self._cursor.next.text not in BLOCK_ENDS
        while more:
            out.append(self._statement())
            more = self._cursor.next_command()
        return tuple(out)

    def _statement(self) -> syntax.Statement:
        token = self._cursor.take()
        block = self._blocks.get(token.text)
        if not block:
            return self._command(token)
        self._depth += 1
        if self._depth > MAX_BLOCKS:
            summary = f"blocks are nested more than {MAX_BLOCKS} deep"
            raise self._source.error(summary, token.start, token.end, hint="move a part of them into a function")
        node = block(token)
        self._depth -= 1
        return node

    def _command(self, token: Token) -> syntax.Command:
        name = token.text
        if name in ("VERSION", "DOCKER"):
            raise self._misplaced(token)
        if name in _ASSIGNMENTS:
            args, exec_mode = assigned(name, self._cursor), False
        elif name == "LABEL":
            args, exec_mode = labels(self._cursor), False
        else:
            args, exec_mode = self._arguments(self._cursor.words(), json=name in _EXEC_FORM)
        return syntax.Command(name=name, args=args, exec_mode=exec_mode, place=self._place(token))

    def _misplaced(self, token: Token) -> Exception:
        hint = "it is the first command of an Earthfile, once" if token.text == "VERSION" else "write WITH DOCKER"
        return self._source.error(f"{token.text} is no command here", token.start, token.end, hint=hint)

    @staticmethod
    def _arguments(words: Sequence[Token], *, json: bool) -> tuple[tuple[str, ...], bool]:
        texts = [word.text for word in words]
        listed = exec_form(texts) if json and texts else None
        return (tuple(joined(text) for text in texts), False) if listed is None else (listed, True)

    # Blocks -----------------------------------------------------------------

    def _body(self) -> tuple[syntax.Statement, ...]:
        """What stands between the line of an opening keyword and the next ELSE, CATCH, FINALLY or END."""
        self._cursor.line_end()
        self._cursor.line_ends()
        body = self._statements()
        if body:
            self._cursor.line_end()
            self._cursor.line_ends()
        return body

    def _end(self, opener: Token) -> None:
        if not self._cursor.keyword("END"):
            raise self._cursor.unexpected(f"END of the {opener.text} in line {self._place(opener).line}", hint=f"close each {opener.text} with END")
        self._cursor.take()

    def _expression(self, token: Token) -> tuple[tuple[str, ...], bool]:
        return self._arguments(self._cursor.some_words(token.text, hint=f"write {token.text} [ ... ]"), json=True)

    def _if(self, token: Token) -> syntax.If:
        expression, exec_mode = self._expression(token)
        body = self._body()
        else_ifs = []
        while self._cursor.keyword("ELSE IF"):
            else_ifs.append(self._else_if(self._cursor.take()))
        otherwise = self._part("ELSE")
        self._end(token)
        place = self._place(token)
        return syntax.If(expression=expression, exec_mode=exec_mode, body=body, else_ifs=tuple(else_ifs), otherwise=otherwise, place=place)

    def _else_if(self, token: Token) -> syntax.ElseIf:
        expression, exec_mode = self._expression(token)
        return syntax.ElseIf(expression=expression, exec_mode=exec_mode, body=self._body(), place=self._place(token))

    def _part(self, keyword: str) -> tuple[syntax.Statement, ...] | None:
        if not self._cursor.keyword(keyword):
            return None
        self._cursor.take()
        return self._body()

    def _for(self, token: Token) -> syntax.For:
        args, _ = self._arguments(self._cursor.some_words("FOR", hint="write FOR name IN words"), json=False)
        body = self._body()
        self._end(token)
        return syntax.For(args=args, body=body, place=self._place(token))

    def _wait(self, token: Token) -> syntax.Wait:
        args, _ = self._arguments(self._cursor.words(), json=False)
        body = self._body()
        self._end(token)
        return syntax.Wait(args=args, body=body, place=self._place(token))

    def _try(self, token: Token) -> syntax.Try:
        body = self._body()
        caught = self._part("CATCH")
        finally_ = self._part("FINALLY")
        self._end(token)
        return syntax.Try(body=body, caught=caught, finally_=finally_, place=self._place(token))

    def _with(self, token: Token) -> syntax.With:
        if not self._cursor.keyword("DOCKER"):
            raise self._cursor.unexpected("DOCKER after WITH", hint="write WITH DOCKER")
        docker = self._cursor.take()
        args, _ = self._arguments(self._cursor.words(), json=False)
        command = syntax.Command(name="DOCKER", args=args, place=self._place(docker))
        body = self._body()
        self._end(token)
        return syntax.With(command=command, body=body, place=self._place(token))

    def _place(self, token: Token) -> Place:
        return self._source.place(token.start, token.end)


def documentation(comments: Sequence[str]) -> str:
    """The text of comment lines: without `#`, and without the blanks that the first of them begins with; each line ends in a line feed."""
    lines = [comment.strip().removeprefix("#") for comment in comments]
    margin = lines[0][: len(lines[0]) - len(lines[0].lstrip())] if lines else ""
    return "".join(f"{line.removeprefix(margin)}\n" for line in lines)
