"""What is asked of the Earthly program and of which builder -> the words of one call, and the environment it is to see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from matrixbuild.core.renderings import SHORTEST
from matrixbuild.core.wrapper import Wrapper

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call: the wrapper to build, with the args to hand on to its target.

    `ambient` and `secrets` are names whose values the call's environment has; `privileged`: steps that need more rights are let through; `uncached`:
    nothing is taken from the cache. `stream` and `manifest` are the files that the program is to write about itself; their names end with .json.
    """

    wrapper: Wrapper
    args: Pairs
    ambient: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    privileged: bool = False
    uncached: bool = False
    stream: str
    manifest: str


def words(program: str, builder: tuple[str, ...], asked: Asked) -> tuple[str, ...]:
    """The call's argv; `builder` are the flags that say where it is built.

    Flags stand before the target, for behind it everything is an ARG; what is written there is taken verbatim, while a flag's value would be split
    at commas. `--push` without `--no-output` wants a Docker to load the image into, and fails without (facts 9.4).
    """
    flags = [
        *builder,
        "--strict",
        *(() if asked.wrapper.writes else ("--push", "--no-output")),
        *(("--allow-privileged",) if asked.privileged else ()),
        *(("--no-cache",) if asked.uncached else ()),
        *(word for name in asked.secrets for word in ("--secret", name)),
        # By its name alone: what it is no process of this machine may read in ours.
        *(word for name in asked.ambient for word in ("--build-arg", name)),
        *("--logstream-debug-file", asked.stream, "--logstream-debug-manifest-file", asked.manifest),
    ]
    args = (f"--{name}={value}" for name, value in (*asked.wrapper.own, *asked.args))
    return (program, *flags, asked.wrapper.target, *args)


def environment(seen: Mapping[str, str], *, cwd: str, ceilings: tuple[str, ...], given: Pairs = ()) -> Pairs:
    """The environment of a call: what it may see of ours (core.program.scrubbed), and the values that it is given by name.

    `ceilings` are directories above which nothing is a git repository to it: one around a cache directory is never the checkout's own, and our
    wrapper is in nobody's.
    """
    own = {"PWD": cwd, "GIT_CEILING_DIRECTORIES": ":".join(ceilings)}
    return tuple(sorted({**seen, **dict(given), **own}.items()))


def ambient_args(names: Iterable[str], args: Pairs, environ: Mapping[str, str]) -> Pairs:
    """The ambient args of a build that the environment has a value for, sorted; what is given as an arg is not taken from there."""
    return tuple((name, environ[name]) for name in sorted({*names} - {name for name, _ in args}) if name in environ)


def without_ambient(given: Pairs) -> Pairs:
    """What is not to be seen of ambient args, as (name, text) to mask: the program prints every arg as `NAME=value`.

    The value alone is masked only where it holds a login: what it says else may be any word.
    """
    printed = [(name, text) for name, text in ((name, f"{name}={value}") for name, value in given) if len(text.strip()) >= SHORTEST]
    logins = [(name, value) for name, value in given if "@" in value.partition("://")[2]]
    return (*printed, *logins)
