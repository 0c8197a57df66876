"""What the console believes of an organisation's provider, and what not. The provider is played; Keycloak has its own test."""

import time
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from uuid import uuid4

import httpx
import jwt
import pytest
import time_machine
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from pydantic import SecretStr

from services.console import accounts
from services.console.policy.access import Provider, read_providers
from services.console.web import pages
from services.console.web.pages.overview import Changes
from services.options.own_accounts import store as own_accounts
from services.options.provider_sign_in import pages as openid
from services.options.provider_sign_in.option import OPTION
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.problems import MOST_OF_A_STRANGER
from services.platform.store.unit_of_work import Store
from services.safeguarding.operators import OperatorRole
from tests.support.engines.database import Database
from tests.support.in_process.console import GUESTS, accesses, browser_at, csrf_in, settings_of, somewhere

CLOCKS = Clocks()
ISSUER = "https://login.kestrel.example"
PROVIDERS = f"""
console: https://console.example
providers:
  kestrel:
    title: Kestrel Council
    issuer: {ISSUER}
    client: safe-return
    secret: s
    second_factor: {{ acr: [two], amr: [otp, hwk] }}
    groups:
      managers: {{ role: duty-manager, authorities: [kestrel] }}
      out-of-hours: {{ role: duty-manager, authorities: [lapwing, swift] }}
      everywhere: {{ role: auditor, authorities: all }}
"""
Claims = dict[str, Any]


class PlayedProvider:
    """Answers as `openid` asks. Each of its answers may be spoilt."""

    def __init__(self) -> None:
        self.keys = [new_key()]
        self.is_away = False
        self.takes_no_code: Exception | None = None
        self.claims: Claims = {
            "sub": f"S-{uuid4()}",
            "name": "Ada Ferris",
            "groups": ["managers"],
            "amr": ["pwd", "otp"],
        }
        self.spoil: Callable[[Claims], Claims] = lambda claims: claims
        self.asked: dict[str, str] = {}
        self.sent: dict[str, str] = {}

    async def answer(
        self, provider: Provider, method: str, url: str, fields: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        if self.is_away:
            raise openid.ProviderAway
        if url.endswith("openid-configuration"):
            paths = {f"{name}_endpoint": f"{ISSUER}/{name}" for name in ("authorization", "token")}
            return {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys", **paths}
        if url.endswith("/keys"):
            public = [RSAAlgorithm.to_jwk(each.public_key(), as_dict=True) for each in self.keys]
            return {"keys": [each | {"kid": str(at)} for at, each in enumerate(public, start=1)]}
        if self.takes_no_code is not None:
            raise self.takes_no_code
        self.sent = dict(fields or {})
        return {"id_token": self.token(self.spoil(self.whole() | {"nonce": self.asked["nonce"]}))}

    def whole(self) -> Claims:
        now = int(time.time())
        return {"iss": ISSUER, "aud": "safe-return", "iat": now, "exp": now + 60, "auth_time": now} | self.claims

    def token(self, claims: Claims, key: Any = None, algorithm: str = "RS256") -> str:
        """Of the newest key, or of another under its name."""
        return jwt.encode(claims, key or self.keys[-1], algorithm, headers={"kid": str(len(self.keys))})


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> PlayedProvider:
    played = PlayedProvider()
    monkeypatch.setattr(openid, "_ask", played.answer)
    return played


@pytest.fixture
async def browser(provider: PlayedProvider, database: Database, opened: Store) -> AsyncIterator[httpx.AsyncClient]:
    settings = settings_of(database).model_copy(update={"sign_in_providers": SecretStr(PROVIDERS)})
    async with browser_at(
        pages(opened, CLOCKS, Changes(opened.channels, CLOCKS), settings, GUESTS), somewhere()
    ) as browser:
        yield browser


async def come(browser: httpx.AsyncClient, provider: PlayedProvider, how: str = "then=/directory") -> httpx.Response:
    """To the provider and back."""
    sent = await browser.get(f"/providers/kestrel/sign-in?{how}")
    assert sent.headers["location"].startswith(f"{ISSUER}/authorization?"), sent.text
    provider.asked = {name: each[0] for name, each in parse_qs(urlsplit(sent.headers["location"]).query).items()}
    return await browser.get("/providers/kestrel/answer", params={"state": provider.asked["state"], "code": "c"})


async def test_the_provider_is_asked_for_a_second_factor_and_its_answer_is_bound_to_the_browser(
    browser: httpx.AsyncClient, provider: PlayedProvider
) -> None:
    answer = await come(browser, provider)
    assert (answer.status_code, answer.headers["location"]) == (303, "/directory")
    asked = provider.asked
    assert (asked["acr_values"], asked["code_challenge_method"], asked["max_age"]) == ("two", "S256", "43200")
    assert (asked["redirect_uri"], provider.sent["redirect_uri"]) == (
        "https://console.example/providers/kestrel/answer",
    ) * 2
    assert sha256(provider.sent["code_verifier"].encode()).digest() == urlsafe_b64decode(asked["code_challenge"] + "=")
    assert "Ada Ferris" in (await browser.get("/")).text
    again = await browser.get("/providers/kestrel/answer", params={"state": asked["state"], "code": "c"})
    assert again.status_code == 403, "an answer counts once"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda claims: claims | {"nonce": "another"},
        lambda claims: claims | {"aud": "another"},
        lambda claims: claims | {"aud": ["safe-return", "another"], "azp": "another"},
        lambda claims: claims | {"iss": "https://evil.example"},
        lambda claims: claims | {"exp": claims["exp"] - 600},
        lambda claims: {name: each for name, each in claims.items() if name != "sub"},
    ],
    ids=["nonce", "audience", "party", "issuer", "expired", "nobody"],
)
async def test_a_token_that_is_not_for_us_now_lets_nobody_in(
    browser: httpx.AsyncClient, provider: PlayedProvider, spoil: Callable[[Claims], Claims]
) -> None:
    provider.spoil = spoil
    assert (await come(browser, provider)).status_code == 403
    assert (await browser.get("/")).status_code == 303


@pytest.mark.parametrize("forged", ["RS256", "HS256"])
async def test_a_token_that_another_signed_lets_nobody_in(
    browser: httpx.AsyncClient, provider: PlayedProvider, forged: str
) -> None:
    key = new_key() if forged == "RS256" else b"s" * 32
    token = provider.token
    provider.token = lambda claims, *_: token(claims, key, forged)  # type: ignore[method-assign]
    assert (await come(browser, provider)).status_code == 403


async def test_the_provider_may_change_its_key(browser: httpx.AsyncClient, provider: PlayedProvider) -> None:
    assert (await come(browser, provider)).status_code == 303
    provider.keys.append(new_key())
    assert (await come(browser, provider)).status_code == 303


@pytest.mark.parametrize(
    ("claims", "role", "authorities"),
    [
        ({"groups": ["catering", "managers"]}, OperatorRole.DUTY_MANAGER, ("kestrel",)),
        (
            {"groups": ["everywhere", "out-of-hours", "managers"]},
            OperatorRole.DUTY_MANAGER,
            ("kestrel", "lapwing", "swift"),
        ),
        ({"groups": ["everywhere"], "amr": [], "acr": "two"}, OperatorRole.AUDITOR, ("all",)),
        ({"groups": ["everywhere"], "amr": ["pwd"]}, None, ()),
        ({"groups": ["catering"]}, None, ()),
        ({"groups": "managers"}, None, ()),
    ],
)
async def test_groups_give_the_role_and_the_authorities_and_without_one_nobody_comes_in(
    browser: httpx.AsyncClient,
    provider: PlayedProvider,
    opened: Store,
    claims: Claims,
    role: OperatorRole | None,
    authorities: tuple[str, ...],
) -> None:
    provider.claims |= claims
    answer = await come(browser, provider)
    assert answer.status_code == (403 if role is None else 303)
    record = await accesses(opened, f"kestrel/{provider.claims['sub']}")
    assert [(each.role, each.authorities, each.provider) for each in record] == (
        [] if role is None else [(role, authorities, "kestrel")]
    )


async def test_who_has_left_the_group_is_out_at_the_next_page_and_the_provider_is_asked_unseen(
    browser: httpx.AsyncClient, provider: PlayedProvider
) -> None:
    await come(browser, provider)
    for minutes, groups, status in ((6, ["managers"], 200), (12, ["catering"], 303)):
        provider.claims["groups"] = groups
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes)):
            sent = await browser.get("/directory?x=1")
            quiet = "/providers/kestrel/sign-in?quiet=true&then=/directory%3Fx%3D1"
            assert (sent.status_code, sent.headers["location"]) == (303, quiet)
            back = await come(browser, provider, quiet.partition("?")[2])
            assert provider.asked["prompt"] == "none"
            assert back.headers.get("location", "nowhere") == ("/directory?x=1" if status == 200 else "nowhere")
            assert (await browser.get("/directory?x=1")).status_code == status


async def test_who_has_left_reads_and_sends_no_more_after_a_quarter_of_an_hour_and_a_form_is_kept(
    browser: httpx.AsyncClient, provider: PlayedProvider
) -> None:
    await come(browser, provider)
    csrf = csrf_in(await browser.get("/account"))
    form = {"csrf": csrf, "what": "x", "reason": 'said "help" & left'}
    for minutes, groups in ((14, ["managers"]), (16, ["managers"]), (40, ["catering"])):
        provider.claims["groups"] = groups
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes)):
            followed = await browser.get("/parts/open")
            if minutes == 14:
                assert followed.status_code == 200
                assert (await browser.post("/account/command-code", data=form)).status_code == 200
                continue
            assert (followed.status_code, followed.text) == (401, "Ask again.")
            late = await browser.post("/account/command-code", data=form)
            assert late.status_code == 409
            assert "said &#34;help&#34; &amp; left" in late.text
            assert '"/providers/kestrel/sign-in?quiet=true&amp;then=/asked"' in late.text
            assert (await browser.post("/account/command-code", data=form | {"csrf": "x"})).status_code == 403
            page, files = "/authorities/kestrel", {"file": ("a.csv", b"a\n", "text/csv")}
            upload = await browser.post(f"{page}/files", data=form, files=files, headers={"referer": page})
            asks = "/providers/kestrel/sign-in?quiet=true&then=/authorities/kestrel%3Fdone%3Dnot-sent"
            assert (upload.status_code, upload.headers["location"]) == (303, asks)
            stays = (await come(browser, provider, "quiet=true&then=/asked")).status_code == 303
            assert stays == (groups == ["managers"])
            assert (await browser.get("/asked")).status_code == (200 if stays else 303)
            assert (await browser.get("/parts/open")).status_code == (200 if stays else 401)
            assert (await browser.post("/account/command-code", data=form)).status_code == (200 if stays else 303)


async def test_files_that_come_after_a_quarter_of_an_hour_are_chosen_again_on_their_page(
    browser: httpx.AsyncClient, provider: PlayedProvider
) -> None:
    await come(browser, provider)
    files = {"file": ("a.csv", b"a\n", "text/csv")}
    page = {"referer": "https://console.example/authorities/kestrel"}
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16)):
        late = await browser.post("/authorities/kestrel/files", data={"mapping": "ssd"}, files=files, headers=page)
    asks = "/providers/kestrel/sign-in?quiet=true&then=/authorities/kestrel%3Fdone%3Dnot-sent"
    assert (late.status_code, late.headers.get("location")) == (303, asks)


async def test_people_whose_ids_differ_in_case_alone_are_two(
    browser: httpx.AsyncClient, provider: PlayedProvider, opened: Store
) -> None:
    provider.claims["sub"] = subject = f"Ab-{uuid4()}"
    await come(browser, provider)
    provider.claims |= {"sub": subject.lower(), "name": "Somebody Else"}
    await come(browser, provider)
    assert len(await accesses(opened, f"kestrel/{subject}")) == 1
    assert len(await accesses(opened, f"kestrel/{subject.lower()}")) == 1


@pytest.mark.parametrize("kept", ["x", "[]", '{"then": 1}', '{"then": "/", "else": 1}', '{"then": "/", "quiet": "no"}'])
async def test_a_forged_cookie_is_a_bad_request(
    browser: httpx.AsyncClient, provider: PlayedProvider, kept: str
) -> None:
    name = f"safe-return-asking-{sha256(b's').hexdigest()[:12]}"
    for cookie in (name, f"__Host-{name}"):
        browser.cookies.set(cookie, quote(kept) if kept == "x" else kept)
    answer = await browser.get("/providers/kestrel/answer", params={"state": "s", "code": "c"})
    assert answer.status_code == 400


async def test_an_account_that_was_ended_is_opened_again_by_an_administrator(
    browser: httpx.AsyncClient, provider: PlayedProvider, opened: Store
) -> None:
    await come(browser, provider)
    sign_in = f"kestrel/{provider.claims['sub']}"
    async with opened.transaction() as uow:
        await own_accounts.close_account(uow, sign_in, datetime.now(UTC))
    assert (await come(browser, provider)).status_code == 403
    async with opened.transaction() as uow:
        assert await own_accounts.reset_account(uow, sign_in, "seal") is not None
        kept = await uow.fetch(accounts.account_by_sign_in(sign_in))
    assert kept is not None
    assert kept.password_seal is None, "nobody gets in there by a password"
    assert (await come(browser, provider)).status_code == 303


async def test_a_provider_that_is_away_locks_nobody_out_and_lets_nobody_in(
    browser: httpx.AsyncClient, provider: PlayedProvider
) -> None:
    await come(browser, provider)
    provider.is_away = True
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=6)):
        sent = await browser.get("/directory")
        assert (await browser.get(sent.headers["location"])).headers["location"] == "/directory"
        assert (await browser.get("/directory")).status_code == 200
        await browser.post("/sign-out", data={"csrf": csrf_in(await browser.get("/directory"))})
        assert (await come(browser, provider)).status_code == 503


async def test_a_provider_that_takes_no_code_for_now_locks_nobody_out_and_a_refusal_does(
    browser: httpx.AsyncClient, provider: PlayedProvider
) -> None:
    await come(browser, provider)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16)):
        provider.takes_no_code = openid.ProviderAway()
        assert (await come(browser, provider)).status_code == 503, "who comes to sign in has to wait"
        stays = await come(browser, provider, "quiet=true&then=/directory")
        assert (stays.status_code, stays.headers["location"]) == (303, "/directory")
        assert (await browser.get("/directory")).status_code == 200
        provider.takes_no_code = openid.NotValid()
        assert (await come(browser, provider, "quiet=true&then=/directory")).status_code == 403
        assert (await browser.get("/directory")).status_code == 303


async def test_nobody_stays_because_another_provider_is_away(
    provider: PlayedProvider, database: Database, opened: Store
) -> None:
    """Whoever kestrel lets in no more could name another, that is down, for as long as the session lasts."""
    another = yaml.safe_load(PROVIDERS)
    another["providers"]["harrier"] = another["providers"]["kestrel"]
    settings = settings_of(database).model_copy(update={"sign_in_providers": SecretStr(yaml.safe_dump(another))})
    async with browser_at(
        pages(opened, CLOCKS, Changes(opened.channels, CLOCKS), settings, GUESTS), somewhere()
    ) as browser:
        await come(browser, provider)
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16)):
            begun = await browser.get("/providers/harrier/sign-in?quiet=true")
            state = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]
            provider.takes_no_code = openid.ProviderAway()
            asked = {"state": state, "code": "c"}
            assert (await browser.get("/providers/harrier/answer", params=asked)).status_code == 503
            provider.is_away = True
            assert (await browser.get("/providers/harrier/sign-in?quiet=true")).status_code == 503
            sent = await browser.get("/directory")
            assert sent.headers["location"].startswith("/providers/kestrel/sign-in?quiet=true")


@pytest.mark.parametrize(
    ("status", "is_said"), [(400, openid.NotValid), (429, openid.ProviderAway), (503, openid.ProviderAway)]
)
async def test_a_page_in_place_of_a_token_is_a_refusal_or_an_outage(
    monkeypatch: pytest.MonkeyPatch, status: int, is_said: type[Exception]
) -> None:
    client, answers = httpx.AsyncClient, httpx.MockTransport(lambda _: httpx.Response(status, html="<p>No.</p>"))
    monkeypatch.setattr(httpx, "AsyncClient", lambda **_: client(transport=answers))
    kestrel = read_providers(PROVIDERS).providers["kestrel"]
    with pytest.raises(is_said):
        await openid._ask(kestrel, "POST", ISSUER, {"code": "c"})


async def test_a_proof_is_asked_of_the_provider_and_one_that_is_too_old_is_none(
    browser: httpx.AsyncClient, provider: PlayedProvider
) -> None:
    await come(browser, provider)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16)):
        provider.claims["auth_time"] = int(time.time()) - 1000
        await come(browser, provider, "quiet=true")
        sent = await browser.get("/break-glass?x=1&quiet=true")
        back = "/break-glass%3Fx%3D1%26quiet%3Dtrue"
        assert sent.headers["location"] == f"/providers/kestrel/sign-in?again=true&then={back}"
        del provider.claims["auth_time"]
        assert (await come(browser, provider, "again=true&then=/break-glass")).headers["location"] == "/break-glass"
        assert int(provider.asked["max_age"]) < 900
        provider.claims["auth_time"] = int(time.time()) - 1000
        assert (await come(browser, provider, "again=true&then=/break-glass")).status_code == 403


async def test_the_provider_signs_somebody_out_and_nobody_else_does(
    browser: httpx.AsyncClient, provider: PlayedProvider, opened: Store
) -> None:
    subject: str = provider.claims["sub"]
    event: Claims = {"events": {openid.LOGOUT: {}}}
    stranger = new_key()
    for about in ({"sid": "session-1"}, {"sub": subject}):
        provider.claims |= {"sid": "session-1"}
        assert (await come(browser, provider)).status_code == 303
        base = {name: each for name, each in provider.whole().items() if name not in {"sid", "sub"}}
        for token in (
            provider.token(base | about),
            provider.token(base | event),
            provider.token(base | about | event | {"nonce": "n"}),
            provider.token(base | about | event | {"aud": "another"}),
            provider.token(base | about | event, stranger),
            "nonsense",
        ):
            answer = await browser.post("/providers/kestrel/sign-out", data={"logout_token": token})
            assert answer.status_code == 400
        assert (await browser.get("/parts/open")).status_code == 200
        good = {"logout_token": provider.token(base | about | event)}
        assert (await browser.post("/providers/kestrel/sign-out", data=good)).status_code == 200
        assert (await browser.get("/parts/open")).status_code == 401
    record = await accesses(opened, f"kestrel/{subject}")
    assert [each.what for each in record] == ["signed-in", "signed-out-by-provider"] * 2


async def test_page_and_record_say_that_a_provider_lets_somebody_stay_by_its_silence(
    browser: httpx.AsyncClient, provider: PlayedProvider, opened: Store
) -> None:
    """The record once, however often it is asked in vain; both end with its next word."""

    async def page_says(minutes: int) -> bool:
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes)):
            await browser.get((await browser.get("/directory")).headers["location"])
            return "sign-in has not answered since" in (await browser.get("/directory")).text

    provider.claims |= {"sub": (subject := f"S-{uuid4()}")}
    await come(browser, provider)
    assert "has not answered" not in (await browser.get("/directory")).text
    provider.is_away = True
    assert [await page_says(6), await page_says(12)] == [True, True]
    provider.is_away = False
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=18)):
        assert (await come(browser, provider, "quiet=true&then=/directory")).status_code == 303
        assert "has not answered" not in (await browser.get("/directory")).text
    provider.is_away = True
    assert await page_says(24)
    record = [each.what for each in await accesses(opened, f"kestrel/{subject}")]
    assert record == ["signed-in", "provider-unanswered", "provider-unanswered"]


@pytest.mark.parametrize("is_known", [False, True])
async def test_strangers_make_us_ask_the_provider_only_so_often(
    browser: httpx.AsyncClient, provider: PlayedProvider, *, is_known: bool
) -> None:
    if is_known:
        await come(browser, provider)
    answers = [await browser.get("/providers/kestrel/sign-in?quiet=true") for _ in range(MOST_OF_A_STRANGER + 1)]
    assert [each.status_code for each in answers[:-1]] == [303] * MOST_OF_A_STRANGER
    assert answers[-1].status_code == (303 if is_known else 429)


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        (PROVIDERS.replace("role: auditor, authorities: all", "role: auditor"), "everywhere"),
        (PROVIDERS.replace("acr: [two], amr: [otp, hwk]", ""), "second_factor"),
        (PROVIDERS.replace(ISSUER, "http://login.kestrel.example"), "issuer"),
        ("[", "YAML"),
    ],
)
def test_what_is_left_out_of_the_settings_is_named_and_never_means_everything(spoilt: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_providers(spoilt)


async def test_without_own_accounts_a_provider_signs_staff_in_and_nobody_types_a_password(
    database: Database, opened: Store, provider: PlayedProvider
) -> None:
    settings = settings_of(database).model_copy(update={"sign_in_providers": SecretStr(PROVIDERS)})
    app = pages(opened, CLOCKS, Changes(opened.channels, CLOCKS), settings, [OPTION.pages["console"]])
    async with browser_at(app, somewhere()) as browser:
        page = await browser.get("/sign-in")
        assert "Kestrel Council" in page.text
        assert "password" not in page.text
        assert "Nobody can sign in" not in page.text
        assert (await browser.post("/sign-in", data={"name": "n", "password": "p"})).status_code == 405
        assert (await come(browser, provider, "then=/")).headers["location"] == "/"
        for path in ("/", "/account", "/directory", "/break-glass"):
            assert (await browser.get(path)).status_code == 200, path
        navigation = (await browser.get("/directory")).text
        for path in ("/accounts", "/authorities", "/organisations", "/records"):
            assert (await browser.get(path)).status_code == 404, path
            assert f'href="{path}"' not in navigation
        out = await browser.post("/sign-out", data={"csrf": csrf_in(await browser.get("/account"))})
        assert out.headers["location"] == "/sign-in"


async def test_with_neither_the_page_says_that_nobody_can_sign_in(database: Database, opened: Store) -> None:
    app = pages(opened, CLOCKS, Changes(opened.channels, CLOCKS), settings_of(database))
    assert not app.state.has_way_in
    async with browser_at(app, somewhere()) as browser:
        assert "Nobody can sign in here" in (await browser.get("/sign-in")).text
