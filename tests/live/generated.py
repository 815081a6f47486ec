"""A seed -> a checkout with an Earthfile of every VERSION that builds, and one thing after the other in it changed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tests.live.world import HOST
from tests.pairs.case import File, Situation

ARGS = ("A", "B", "C", "G", "P")
FILES = tuple(f"f{number}" for number in range(5))
SCRIPTS = ("one", "two")
IGNORED = ("d/a\n", "d/sub\n", "**/b\n!d/sub/b\n", "g1\n", "# f0\n")


def situation(seed: int) -> Situation:
    """A checkout with some of ARGS given."""
    choose = random.Random(seed)
    files = {name: File(text=f"{name}\n") for name in FILES}
    files |= {f"scripts/{name}.sh": File(text=f"echo {name} ${choose.choice(ARGS)} > /by-{name}\n") for name in SCRIPTS}
    files |= {path: File(text=f"{path}\n") for path in ("d/a", "d/sub/b", "e/c", "ctx/g0", "ctx/g1", "sub/k")} | {"ln": File(link="f0")}
    files |= {"ctx/Dockerfile": File(text=dockerfile(choose)), "sub/Earthfile": File(text=elsewhere(choose))}
    files |= {place: File(text=choose.choice(IGNORED)) for place in (".earthlyignore", "ctx/.dockerignore") if choose.random() < 0.4}
    given = {name: choose.choice("01") for name in ARGS if choose.random() < 0.4}
    return Situation(files={"Earthfile": File(text=Earthfile(choose=choose).text()), **files}, args=given)


def dockerfile(choose: random.Random) -> str:
    """Two stages that take a build arg and files of the context."""
    steps = ["RUN echo $DA > /da", "COPY g0 /g", "COPY . /ctx/", "ENV DE=$DA", "RUN --mount=type=bind,target=/m ls /m > /listed", "COPY g1 ln* /gs/"]
    last = choose.choice(("COPY --from=one /bin/busybox /b", "RUN --mount=type=bind,from=one,target=/m ls /m/bin > /listed", "RUN echo $DE > /de"))
    one = [f"FROM {HOST}/base:2 AS one", "ARG DA=1", *choose.sample(steps, 2)]
    return "\n".join([*one, choose.choice(("FROM one", f"FROM {HOST}/base:2")), "ARG DA", *choose.sample(steps, 2), last, ""])


def elsewhere(choose: random.Random) -> str:
    """An Earthfile of another directory, with a target and a function."""
    lines = ["VERSION 0.8", "ARG --global G=9", f"FROM {HOST}/base:2", "x:", "  ARG A=s", "  COPY k /k", f"  RUN echo ${choose.choice('AG')} > /x"]
    lines += ["  SAVE ARTIFACT /x", "F:", "  FUNCTION", "  ARG P=f", f"  RUN echo ${choose.choice('PG')} > /by-f", "  COPY f1 /f1"]
    return "\n".join([*lines, ""])


def variations(base: Situation) -> Iterator[tuple[str, Situation]]:
    """Each arg with another value, each file with another content and another mode, one at a time."""
    for name in ARGS:
        yield f"arg {name}", replace(base, args={**base.args, name: "1" if base.args.get(name, "0") == "0" else "0"})
    for path, file in base.files.items():
        if file.link:
            yield f"target of {path}", base.with_files({path: replace(file, link="f1")})
        elif path == "Earthfile":
            yield "a comment", base.with_text(path, file.text + "# a comment\n")
        else:
            yield f"content of {path}", base.with_text(path, file.text + "# more\n")
            yield f"mode of {path}", base.with_files({path: replace(file, mode=file.mode ^ 0o111)})


@dataclass(slots=True, kw_only=True)
class Earthfile:
    """Writes one at random."""

    choose: random.Random
    version: str = ""
    lets: list[str] = field(default_factory=list)
    number: int = 0

    def text(self) -> str:
        self.version = self.choose.choice(("0.6", "0.7", "0.8", "0.8"))
        word = "FUNCTION" if self.version == "0.8" else "COMMAND"
        scope = "" if self.version == "0.6" else " --global"
        lines = [f"VERSION {self.version}", f"ARG{scope} G=0", f"FROM {HOST}/base:2"]
        lines += ["F:", f"  {word}", "  ARG P=0", *self._body(2, ("P", "G"), depth=1)]
        lines += ["made:", "  ARG A=0", *self._body(2, ("A", "G")), "  RUN echo made $A > /made", "  SAVE ARTIFACT /made"]
        lines += ["dock:", "  ARG B=0", f"  FROM DOCKERFILE {self.choose.choice(('', '--target=one ', '--build-arg DA=$B '))}ctx"]
        lines += ["prior:", "  ARG B=0", *self._body(3, ("B", "G"))]
        lines += ["side:", "  ARG C=0", *self._body(2, ("C", "G")), "  COPY f0 /side", f"  SAVE IMAGE --push {HOST}/out:side-$C"]
        return "\n".join([*lines, *self._main(), ""])

    def _main(self) -> list[str]:
        lines = ["main:"]
        starts = ("  FROM +prior", "  FROM +prior --B=1", "  FROM +dock", "  FROM ./sub+x --A=$G")
        lines += [self.choose.choice(starts)] if self.choose.random() < 0.6 else []
        lines += [f"  ARG {name}={self.choose.choice(('0', '1', '$G'))}" for name in ("A", "B", "C") if self.choose.random() < 0.7]
        lines += ["  COPY --dir scripts /"] if self.choose.random() < 0.5 else ["  RUN mkdir -p /scripts"]
        lines += self._body(6, ("A", "B", "C", "G"), main=True)
        return [*lines, f"  SAVE IMAGE --push {HOST}/out:main"]

    def _body(self, most: int, names: tuple[str, ...], *, depth: int = 0, main: bool = False) -> list[str]:
        self.lets = [] if depth == 0 else self.lets
        return [f"  {line}" for _ in range(self.choose.randint(1, most)) for line in self._statement(names, depth, main=main)]

    def _statement(self, names: tuple[str, ...], depth: int, *, main: bool) -> list[str]:
        self.number += 1
        number, name = self.number, self.choose.choice((*names, *self.lets))
        simple = [
            [f'RUN echo "${name}" > /n{number}'],
            [f"RUN echo fixed > /n{number}"],
            [f"COPY {self.choose.choice(FILES)} /c{number}"],
            [f"ENV E{number}=${name}"],
            [self._copy(number)],
            [self._telling(name, number)],
            [self.choose.choice((f"LABEL l{number}=${name}", f"WORKDIR /w${name}", f'ENTRYPOINT ["sh", "-c", "echo ${name}"]'))],
            [f"RUN if [ -f /scripts/one.sh ]; then sh /scripts/{self.choose.choice(SCRIPTS)}.sh; fi"],
        ]
        nested = [self._if(name, names, depth), self._for(name, number)]
        there = [[f"DO +F --P=${name}"], [f"COPY (+made/made --A=${name}) /m{number}"], [f"BUILD +side --C=${name}"], ["BUILD +side"]]
        there += [[f"DO ./sub+F --P=${name}"], [f"COPY ./sub+x/x /s{number}"], ["BUILD +side --C=0 --C=1"], ["BUILD +dock"]]
        there += [["DO --pass-args +F"], ["WAIT", "  BUILD +side", "END"]] if self.version == "0.8" else []
        known = [*simple, *(nested if depth < 2 else []), *(there if main and depth == 0 else [])]
        known += [self._let(name, number)] if self.version == "0.8" and depth == 0 else []
        return self.choose.choice(known)

    def _copy(self, number: int) -> str:
        sources = ("--dir d", "d", "d/*", "d/sub e", "ln f0", ".", "--if-exists missing e/c", "--chmod=0700 f1", "f[12]")
        return f"COPY {self.choose.choice(sources)} /c{number}/"

    def _telling(self, name: str, number: int) -> str:
        """A command that prints variables without a `$` before their names, or writes or runs a script that does; none fails."""
        ways = ("set | grep '^[A-Z]='", "env | grep '^[A-Z]='", f"n={name}; eval echo \\$$n", "sh -c set | grep '^[A-Z]='", "cat /gen.sh")
        written = self.choose.choice(("env | grep '^[A-Z]='", f"echo ${name}"))
        forms = (*(f"RUN ( {way} ) > /n{number} || true" for way in ways), f'RUN echo "{written}" > /gen.sh', f"RUN sh /gen.sh > /n{number} || true")
        return self.choose.choice(forms)

    def _if(self, name: str, names: tuple[str, ...], depth: int) -> list[str]:
        if depth >= 2:
            return []
        conditions = [
            f'[ "${name}" = "1" ]',
            f'test "${name}" != 0',
            f'[ -n "${name}" ] && [ "${names[0]}" = "1" ]',
            "[ -f /n3 ]",
            f"sh -c 'test $${name} = 1'",
        ]
        condition = self.choose.choice(conditions).replace("$$", "$")
        return [f"IF {condition}", *self._body(2, names, depth=depth + 1), "ELSE", *self._body(2, names, depth=depth + 1), "END"]

    def _for(self, name: str, number: int) -> list[str]:
        items = self.choose.choice((f"x ${name}", "x y", "$(ls /scripts)", f"$(echo ${name} z)"))
        return [f"FOR i{number} IN {items}", f"  RUN echo $i{number} >> /n{number}", "END"]

    def _let(self, name: str, number: int) -> list[str]:
        if self.lets and self.choose.random() < 0.5:
            return [f"SET {self.choose.choice(self.lets)}=${name}"]
        self.lets.append(f"l{number}")
        return [f"LET l{number}={self.choose.choice((f'${name}', f'$(echo ${name})', 'fixed'))}"]
