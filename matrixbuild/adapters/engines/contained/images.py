"""The name of an image -> that image here, pulled where it is missing, and the Earthly in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from matrixbuild.adapters.bounded import within
from matrixbuild.adapters.children import Children
from matrixbuild.adapters.engines.contained.host import Host, refusals
from matrixbuild.adapters.engines.contained.vessel import Vessel
from matrixbuild.adapters.side_by_side import side_by_side
from matrixbuild.core.client_container import docker_failure
from matrixbuild.core.problems import Place, Problem, UnusableError
from matrixbuild.core.process import Command, Stream, Why
from matrixbuild.core.program import QUESTIONS, Answer, Program, Unfit, program_of

PROGRAM = "/usr/bin/earthly"
"""Where both projects' images have it; what their own entrypoint is starts a builder first."""
_ROOT = "/tmp/earthly"  # noqa: S108  (the image's)
_PULL_SECONDS = 1800.0
_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that is here: its id, the name it is called by, its architecture, and where a builder of it keeps its cache."""

    id: str
    name: str
    architecture: str
    root: str


def image_of(host: Host, name: str, *, place: Place | None, say: Callable[[str], None]) -> Image:
    """The image; `say` hears that it is pulled, which may take a while. Raises UnusableError where it cannot be had."""
    from docker import errors

    try:
        found = _inspected(host, name)
    except errors.ImageNotFound:
        say(f"pulling {name}: there is no Earthly on PATH, so it runs in Docker")
        _pull(host, name, place)
        with refusals(f"the image {name} is not there after its pull"):
            found = _inspected(host, name)
    variables = dict(entry.partition("=")[::2] for entry in (found.get("Config") or {}).get("Env") or ())
    root = variables.get("EARTHLY_TMP_DIR") or _ROOT
    return Image(id=found["Id"], name=name, architecture=found.get("Architecture") or "amd64", root=root)


def _inspected(host: Host, name: str) -> dict[str, Any]:
    found: dict[str, Any] = host.api.inspect_image(name)  # type: ignore[no-untyped-call]
    return found


def _pull(host: Host, name: str, place: Place | None) -> None:
    from docker import errors
    from docker.utils import parse_repository_tag

    repository, tag = parse_repository_tag(name)

    def pull() -> str:
        return next((line["error"] for line in host.api.pull(repository, tag or "latest", stream=True, decode=True) if "error" in line), "")

    try:
        why = within(_PULL_SECONDS, pull)
    except TimeoutError:
        why = f"it is not here after {_PULL_SECONDS / 60:g} minutes"
    except (errors.DockerException, OSError) as error:
        why = " ".join(str(getattr(error, "explanation", None) or error).split()).rstrip(".")
    if why:
        summary = f"there is no Earthly on PATH, and its image {name} cannot be pulled: {why}"
        hint = "install Earthly 0.8 or EarthBuild, or name an image that can be had from here with engine.image"
        raise UnusableError(Problem(summary=summary, place=place, hint=hint, code="image"))


def program_in(image: Image, vessel: Vessel, children: Children, *, wanted: str, place: Place | None) -> Program:
    """Which Earthly an image has, asked of itself; `wanted` is a range of versions. Raises UnusableError for one that cannot be used."""
    # Most of what a container takes is waiting for Docker.
    version, answered = side_by_side(lambda question: _asked(vessel, children, question), QUESTIONS)
    found = program_of(PROGRAM, version, answered, wanted=wanted, found=f"the image {image.name}", seconds=_SECONDS)
    if isinstance(found, Unfit):
        hint = found.hint or "name another image with engine.image"
        raise UnusableError(Problem(summary=f"{PROGRAM} of the image {image.name} {found.reason}", place=place, hint=hint, code="image"))
    return found


def _asked(vessel: Vessel, children: Children, question: str) -> Answer:
    heard: dict[Stream, list[bytes]] = {stream: [] for stream in Stream}
    command = Command(argv=(PROGRAM, question), cwd="/", timeout=_SECONDS)
    with vessel.around(command) as started:
        ended = children.run(started, lambda stream, lines: heard[stream].extend(lines))
    if failure := docker_failure(ended.code, heard[Stream.STDERR]):
        raise UnusableError(Problem(summary=failure.summary, hint=_hint(failure.summary) or failure.hint, code="docker"))
    return Answer(status=ended.status if ended.why is Why.EXITED else None, text=b"".join(heard[Stream.STDOUT]).decode("utf-8", "replace"))


def _hint(summary: str) -> str:
    """What is here and yet not to Docker is on another machine, or in a container of its own."""
    hint = "does matrixbuild run in a container itself? Docker has to see its files under the same paths"
    return hint if "source path does not exist" in summary else ""
