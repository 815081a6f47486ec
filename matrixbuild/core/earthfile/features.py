"""The VERSION line of an Earthfile in, the features it turns on out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.syntax import Version
from matrixbuild.core.earthfile.versions import number_error
from matrixbuild.core.problems import Place, did_you_mean

_V05 = {"since": "0.5"}
_V06 = {"since": "0.6"}
_V07 = {"since": "0.7"}
_V08 = {"since": "0.8"}
_USAGE = "write VERSION [--flag ...] 0.8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What an Earthfile may use: each field is the VERSION flag of that name (`for_in` is --for-in).

    A field is on from the version in its metadata on; one without can only be turned on by its flag.
    """

    number: str
    no_use_registry_for_with_docker: bool = False
    earthly_ci_runner_arg: bool = False

    exec_after_parallel: bool = field(default=False, metadata=_V05)
    parallel_load: bool = field(default=False, metadata=_V05)
    use_registry_for_with_docker: bool = field(default=False, metadata=_V05)

    for_in: bool = field(default=False, metadata=_V06)
    no_implicit_ignore: bool = field(default=False, metadata=_V06)
    referenced_save_only: bool = field(default=False, metadata=_V06)
    require_force_for_unsafe_saves: bool = field(default=False, metadata=_V06)
    use_copy_include_patterns: bool = field(default=False, metadata=_V06)

    check_duplicate_images: bool = field(default=False, metadata=_V07)
    ci_arg: bool = field(default=False, metadata=_V07)
    earthly_git_author_args: bool = field(default=False, metadata=_V07)
    earthly_locally_arg: bool = field(default=False, metadata=_V07)
    earthly_version_arg: bool = field(default=False, metadata=_V07)
    explicit_global: bool = field(default=False, metadata=_V07)
    git_commit_author_timestamp: bool = field(default=False, metadata=_V07)
    new_platform: bool = field(default=False, metadata=_V07)
    no_tar_build_output: bool = field(default=False, metadata=_V07)
    save_artifact_keep_own: bool = field(default=False, metadata=_V07)
    shell_out_anywhere: bool = field(default=False, metadata=_V07)
    use_cache_command: bool = field(default=False, metadata=_V07)
    use_chmod: bool = field(default=False, metadata=_V07)
    use_copy_link: bool = field(default=False, metadata=_V07)
    use_host_command: bool = field(default=False, metadata=_V07)
    use_no_manifest_list: bool = field(default=False, metadata=_V07)
    use_project_secrets: bool = field(default=False, metadata=_V07)
    wait_block: bool = field(default=False, metadata=_V07)

    no_network: bool = field(default=False, metadata=_V08)
    arg_scope_and_set: bool = field(default=False, metadata=_V08)
    use_docker_ignore: bool = field(default=False, metadata=_V08)
    pass_args: bool = field(default=False, metadata=_V08)
    global_cache: bool = field(default=False, metadata=_V08)
    cache_persist_option: bool = field(default=False, metadata=_V08)
    git_refs: bool = field(default=False, metadata=_V08)
    use_visited_upfront_hash_collection: bool = field(default=False, metadata=_V08)
    use_function_keyword: bool = field(default=False, metadata=_V08)

    try_: bool = False
    wildcard_builds: bool = False
    build_auto_skip: bool = False
    allow_privileged_from_dockerfile: bool = False
    run_with_aws: bool = False
    wildcard_copy: bool = False
    raw_output: bool = False
    git_author_email_name_args: bool = False
    allow_without_earthly_labels: bool = False
    docker_cache: bool = False
    run_with_aws_oidc: bool = False

    @property
    def on(self) -> tuple[str, ...]:
        """The number, and the flags that are in effect, sorted, as VERSION writes them."""
        return (self.number, *sorted(flag(item.name) for item in fields(self) if getattr(self, item.name) is True))


_SINCE: Mapping[str, str] = {item.name: item.metadata.get("since", "") for item in fields(Features) if item.name != "number"}
_FIELD_OF = {name.rstrip("_").replace("_", "-"): name for name in _SINCE}


def flag(name: str) -> str:
    """The VERSION flag of a field of Features, for messages: `pass_args` is `--pass-args`."""
    return "--" + name.rstrip("_").replace("_", "-")


def beyond_number(on: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `Features.on` that the number alone does not turn on; none for nothing."""
    return tuple(each for each in on[1:] if not (since := _SINCE[_FIELD_OF[each[2:]]]) or since > on[0])


def features(version: Version | None, *, file: str) -> Features:
    """The features of an Earthfile; `file` is named where there is no VERSION to point at.

    Raises EarthfileError: VERSION for a missing VERSION or an unknown number, INVALID_ARG for an unknown flag; FEATURE_GATE for
    --arg-scope-and-set without --shell-out-anywhere.
    Earthly asks this before it parses the rest of the file: `versions.version_of` gives the VERSION of a file that may not parse.
    """
    if version is None:
        raise EarthfileError(Fault.VERSION, "the Earthfile has no VERSION", place=Place(file=file, line=1), hint="begin it with VERSION 0.8")
    wanted = _flags(version)
    if error := number_error(version):
        raise error
    number = version.args[-1]
    on = {name for name, since in _SINCE.items() if name in wanted or (since and since <= number)}
    if "no_use_registry_for_with_docker" in on:
        on.discard("use_registry_for_with_docker")
    if "arg_scope_and_set" in on and "shell_out_anywhere" not in on:
        hint = f"write VERSION --arg-scope-and-set --shell-out-anywhere {number}"
        raise EarthfileError(Fault.FEATURE_GATE, "--arg-scope-and-set requires --shell-out-anywhere", place=version.place, hint=hint)
    return Features(number=number, **dict.fromkeys(on, True))


def _flags(version: Version) -> frozenset[str]:
    """The fields of the flags that a VERSION names; its number is the one other word it may have, and stands last."""
    *words, number = version.args or ("",)
    if words and words[-1] == "--":
        words.pop()
    for word in words:
        if not word.startswith("--") or word == "--":
            fault = Fault.INVALID_ARG if word.startswith("-") and len(word) > 2 else Fault.VERSION
            raise _error(version, f"VERSION takes flags and one number, not {word!r}", _USAGE, fault)
        if word[2:] not in _FIELD_OF:
            name = word[2:].partition("=")[0]
            hint = "a VERSION flag takes no value" if name in _FIELD_OF else did_you_mean(word, ("--" + known for known in _FIELD_OF)) or _USAGE
            raise _error(version, f"VERSION has no flag {word}", hint, Fault.INVALID_ARG)
    if number.startswith("-"):
        raise _error(version, "VERSION names no number", _USAGE)
    return frozenset(_FIELD_OF[word[2:]] for word in words)


def _error(version: Version, summary: str, hint: str, fault: Fault = Fault.VERSION) -> EarthfileError:
    return EarthfileError(fault, summary, place=version.place, hint=hint)
