"""A token server for a real docker-registry: signs what it grants with a key of its own, and remembers what it was asked."""

# ruff: noqa: N802  (http.server calls methods by these names)

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.serving import QuietHandler, serving
from tests.services import PASSWORD, USER, require

REFRESH_TOKEN = "refresh me"


@dataclass(slots=True, kw_only=True)
class TokenServer:
    """Grants USER everything but `forbidden/...`, and anonymous accounts what begins with `public/`."""

    key: Path
    certificate: Path
    url: str = ""
    lifetime: int = 300
    """Seconds that a token is good for; docker-registry lets a minute pass beyond it."""
    asked: list[tuple[str, tuple[str, ...], str]] = field(default_factory=list)
    """(method, scopes, account) of each request."""

    def auth(self, root: Path) -> str:
        """The auth section of a docker-registry that trusts this server."""
        del root
        return f'auth: {{token: {{realm: "{self.url}/token", service: test, issuer: tests, rootcertbundle: {self.certificate}}}}}\n'

    def token(self, scopes: tuple[str, ...], account: str) -> str:
        now = int(time.time())
        allowed = [access for access in map(_access, scopes) if account or access["name"].startswith("public/")]
        payload = {
            "iss": "tests",
            "aud": "test",
            "sub": account,
            "nbf": now - 3600,
            "iat": now - 3600,
            "exp": now + self.lifetime,
            "jti": str(time.time_ns()),
            "access": [access for access in allowed if not access["name"].startswith("forbidden/")],
        }
        certificate = "".join(self.certificate.read_text().split("-----")[2].split())
        signed = f"{_encoded({'typ': 'JWT', 'alg': 'RS256', 'x5c': [certificate]})}.{_encoded(payload)}"
        done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(self.key)], input=signed.encode(), capture_output=True, check=True)
        return f"{signed}.{_base64url(done.stdout)}"


@contextlib.contextmanager
def token_server(root: Path) -> Iterator[TokenServer]:
    openssl = require("openssl")
    server = TokenServer(key=root / "token.key", certificate=root / "token.crt")
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tests"]
    subprocess.run([*command, "-keyout", str(server.key), "-out", str(server.certificate)], check=True, capture_output=True)
    with serving(_handler(server)) as address:
        server.url = f"http://{address}"
        yield server


def _access(scope: str) -> dict[str, Any]:
    kind, name, actions = scope.split(":")
    return {"type": kind, "name": name, "actions": actions.split(",")}


def _encoded(content: dict[str, Any]) -> str:
    return _base64url(json.dumps(content).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _handler(server: TokenServer) -> type[QuietHandler]:
    right = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            given = self.headers.get("Authorization", "")
            if given in ("", right):
                self._grant(tuple(query.get("scope", [])), USER if given else "", "token")
            else:
                self.answer(401, {}, b"{}")

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            if form.get("grant_type") == ["refresh_token"] and form.get("refresh_token") == [REFRESH_TOKEN]:
                self._grant(tuple(form["scope"][0].split()), USER, "access_token")
            else:
                self.answer(401, {}, b"{}")

        def _grant(self, scopes: tuple[str, ...], account: str, name: str) -> None:
            server.asked.append((self.command, scopes, account))
            self.answer(200, {"Content-Type": "application/json"}, json.dumps({name: server.token(scopes, account)}).encode())

    return Handler
