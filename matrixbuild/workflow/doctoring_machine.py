"""What a manifest names of this machine -> whether it is there: git, the source, files of certificates, secrets, FIPS."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping

from matrixbuild.adapters import git
from matrixbuild.adapters.asking import ask
from matrixbuild.adapters.children import Children
from matrixbuild.adapters.kernel import runs_fips
from matrixbuild.adapters.network import reach_of
from matrixbuild.adapters.secret_values import Missing, secret_value
from matrixbuild.core.cells import AxisValue
from matrixbuild.core.checkup import Check, fail, warn
from matrixbuild.core.counts import counted
from matrixbuild.core.problems import InvalidError, UnusableError
from matrixbuild.core.surroundings import DeclaredSecret
from matrixbuild.workflow.doctoring_needs import Needs

_SECONDS = 15.0
_NO_SUCH_REF = 2
_FIPS = AxisValue(text="true", scalar=True)


def check_git(needs: Needs, environ: Mapping[str, str]) -> Iterator[Check]:
    """Git itself, and the repository of a source that is not here yet."""
    source = needs.manifest.source if needs.manifest else None
    with Children(grace=1.0) as children:
        try:
            answer = ask(children, ("git", "--version"), environ=environ, seconds=_SECONDS)
        except UnusableError:
            yield fail("git", "git is not installed", "install it: sources in git are fetched with it", needed=bool(source and source.git))
            return
        yield Check(name="git", summary=answer.text.strip() or "git says nothing of its version")
        if needs.manifest:
            yield _source(needs, children, environ)


def _source(needs: Needs, children: Children, environ: Mapping[str, str]) -> Check:
    source = needs.manifest.source if needs.manifest else None
    if needs.source:
        return Check(name="source", summary=f"the directory {needs.source}, which stands in for the manifest's")
    if source is None or source.git is None:
        return Check(name="source", summary=f"the directory {source.path.value if source and source.path else needs.base}")
    url, ref = source.git.value, source.ref.value if source.ref else "HEAD"
    shown = git.without_login(url)
    if needs.commit:
        return Check(name="source", summary=f"{shown} at {ref} is here, commit {needs.commit[:12]}")
    words = ("git", "ls-remote", "--exit-code", "--", url, ref)
    answer = ask(children, words, environ=git.environment(environ), seconds=_SECONDS)
    if answer.status == 0 or (answer.status == _NO_SUCH_REF and git.COMMIT.fullmatch(ref)):
        return warn("source", f"{shown} at {ref} is not here yet, and its repository answers", "`matrixbuild plan` fetches it")
    if answer.status == _NO_SUCH_REF:
        return fail("source", f"{shown} has no branch or tag {ref}", "correct spec.source.ref")
    told = f"does not answer within {_SECONDS:g} s" if answer.status is None else "cannot be read"
    return fail("source", f"{shown} {told}", f"`git ls-remote {shown}` tells more; network and login have to be right")


def check_network(needs: Needs, environ: Mapping[str, str]) -> Iterator[Check]:
    """Files of certificates, and the proxies that are used."""
    if needs.manifest is None:
        return
    try:
        reach = reach_of(needs.manifest.network, base=needs.base, environ=environ)
    except InvalidError as error:
        for problem in error.problems:
            yield fail("network", str(problem), problem.hint)
        return
    proxies = sorted({git.without_login(proxy) for proxy in (reach.proxies.http, reach.proxies.https) if proxy})
    own = f"{len(reach.ca)} files of certificates beside this machine's" if reach.ca else "the certificates of this machine"
    way = f"through {', '.join(proxies)}" if proxies else "no proxy"
    yield Check(name="network", summary=f"{own}; {way}")


def check_secrets(needs: Needs, environ: Mapping[str, str]) -> Iterator[Check]:
    """Whether the sources of secrets are there; no command is run."""
    declared = needs.manifest.secrets if needs.manifest else ()
    asked = {name for build in needs.builds for name in build.secrets} if needs.builds is not None else {one.name for one in declared}
    lacking = [(one, lack) for one in declared if one.name in asked and (lack := _lack(one, needs, environ))]
    known = needs.builds is not None
    for one, lack in lacking:
        yield fail("secrets", f"the secret {one.name} cannot be had: {lack.why}", lack.hint, about=one.name, needed=known)
    unset = [name for name in needs.secret_files if name not in environ]
    for name in unset:
        hint = f"export {name} before the run: it is the content of a file of the source"
        yield fail("secrets", f"the secret {name} is not in the environment", hint, about=name, needed=known)
    asked |= set(needs.secret_files)
    if asked and not lacking and not unset:
        yield Check(name="secrets", summary=f"{', '.join(sorted(asked))}: where they come from is there")


def _lack(secret: DeclaredSecret, needs: Needs, environ: Mapping[str, str]) -> Missing | None:
    if not secret.command:
        found = secret_value(secret, base=needs.base, environ=environ)
        return found if isinstance(found, Missing) else None
    program = secret.command[0]
    # It might ask somebody, or be slow: that it is there has to do.
    there = (needs.base / program).exists() if "/" in program else shutil.which(program, path=environ.get("PATH"))
    return None if there else Missing(f"its command {program} is not there", "install it, or correct `command`")


def check_fips(needs: Needs) -> Iterator[Check]:
    """A word on the kernel where cells are for FIPS: what they boot with, and not what they are built on, has to be in that mode."""
    built = (*needs.builds_of("earthly"), *needs.builds_of("docker"))
    cells = {cell for build in built for cell, _ in build.cells if dict(cell.values).get("fips") == _FIPS}
    if not cells:
        return
    mode = {True: "runs", False: "does not run", None: "does not say whether it runs"}[runs_fips()]
    summary = f"{counted(len(cells), 'cell')} for FIPS; this machine's kernel {mode} in that mode, which building them does not need"
    yield Check(name="fips", summary=summary, hint="their user-data has to boot with fips=1")
