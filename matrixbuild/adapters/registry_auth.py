"""A registry's 401 -> an Authorization header: basic, or a token per scope, with the logins of the Docker config."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import parse_http_list

from urllib3.response import BaseHTTPResponse

from matrixbuild.adapters.registry_faults import TransientError, from_status, unusable

Scopes = tuple[str, ...]
"""What a request needs, in the words of the token specification: ("repository:edge/a:pull,push",)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """An account: name and password, or an identity token in their place."""

    username: str = ""
    password: str = ""
    identity_token: str = ""

    @property
    def basic(self) -> str:
        return f"Basic {base64.b64encode(f'{self.username}:{self.password}'.encode()).decode()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One scheme of a WWW-Authenticate header, lower-case, with its parameters."""

    scheme: str
    parameters: Mapping[str, str]


Send = Callable[[str, str, dict[str, str], bytes | None], BaseHTTPResponse]
"""Sends method, absolute URL, headers, body; raises TransientError where that fails."""


class Authorizer:
    """The Authorization headers for one registry; `login` is asked for its account only once the registry wants one, and `allows` of a URL
    whether it may be asked at all. Thread-safe."""

    def __init__(self, host: str, *, login: Callable[[str], Login | None], send: Send, allows: Callable[[str], bool]) -> None:
        self._host = host
        self._ask_login = login
        self._send = send
        self._allows = allows
        self._lock = threading.Lock()
        self._login: Login | None = None
        self._asked = False
        self._challenge: Challenge | None = None
        self._headers: dict[Scopes, str] = {}

    def header(self, scopes: Scopes, *, what: str) -> str | None:
        """The header to send at first: None until the registry has asked; then what it asked for. `what` is for messages: "read edge/a:v1"."""
        known = self._headers.get(scopes)
        if known or self._challenge is None:
            return known
        # The scope of that challenge was another request's.
        general = {name: value for name, value in self._challenge.parameters.items() if name != "scope"}
        return self.answer(Challenge(scheme=self._challenge.scheme, parameters=general), scopes, refused=None, what=what)

    def answer(self, challenge: Challenge, scopes: Scopes, *, refused: str | None, what: str) -> str:
        """The header that answers a 401; `refused` is the one that got it. Raises UnusableError where there is none better."""
        with self._lock:
            known = self._headers.get(scopes)
            if known and known != refused:
                return known  # another thread was here first
            self._challenge = challenge
            header = self._basic(refused, what) if challenge.scheme == "basic" else self._bearer(challenge, scopes, what)
            self._headers[scopes] = header
            return header

    def _account(self) -> Login | None:
        if not self._asked:
            self._login = self._ask_login(self._host)
            self._asked = True
        return self._login

    def _basic(self, refused: str | None, what: str) -> str:
        login = self._account()
        if login is None or login.identity_token:
            raise unusable(f"{self._host} wants a login to {what}, and the Docker config has none for it", f"`docker login {self._host}`", "auth")
        if login.basic == refused:
            raise unusable(f"{self._host} refuses the login of the Docker config to {what}", f"`docker login {self._host}` again", "auth")
        return login.basic

    def _bearer(self, challenge: Challenge, scopes: Scopes, what: str) -> str:
        realm = challenge.parameters.get("realm", "")
        login = self._account()
        if urlsplit(realm).scheme not in ("http", "https"):
            raise unusable(f"{self._host} names no token server to {what}: realm={realm!r}", "this registry's authentication is not usable", "auth")
        if login and not self._allows(realm):
            hint = f'give the token server TLS, or list it in the manifest: network: {{insecure: ["{urlsplit(realm).netloc}"]}}'
            raise unusable(f"{self._host} wants the login of the Docker config sent without TLS to {realm}", hint, "auth")
        asked = tuple(dict.fromkeys((*scopes, *challenge.parameters.get("scope", "").split())))
        response = self._ask_token(realm, challenge.parameters.get("service", ""), asked, login)
        return f"Bearer {self._token(response, realm, login, what)}"

    def _ask_token(self, realm: str, service: str, scopes: Scopes, login: Login | None) -> BaseHTTPResponse:
        if login and login.identity_token:
            form = {"grant_type": "refresh_token", "service": service, "client_id": "matrixbuild", "scope": " ".join(scopes)}
            body = urlencode({**form, "refresh_token": login.identity_token}).encode()
            return self._send("POST", realm, {"Content-Type": "application/x-www-form-urlencoded"}, body)
        query = urlencode([("service", service), *(("scope", scope) for scope in scopes)])
        headers = {"Authorization": login.basic} if login else {}
        return self._send("GET", f"{realm}{'&' if urlsplit(realm).query else '?'}{query}", headers, None)

    def _token(self, response: BaseHTTPResponse, realm: str, login: Login | None, what: str) -> str:
        if response.status in (401, 403):
            whose, again = ("the login of the Docker config", " again") if login else ("access without a login", "")
            raise unusable(f"the token server {realm} refuses {whose} to {what} at {self._host}", f"`docker login {self._host}`{again}", "auth")
        if response.status != 200:
            raise from_status(response, host=self._host, what=what, who=f"the token server {realm}")
        content = _json(response)
        token = content.get("token") or content.get("access_token")
        if not isinstance(token, str):
            raise TransientError(f"the token server {realm} answers without a token", "look at the token server's log")
        return token


def challenge_of(values: list[str]) -> Challenge | None:
    """The strongest challenge we can answer (a token before basic) among WWW-Authenticate headers; None where there is none."""
    found = [challenge for value in values for challenge in _challenges(value)]
    return next((challenge for scheme in ("bearer", "basic") for challenge in found if challenge.scheme == scheme), None)


def _challenges(value: str) -> list[Challenge]:
    found: list[tuple[str, dict[str, str]]] = []
    for item in parse_http_list(value):
        name, equals, text = item.partition("=")
        scheme, blank, parameter = name.strip().rpartition(" ")
        if blank or not equals:
            found.append(((scheme if equals else name).strip().lower(), {}))
        if equals and found:
            found[-1][1][parameter.lower()] = _unquoted(text.strip())
    return [Challenge(scheme=scheme, parameters=parameters) for scheme, parameters in found]


def _unquoted(text: str) -> str:
    # parse_http_list leaves the quotes on and has already resolved the backslashes.
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text


def _json(response: BaseHTTPResponse) -> dict[str, Any]:
    try:
        content = json.loads(response.data)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
