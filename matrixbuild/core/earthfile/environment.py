"""The text of a command that a shell in the image runs in, the ARGs that it could read out: all active ones are in its environment.

An ARG is used where its name stands as a word in the text or in the value of a variable there (here), in an earlier text or a file of the
Earthly target (told by `analysis`: either may be a script that the command runs), where the text reads the whole environment, and where
programs read a variable of that name by custom.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from matrixbuild.core.earthfile.findings import Findings, Need, Opacity, Ran
from matrixbuild.core.earthfile.flags import Flags
from matrixbuild.core.earthfile.scope import Environment, Variables
from matrixbuild.core.earthfile.statements import Stated, stated
from matrixbuild.core.earthfile.visits import Visit
from matrixbuild.core.earthfile.walk import Walk
from matrixbuild.core.problems import Place

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_END = r"""\s*(?:$|[|;&><)`"'\n#]|\\n)"""
_START = r"(?:^|[\s;&|(`\"'])"
_COMMAND = r"""(?:^\s*|[;&|({`"']\s*|\b(?:then|do|else|eval|builtin|command)\s+|\s-[a-z]*c\s+)"""
_NAMED = r"""\s*\\?["'`]\w+\\?["'`]\s*"""
_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)
WHOLE: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("env",),
        rf"""\benvsubst\b|/environ\b|/proc/\S+/env|\benv::vars|\bprocess\.env\b(?!\s*(?:\.\w|\[{_NAMED}\]))
        |\benviron\b(?!\s*(?:\[{_NAMED}\]|\.(?:get|pop|setdefault)\({_NAMED}[,)]))|[gG]etenv\((?!{_NAMED}[,)])|\benv::var(?:_os)?\((?!{_NAMED}\))
        |{_START}(?:\S*/)?printenv(?:\s+-0)?{_END}|\bprintenv\s[^;|&\n]*\$
        |{_START}(?:\S*/)?env(?:\s+(?:-[uC]\s*\S+|-(?![uC])[-\w]*(?:=\S*)?|[A-Za-z_]\w*=\S*))*{_END}""",
    ),
    (
        ("ENV",),
        rf"""[%@]ENV\b|\bjq\b[^\n]*\$ENV\b(?!\s*[.\[])|\bENVIRON\b(?!\s*\[{_NAMED}\])|\$ENV\{{(?!\s*["']?\w+["']?\s*\}})
        |\bENV(?:\.(?:each|to_|map|select|keys|values|sort|inspect)|\[(?!{_NAMED}\])|\.fetch\((?!{_NAMED}[,)]))""",
    ),
    (("os.Environ",), r"\bos\.Environ\b"),
    ((".VARIABLES",), r"\.VARIABLES\b"),
    (("${!",), r"\$\{!"),
    (("export",), rf"{_START}export\s+-p\b|{_COMMAND}export{_END}"),
    (("set", "declare", "typeset"), rf"{_COMMAND}(?:set|declare|typeset){_END}"),
    (("export", "set", "declare", "typeset"), r"(?:\b(?:if|elif|while|until|time)|!)\s+(?:export|set|declare|typeset)\s*\|"),
    (
        ("declare", "typeset", "readonly", "local"),
        rf"{_START}(?:declare|typeset|readonly)\s+-[a-z]*[px][a-z]*{_END}|{_START}(?:declare|typeset|local)\s+-[a-z]*n",
    ),
    (("compgen",), rf"{_START}compgen\s+-(?:[a-z]*[ev]|A\s*(?:variable|export))"),
    (("eval",), r"\beval\b[^\n]*\\\$"),
    (("\\$", "'$'", '"$"'), r"""(?:\\\$|'\$'|"\$")\{?\w*\$[\w{(]"""),
    (("$(", "${"), r"\$[({]\w+\$[({]"),
)
"""What hands on the environment or reads a variable whose name is put together: what is asked for by a name in full is found by that. Each pattern
is behind texts one of which is part of all that it matches: most commands hold none, and to look for a text is far less work."""

WHOLE_FLAGS = re.MULTILINE | re.VERBOSE

_WRITES = re.compile(r"\b(?:echo|printf|cat|sed|awk|dd)\b[^\n]*>|\btee\b|\bsed\s+-\w*i|<<")
_CHANGES_WITH_TIME = re.compile(
    r"\b(?:apt(?:-get)?|apk|yum|dnf|microdnf|zypper|pacman|tdnf|luet|pip3?|npm|yarn|gem|cargo|curl|wget|skopeo"
    r"|git\s+(?:clone|fetch|pull)|go\s+(?:mod|get|install))\b"
)
_CUSTOMARY = re.compile(
    r"(?i:https?_proxy|ftp_proxy|no_proxy|all_proxy|rsync_proxy)"
    r"|PATH|HOME|USER|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TERM|TMPDIR|LD_[A-Z_]+|IFS|ENV|BASH_ENV|PS[1-4]"
    r"|SOURCE_DATE_EPOCH|DEBIAN_FRONTEND|DEBCONF_[A-Z_]+|APT_CONFIG|CC|CXX|CPP|[A-Z]*FLAGS|GO[A-Z0-9]+|CGO_[A-Z_]+|CARGO_[A-Z_]+|RUST[A-Z_]+"
    r"|PYTHON[A-Z]+|PIP_[A-Z_]+|NODE_[A-Z_]+|NPM_[A-Z_]+|JAVA_[A-Z_]+|MAVEN_[A-Z_]+|GIT_[A-Z_]+|CURL_[A-Z_]+|SSL_[A-Z_]+|DOCKER_[A-Z_]+"
    r"|KUBECONFIG|HELM_[A-Z_]+|AWS_[A-Z_]+|AZURE_[A-Z_]+|GOOGLE_[A-Z_]+|XDG_[A-Z_]+|OPENSSL_[A-Z_]+|TAR_OPTIONS|XZ_(?:OPT|DEFAULTS)|[A-Z]+_OPTS"
    r"|CROSS_COMPILE|CCACHE_[A-Z]+|CMAKE_[A-Z_]+|PKG_CONFIG[A-Z_]*|GRADLE_[A-Z_]+|PERL[A-Z0-9_]+|RUBY[A-Z]+|GEM_[A-Z]+|BUNDLE_[A-Z_]+|YARN_[A-Z_]+|UV_[A-Z_]+"
)
"""Names that programs read by custom, so that no text needs to name them."""


def reads_everything(text: str) -> bool:
    """Whether a shell text hands on its whole environment, as `env` or `envsubst` do."""
    told = _COMMENT.sub("", text)
    return any(re.search(pattern, told, WHOLE_FLAGS) for marks, pattern in WHOLE if any(mark in told for mark in marks))


@lru_cache(maxsize=4096)
def command_reads_everything(text: str) -> bool:
    """As `reads_everything`, of a command: the same one is met in every evaluation."""
    return reads_everything(text)


@lru_cache(maxsize=4096)
def hands_on_everything(text: str) -> bool:
    """Whether what a text writes may be a script that reads its whole environment, which is another one where the script is run."""
    return command_reads_everything(text) and bool(_WRITES.search(text))


@lru_cache(maxsize=4096)
def _fetches(text: str) -> bool:
    return bool(_CHANGES_WITH_TIME.search(text))


@lru_cache(maxsize=4096)
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text))


@lru_cache(maxsize=4096)
def read_by_custom(name: str) -> bool:
    """Whether programs read a variable of this name though nobody tells them to."""
    return bool(_CUSTOMARY.fullmatch(name))


@lru_cache(maxsize=256)
def _unnamed(environment: Environment) -> frozenset[str]:
    """The names that overrides had a part in and that a command may read though its text has none of them: most commands see the same ones."""
    # The value of a variable may be a command, or a variable's name.
    return frozenset(filter(read_by_custom, environment.influenced)) | (environment.influenced & environment.spelled)


def say(findings: Findings, visit: Visit, text: str, place: Place) -> None:
    """A text that runs in a visit: what it writes may be run later, in a place that has other ARGs."""
    findings.say(visit, _words(text), place)
    if hands_on_everything(text):
        findings.hands_on.setdefault(visit, place)


def say_program(findings: Findings, visit: Visit, text: str, place: Place) -> None:
    """As `say`, of what another command runs as it is: an ENTRYPOINT, a file that a Dockerfile holds."""
    findings.say(visit, _words(text), place)
    if command_reads_everything(text):
        findings.hands_on.setdefault(visit, place)


@lru_cache(maxsize=256)
def _without(environment: Environment, used: frozenset[str]) -> Mapping[str, frozenset[str]]:
    """The rest of the names that overrides had a part in: most commands use the same of an environment."""
    return {name: taint for name, taint in environment.influences.items() if name not in used}


def use_text(text: str, place: Place, *, walk: Walk, findings: Findings, variables: Variables, visit: Visit) -> None:
    """Count the ARGs that a shell text uses, and keep the rest for the files that it may run."""
    words = _words(text)
    findings.say(visit, words, place)
    environment = variables.environment()
    read = words
    whole = command_reads_everything(text)
    statement = stated(text, place.file, walk.known.statements) if whole else None
    if statement:
        findings.stated.setdefault(Stated(statement=statement, place=place))
        read |= statement.reads
        whole = False
    influences = environment.influences
    walk.decisions.hear(influences, environment.tainted)
    used = environment.influenced if whole else _unnamed(environment) | (environment.influenced & read)
    for name in sorted(used):
        walk.count(influences[name], place, decides=False)
    if whole:
        findings.note(Opacity.VALUES, place, "it reads its whole environment, which holds every ARG")
        if hands_on_everything(text):
            findings.hands_on.setdefault(visit, place)
    if _fetches(text):
        findings.note(Opacity.TIME, place, "it fetches what may be another thing tomorrow")
    findings.ran.append(Ran(visit=visit, place=place, names=_without(environment, used)))


def shell_flags(findings: Findings, flags: Flags, place: Place) -> None:
    """What the flags of RUN, IF and FOR ask for: privileges, secrets, mounts, no cache."""
    if flags.given:
        _given(findings, flags, place)


def _given(findings: Findings, flags: Flags, place: Place) -> None:
    if flags.on("privileged"):
        findings.privileged.setdefault(Need(name=flags.command, place=place))
    if flags.on("ssh"):
        findings.note(Opacity.TIME, place, "it reaches other hosts by SSH")
    if flags.on("no-cache"):
        findings.note(Opacity.TIME, place, "it runs anew in every build (--no-cache)")
    for secret in flags.texts("secret"):
        _secret(findings, secret.partition("=")[2] or secret.partition("=")[0], place)
    for mount in flags.texts("mount"):
        _mount(findings, dict(each.partition("=")[::2] for each in mount.strip("\"'").split(",")), place)


def _mount(findings: Findings, options: Mapping[str, str], place: Place) -> None:
    if options.get("type") == "secret":
        _secret(findings, options.get("id", ""), place)
    elif options.get("type") == "cache":
        findings.note(Opacity.TIME, place, "it keeps a directory of earlier builds")
    elif options.get("type") == "ssh":
        findings.note(Opacity.TIME, place, "it reaches other hosts by SSH")
    elif "bind" in options.get("type", ""):
        findings.note(Opacity.INPUTS, place, "it mounts files of the machine that builds")


def _secret(findings: Findings, name: str, place: Place) -> None:
    findings.secrets.setdefault(Need(name=name.strip("\"'").removeprefix("+secrets/"), place=place))
