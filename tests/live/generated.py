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


def situation(seed: int) -> Situation:
    """A checkout with some of ARGS given."""
    choose = random.Random(seed)
    files = {name: File(text=f"{name}\n") for name in FILES}
    files |= {f"scripts/{name}.sh": File(text=f"echo {name} ${choose.choice(ARGS)} > /by-{name}\n") for name in SCRIPTS}
    given = {name: choose.choice("01") for name in ARGS if choose.random() < 0.4}
    return Situation(files={"Earthfile": File(text=Earthfile(choose=choose).text()), **files}, args=given)


def variations(base: Situation) -> Iterator[tuple[str, Situation]]:
    """Each arg with another value, each file with another content and another mode, one at a time."""
    for name in ARGS:
        yield f"arg {name}", replace(base, args={**base.args, name: "1" if base.args.get(name, "0") == "0" else "0"})
    for path, file in base.files.items():
        if path == "Earthfile":
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
        lines += ["prior:", "  ARG B=0", *self._body(3, ("B", "G"))]
        lines += ["side:", "  ARG C=0", *self._body(2, ("C", "G")), "  COPY f0 /side", f"  SAVE IMAGE --push {HOST}/out:side-$C"]
        return "\n".join([*lines, *self._main(), ""])

    def _main(self) -> list[str]:
        lines = ["main:"]
        lines += [self.choose.choice(("  FROM +prior", "  FROM +prior --B=1"))] if self.choose.random() < 0.6 else []
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
            [f"RUN if [ -f /scripts/one.sh ]; then sh /scripts/{self.choose.choice(SCRIPTS)}.sh; fi"],
        ]
        nested = [self._if(name, names, depth), self._for(name, number)]
        there = [[f"DO +F --P=${name}"], [f"COPY (+made/made --A=${name}) /m{number}"], [f"BUILD +side --C=${name}"], ["BUILD +side"]]
        known = [*simple, *(nested if depth < 2 else []), *(there if main and depth == 0 else [])]
        known += [self._let(name, number)] if self.version == "0.8" and depth == 0 else []
        return self.choose.choice(known)

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
