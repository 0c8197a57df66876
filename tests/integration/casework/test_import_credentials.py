"""Who may write an authority's register: a token of ours or a client's JWT, for the tables that it names, until it ends."""

import json
import threading
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncEngine

from services.options.register_upkeep.credentials import WRITABLE, Credential
from services.platform.register.operators import add_credential, withdraw_credential
from services.platform.runtime import problems
from services.platform.store.unit_of_work import Store
from tests.support.engines.database import Database
from tests.support.in_process.casework import casework, import_bearer
from tests.support.in_process.register import authority, own_part

NOW = datetime.now(UTC)
KEY, OTHER_KEY = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


@pytest.fixture
async def http(database: Database, engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    app = casework(database, engine)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://casework") as client:
        yield client


async def test_a_token_of_one_authority_opens_no_other_and_says_nothing_of_it(
    http: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    own, other = authority(), await own_part(engine, authority())
    name, others_name = own["authority"]["id"], other["authority"]["id"]
    bearer = await import_bearer(engine, name)
    others = await import_bearer(engine, others_name)
    assert (await http.put(f"/register/{others_name}", json=other, headers=others)).status_code == 200
    answers = [
        await http.put(f"/register/{each}", json=other, headers=bearer)
        for each in (others_name, "nobody-ever-imported")
    ]
    assert [each.status_code for each in answers] == [403, 403]
    assert answers[0].content == answers[1].content, "whether the other is in the register is not to be learnt"
    picture = await http.delete(f"/register/{others_name}/children/C1/photograph", headers=bearer)
    assert (picture.status_code, picture.content) == (403, answers[0].content)


async def test_tokens_are_not_guessed_without_end_and_who_guesses_shuts_out_nobody(
    http: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    document = await own_part(engine, authority())
    path = f"/register/{document['authority']['id']}"
    bearer = await import_bearer(engine, document["authority"]["id"])
    assert (await http.put(path, json=document, headers=bearer)).status_code == 200
    guesses = [
        (await http.put("/register/lapwing", json={}, headers={"authorization": f"Bearer {each}"})).status_code
        for each in range(problems.MOST_OF_A_STRANGER + 1)
    ]
    assert (guesses[0], guesses[-1]) == (401, 429)
    assert (await http.put(path, json=document, headers=bearer)).status_code == 200


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("/people", b"reference,name\nnew,New\n", 200),
        ("/children", b"reference,code\nC9,C9\n", 403),
        ("", b'{"people": []}', 200),
        ("", b'{"people": [], "children": []}', 403),
        ("/children/C1/photograph", b"\xff\xd8\xff\xe0 \xff\xd9", 403),
    ],
)
async def test_a_token_writes_only_the_tables_that_it_names(
    http: httpx.AsyncClient, engine: AsyncEngine, path: str, content: bytes, status: int
) -> None:
    document = await own_part(engine, authority())
    name = document["authority"]["id"]
    await http.put(f"/register/{name}", json=document, headers=await import_bearer(engine, name))
    narrow = await import_bearer(engine, name, ["people"], token=f"narrow-{name}")
    kind = "application/json" if path == "" else "image/jpeg" if "photograph" in path else "text/csv"
    answer = await http.put(f"/register/{name}{path}", content=content, headers=narrow | {"content-type": kind})
    assert answer.status_code == status, answer.text


async def test_a_token_that_expired_or_was_withdrawn_opens_nothing(
    http: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    name = authority()["authority"]["id"]
    for token, ends in (("old", NOW - timedelta(seconds=1)), ("good", NOW + timedelta(days=1))):
        async with Store(engine).transaction() as uow:
            made = Credential(f"{name}-{token}", name, frozenset(WRITABLE), ends)
            await uow.fetch(add_credential(asdict(made), f"{token}-{name}", NOW))

    async def status(token: str) -> int:
        headers = {"authorization": f"Bearer {token}-{name}", "content-type": "application/json"}
        return (await http.put(f"/register/{name}", content=b"{", headers=headers)).status_code

    assert [await status("old"), await status("good")] == [401, 400]
    async with Store(engine).transaction() as uow:
        assert await uow.fetch(withdraw_credential(f"{name}-good", NOW))
    assert await status("good") == 401


@pytest.fixture(scope="module")
def jwks_url() -> Iterator[str]:
    """An issuer that publishes KEY."""
    raw = urlsafe_b64encode(KEY.public_key().public_bytes_raw()).rstrip(b"=").decode()
    published = {"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "k1", "x": raw}]}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(published).encode())

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/jwks"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("changes", "key", "kid", "status"),
    [
        ({}, KEY, "k1", 400),
        ({"scope": "mail register"}, KEY, "k1", 400),
        ({}, OTHER_KEY, "k1", 401),
        ({}, OTHER_KEY, "k2", 401),
        ({"aud": "another"}, KEY, "k1", 401),
        ({"iss": "https://another.example"}, KEY, "k1", 401),
        ({"sub": "another"}, KEY, "k1", 401),
        ({"scope": "mail"}, KEY, "k1", 401),
        ({"scope": None}, KEY, "k1", 401),
        ({"authority": "another"}, KEY, "k1", 401),
        ({"exp": NOW - timedelta(minutes=5)}, KEY, "k1", 401),
        ({"iat": None}, KEY, "k1", 401),
    ],
)
async def test_a_clients_jwt_is_taken_only_as_its_issuer_meant_it(
    http: httpx.AsyncClient,
    engine: AsyncEngine,
    jwks_url: str,
    changes: dict[str, Any],
    key: Ed25519PrivateKey,
    kid: str,
    status: int,
) -> None:
    """400 is the body's: it was read, so the token was taken."""
    name = authority()["authority"]["id"]
    issuer = f"https://login.{name}.example"
    now, ends = datetime.now(UTC), NOW + timedelta(days=1)
    client = Credential(
        name, name, frozenset(WRITABLE), ends, None, issuer, "nightly", "safe-return-register", jwks_url
    )
    async with Store(engine).transaction() as uow:
        await uow.fetch(add_credential(asdict(client), None, NOW))
    claims = {
        "iss": issuer,
        "sub": "nightly",
        "aud": "safe-return-register",
        "scope": "register",
        "authority": name,
        "iat": now,
        "exp": now + timedelta(minutes=5),
    } | changes
    claims = {claim: value for claim, value in claims.items() if value is not None}
    headers = {"authorization": f"Bearer {jwt.encode(claims, key, 'EdDSA', headers={'kid': kid})}"}
    answer = await http.put(f"/register/{name}", content=b"{", headers=headers | {"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    elsewhere = await http.put(
        "/register/elsewhere", content=b"{", headers=headers | {"content-type": "application/json"}
    )
    assert elsewhere.status_code == (403 if status == 400 else 401)


async def test_an_unsigned_jwt_is_none(http: httpx.AsyncClient, engine: AsyncEngine, jwks_url: str) -> None:
    name = authority()["authority"]["id"]
    client = Credential(name, name, frozenset(WRITABLE), NOW + timedelta(days=1), None, name, "n", "a", jwks_url)
    async with Store(engine).transaction() as uow:
        await uow.fetch(add_credential(asdict(client), None, NOW))
    claims = {
        "iss": name,
        "sub": "n",
        "aud": "a",
        "scope": "register",
        "authority": name,
        "iat": NOW,
        "exp": NOW + timedelta(1),
    }
    head, *made_up = (
        urlsafe_b64encode(each.encode()).rstrip(b"=").decode()
        for each in ('{"alg":"EdDSA"}', "[" * 15_000, '{"iss":"\\ud800","sub":"n"}')
    )
    for token in (
        jwt.encode(claims, "", "none"),
        "a.b.c",
        "..",
        "e30.e30.e30",
        *(f"{head}.{each}.e30" for each in made_up),
    ):
        answer = await http.put(f"/register/{name}", json={}, headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 401


async def test_an_issuer_whose_keys_are_away_is_no_wrong_token(http: httpx.AsyncClient, engine: AsyncEngine) -> None:
    name = authority()["authority"]["id"]
    away = "http://127.0.0.1:1/jwks"
    client = Credential(name, name, frozenset(WRITABLE), NOW + timedelta(days=1), None, name, "n", "a", away)
    async with Store(engine).transaction() as uow:
        await uow.fetch(add_credential(asdict(client), None, NOW))
    token = jwt.encode({"iss": name, "sub": "n"}, KEY, "EdDSA", headers={"kid": "k1"})
    answer = await http.put(f"/register/{name}", json={}, headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
