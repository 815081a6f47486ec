"""A Docker engine's API, as far as it is asked for what it is: no container runs there."""

# ruff: noqa: N802  (http.server calls methods by these names)

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping

from tests.fakes.serving import QuietHandler, serving

INFO: Mapping[str, object] = {"ServerVersion": "27.3.1", "DockerRootDir": "/var/lib/docker", "CgroupVersion": "2", "SecurityOptions": ["name=seccomp"]}


@contextlib.contextmanager
def docker_api(info: Mapping[str, object] = INFO, *, containers: Mapping[str, str] = {}, images: frozenset[str] = frozenset()) -> Iterator[str]:
    """Gives its DOCKER_HOST; `containers` are states by name, `images` names."""

    class Api(QuietHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0].partition("/v1.41")[2] or self.path
            name = path.removeprefix("/containers/").removesuffix("/json")
            if path.startswith("/containers/") and name in containers:
                self._say(200, {"Id": "0" * 64, "Name": name, "State": {"Status": containers[name]}, "Config": {"Image": "i"}})
            elif path.startswith("/images/"):
                name = path.removeprefix("/images/").removesuffix("/json")
                self._say(*((200, {"Id": "sha256:0"}) if name in images else (404, {"message": f"No such image: {name}"})))
            elif path.startswith("/containers/"):
                self._say(404, {"message": f"No such container: {name}"})
            else:
                answers: Mapping[str, Mapping[str, object]] = {"/version": {"ApiVersion": "1.41", "Version": "27.3.1"}, "/info": info}
                self._say(200, answers[path])

        def _say(self, status: int, content: Mapping[str, object]) -> None:
            self.answer(status, {"Content-Type": "application/json"}, json.dumps(content).encode())

    with serving(Api) as host:
        yield f"tcp://{host}"
