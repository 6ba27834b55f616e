"""A login counts only when Authlib finds nothing wrong with the provider's answer.

A provider of our own on the loopback answers the page's real login routes.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from streamlit import config
from streamlit.auth_util import encode_provider_token
from streamlit.runtime.secrets import secrets_singleton
from streamlit.web.server.starlette.starlette_auth_routes import create_auth_routes

from graph.access import RoleBook
from views.door import who

CLIENT = "ringfence-page"
SECRET = "the secret of the client, known to both, 32 bytes"
_COOKIE = "_streamlit_user"
_PAGE = "http://127.0.0.1:8501"

Claims = dict[str, object]


@dataclass
class Browser:
    """Somebody at the page's login routes, with their own cookies."""

    page: Starlette
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def get(self, path: str, params: Mapping[str, str]) -> httpx.Response:
        """Ask for an address without following where it leads."""
        return asyncio.run(self._get(path, params))

    async def _get(self, path: str, params: Mapping[str, str]) -> httpx.Response:
        served = httpx.ASGITransport(self.page)
        async with httpx.AsyncClient(
            transport=served, base_url=_PAGE, cookies=self.cookies
        ) as client:
            answer = await client.get(path, params=params)
            self.cookies = client.cookies
            return answer


@dataclass
class Provider:
    """An identity provider that says whatever a test has it say."""

    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "a"}))
    issuer: str = ""
    nonce: str = ""
    answer: Callable[[Provider], Mapping[str, object]] = lambda _: {}

    def claims(self, **changes: object) -> Claims:
        """What a good token says; a change to None takes a claim out."""
        now = int(time.time())
        good: Claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": "u1", "iat": now,
            "exp": now + 600, "nonce": self.nonce,
        }  # fmt: skip
        return {k: v for k, v in {**good, **changes}.items() if v is not None}

    def token(self, **changes: object) -> str:
        """A token signed as the provider signs."""
        header = {"alg": "RS256", "kid": "a"}
        return jwt.encode(header, self.claims(**changes), self.key)

    def document(self, path: str) -> Mapping[str, object]:
        """What the provider serves at a path."""
        if path == "/token":
            return self.answer(self)
        if path == "/keys":
            return {"keys": [self.key.as_dict(private=False)]}
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
        }


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(made.document(urlsplit(self.path).path)).encode()
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(provider: Provider, tmp_path: Path) -> Iterator[Browser]:
    """The page's login routes, set up for the provider."""
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(
        f'[auth]\nredirect_uri = "{_PAGE}/oauth2callback"\ncookie_secret = "{SECRET}"\n'
        f'client_id = "{CLIENT}"\nclient_secret = "{SECRET}"\n'
        f'server_metadata_url = "{provider.issuer}/.well-known/openid-configuration"\n'
    )
    before = config.get_option("secrets.files")
    config.set_option("secrets.files", [str(secrets)])
    secrets_singleton._reset()
    session = Middleware(SessionMiddleware, secret_key=SECRET)
    yield Browser(Starlette(routes=create_auth_routes(""), middleware=[session]))
    config.set_option("secrets.files", before)
    secrets_singleton._reset()


def _asked(page: Browser, provider: Provider) -> str:
    """Begin a login; gives the state that the page sent along."""
    sent = page.get(
        "/auth/login", params={"provider": encode_provider_token("default")}
    )
    query = parse_qs(urlsplit(sent.headers["location"]).query)
    provider.nonce = query["nonce"][0]
    return query["state"][0]


def _is_in(page: Browser, state: str) -> bool:
    page.get("/oauth2callback", params={"code": "c", "state": state})
    return any(name.startswith(_COOKIE) for name in page.cookies)


def _unsigned(claims: Claims, header: Mapping[str, object]) -> str:
    def part(value: Mapping[str, object]) -> str:
        text = json.dumps(value).encode()
        return base64.urlsafe_b64encode(text).rstrip(b"=").decode()

    return f"{part(header)}.{part(claims)}."


def _tampered(provider: Provider) -> str:
    head, _, signature = provider.token().split(".")
    claims = _unsigned(provider.claims(sub="root"), {}).split(".")[1]
    return f"{head}.{claims}.{signature}"


def _by_another(provider: Provider, kid: str) -> str:
    other = RSAKey.generate_key(2048, {"kid": kid})
    return jwt.encode({"alg": "RS256", "kid": kid}, provider.claims(), other)


def _symmetric(provider: Provider, secret: bytes) -> str:
    key = OctKey.import_key(secret)
    return jwt.encode({"alg": "HS256", "kid": "a"}, provider.claims(), key)


_LONG_AGO = int(time.time()) - 86_400
_MUCH_LATER = int(time.time()) + 86_400

BAD: Mapping[str, Callable[[Provider], str | None]] = {
    "another's audience": lambda p: p.token(aud="another-client"),
    "audiences without us": lambda p: p.token(aud=["a", "b"]),
    "no audience": lambda p: p.token(aud=None),
    "another issuer": lambda p: p.token(iss="https://evil.example"),
    "issuer with a tail": lambda p: p.token(iss=p.issuer + "/"),
    "no issuer": lambda p: p.token(iss=None),
    "another nonce": lambda p: p.token(nonce="replayed"),
    "no nonce": lambda p: p.token(nonce=None),
    "expired": lambda p: p.token(exp=_LONG_AGO, iat=_LONG_AGO - 600),
    "no expiry": lambda p: p.token(exp=None),
    "issued tomorrow": lambda p: p.token(iat=_MUCH_LATER, exp=_MUCH_LATER + 600),
    "valid from tomorrow": lambda p: p.token(nbf=_MUCH_LATER),
    "no subject": lambda p: p.token(sub=None),
    "alg none": lambda p: _unsigned(p.claims(), {"alg": "none"}),
    "alg None with a kid": lambda p: _unsigned(p.claims(), {"alg": "None", "kid": "a"}),
    "claims changed": _tampered,
    "another's key": lambda p: _by_another(p, "a"),
    "an unknown key": lambda p: _by_another(p, "b"),
    "signed with the public key": lambda p: _symmetric(p, p.key.as_pem(private=False)),
    "no token": lambda _: None,
    "no JWT": lambda _: "a.b.c",
}


def test_a_good_token_comes_in(page: Browser, provider: Provider) -> None:
    provider.answer = lambda p: _told(p.token())
    assert _is_in(page, _asked(page, provider))


def _told(token: str | None) -> Mapping[str, object]:
    told = {"access_token": "t", "token_type": "Bearer", "expires_in": 600}
    return told | ({"id_token": token} if token else {})


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_token_stays_out(page: Browser, provider: Provider, kind: str) -> None:
    provider.answer = lambda p: _told(BAD[kind](p))
    assert not _is_in(page, _asked(page, provider))


def test_a_state_counts_once_and_only_for_who_asked(
    page: Browser, provider: Provider
) -> None:
    provider.answer = lambda p: _told(p.token())
    state = _asked(page, provider)
    assert not _is_in(page, "forged")
    stranger = Browser(page.page)
    assert not _is_in(stranger, state)
    assert _is_in(page, state)
    for name in [name for name in page.cookies if name.startswith(_COOKIE)]:
        page.cookies.delete(name)
    assert not _is_in(page, state)


def test_an_unverified_address_names_nobody() -> None:
    claims = {"sub": "u1", "email": "boss@company.example", "groups": ["fraud"]}
    book = RoleBook(groups={"fraud": frozenset({"viewer"})})
    for verified in (None, False, "true", 1):
        assert who(claims | {"email_verified": verified}, book).name == "u1"
