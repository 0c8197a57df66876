"""Staff sign in through their organisation's own provider, in Chromium and a real Keycloak; and who is not let in."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pyotp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect
from pydantic import SecretStr
from sqlalchemy import text

from services.console.accounts import Account
from services.console.policy.access import ALL, Operator
from services.console.web import pages
from services.console.web.pages.overview import Changes
from services.options.own_accounts import proofs
from services.options.own_accounts import store as own_accounts
from services.platform.register.child import child_by_code
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.server import Web
from services.platform.store.encryption import Keyring
from services.platform.store.engine import Channels
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.identifiers import in_words
from services.safeguarding.operators import OperatorRole
from tests.support.engines import keycloak
from tests.support.engines.database import Database
from tests.support.engines.keycloak import Keycloak, code_of
from tests.support.engines.ports import free_port
from tests.support.in_process.console import GUESTS, accesses, said_by_console, settings_of
from tests.support.in_process.register import authority, load
from tests.support.outside.browser import CHROMIUM

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(1000),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium: apt-get install chromium"),
]
CLOCKS = Clocks()
EVERYBODY = Operator("account-of-the-test", "Test", OperatorRole.ADMINISTRATOR, frozenset({ALL}))
PROVIDERS = """
console: {console}
providers:
  kestrel:
    title: Kestrel Council
    issuer: {issuer}
    client: safe-return
    secret: a-secret-of-the-test
    second_factor: {{ amr: [otp] }}
    groups:
      kestrel-managers: {{ role: duty-manager, authorities: [{kestrel}] }}
      lapwing-social-work: {{ role: social-worker, authorities: [{lapwing}] }}
"""


@pytest.fixture(scope="module")
def console() -> str:
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def provider(console: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    with keycloak.running(tmp_path_factory.mktemp("keycloak"), console) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(database: Database) -> AsyncIterator[Store]:
    opened = Store(database.engine("console"), origin=Origin("console", Clocks()))
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def councils(database: Database, keyring: Keyring) -> tuple[str, str]:
    """Kestrel and Lapwing, as this test's register names them."""
    documents, engine = (authority(), authority()), database.engine("casework")
    for each in documents:
        await load(engine, keyring, each, CLOCKS.wall())
    await engine.dispose()
    return documents[0]["authority"]["id"], documents[1]["authority"]["id"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(
    database: Database, opened: Store, console: str, provider: Keycloak, councils: tuple[str, str]
) -> AsyncIterator[str]:
    """Not a sandbox: with secure cookies, and a second factor for local accounts."""
    kestrel, lapwing = councils
    said = PROVIDERS.format(console=console, issuer=provider.issuer, kestrel=kestrel, lapwing=lapwing)
    settings = settings_of(database).model_copy(update={"sandbox": False, "sign_in_providers": SecretStr(said)})
    web = Web(pages(opened, CLOCKS, Changes(Channels(), CLOCKS), settings, GUESTS), int(console.rpartition(":")[2]))
    await web.start()
    yield console
    await web.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, served: str) -> AsyncIterator[Page]:
    """With cookies of its own. Signed out."""
    page = await browser.new_page(base_url=served)
    yield page
    await page.close()


async def test_who_shows_a_second_factor_comes_in_with_their_groups_authorities(
    page: Page, opened: Store, councils: tuple[str, str]
) -> None:
    kestrel, lapwing = councils
    await at_provider(page, "ada")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Open cases")
    await expect(page.locator(".who")).to_contain_text(f"Ada Example, duty manager ({in_words(kestrel)})")
    answers = [await page.goto(f"/children/{await child_of(opened, each)}") for each in councils]
    assert [answer.status for answer in answers if answer is not None] == [200, 404], lapwing
    [ada] = [each for each in await everybody(opened) if each.operator.name == "Ada Example"]
    assert next(each.what for each in await accesses(opened, ada.sign_in)) == "signed-in"


@pytest.mark.parametrize(
    ("user", "why"),
    [("bert", "without a second factor"), ("zoe", "in no group")],
)
async def test_who_lacks_a_second_factor_or_a_group_is_not_let_in(page: Page, user: str, why: str) -> None:
    await at_provider(page, user)
    await expect(page.get_by_role("alert")).to_contain_text(why)
    await page.goto("/")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


async def test_the_provider_is_asked_again_unseen_and_before_a_grave_act(page: Page, opened: Store) -> None:
    await at_provider(page, "lena")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Open cases")
    await expect(page.locator("#liveness")).to_have_text("Live")
    await age_sessions(opened, "Lena Example", minutes=20)
    await page.goto("/directory")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Directory")
    assert await minutes_since(opened, "Lena Example", "asked_at") < 1
    await age_sessions(opened, "Lena Example", minutes=20)
    await page.goto("/break-glass")
    await expect(page.get_by_role("button", name="Show who it is")).to_be_visible()
    assert await minutes_since(opened, "Lena Example", "proved_at") < 15
    await page.goto("/")
    await expect(page.locator("#liveness")).to_have_text("Live")
    await age_sessions(opened, "Lena Example", minutes=20)
    async with page.expect_navigation():
        await page.evaluate("() => { refresh(); }")
    await expect(page.locator("#liveness")).to_have_text("Live")
    assert await minutes_since(opened, "Lena Example", "asked_at") < 1
    await page.locator("#sought").fill("C1")
    await age_sessions(opened, "Lena Example", minutes=20)
    await page.evaluate("() => { sessionStorage.clear(); refresh(); }")
    await expect(page.locator("#liveness")).to_contain_text("Load the page again")
    await expect(page.locator("#sought")).to_have_value("C1")


async def test_a_leaver_is_out_at_the_next_request(page: Page, opened: Store, provider: Keycloak) -> None:
    await at_provider(page, "ada")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Open cases")
    await asyncio.to_thread(provider.leaves, "ada")
    answer = await page.request.get("/parts/open")
    assert answer.status == 401
    await page.goto("/")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    [ada] = [each for each in await everybody(opened) if each.operator.name == "Ada Example"]
    assert (await accesses(opened, ada.sign_in))[-1].what == "signed-out-by-provider"


async def test_in_an_emergency_a_local_account_is_told_who_another_authoritys_child_is(
    page: Page, opened: Store, councils: tuple[str, str]
) -> None:
    kestrel, lapwing = councils
    async with opened.transaction() as uow:
        await own_accounts.add_account(
            uow,
            sign_in="night@lapwing.example",
            name="Noor Night",
            role=OperatorRole.DUTY_MANAGER,
            authorities=[lapwing],
            password_seal=proofs.hash_password(keycloak.PASSWORD),
            now=CLOCKS.wall(),
        )
    await page.goto("/break-glass")
    await page.get_by_text("Use a local account").click()
    await page.get_by_label("Name").fill("night@lapwing.example")
    await page.get_by_label("Password").fill(keycloak.PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Set up your second factor")
    await page.goto("/")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Set up your second factor")
    key = await page.locator("main code").inner_text()
    await page.get_by_label("Code").fill(pyotp.TOTP(key).now())
    await page.get_by_role("button", name="Set it up").click()
    await expect(page.get_by_text("Second factor", exact=True)).to_be_visible()
    await page.goto("/break-glass")
    await page.get_by_label(in_words(kestrel)).check()
    await page.get_by_label("The child's code").fill("C1")
    await page.get_by_label("Why you must know now").fill("A child at our door gives this code")
    await page.get_by_role("button", name="Show who it is").click()
    await expect(page.locator("main")).to_contain_text(f"C1, of {in_words(kestrel)}")
    child = await child_of(opened, kestrel)
    said = [each.content.kind for each in await said_by_console(opened, child, views=True)]
    assert said[-3:] == ["access.overridden.v1", "register.looked-up.v1", "operator.acted.v1"]


async def at_provider(page: Page, user: str) -> None:
    """From the console's page to the provider's, and back."""
    await page.goto("/")
    await page.get_by_role("link", name="Kestrel Council").click()
    await page.locator("#username").fill(user)
    await page.locator("#password").fill(keycloak.PASSWORD)
    await page.locator("#kc-login").click()
    if user in keycloak.CODES:
        await page.locator("#otp").fill(code_of(user))
        await page.locator("#kc-login").click()


async def everybody(opened: Store) -> list[Account]:
    async with opened.read() as reader:
        return await reader.fetch(own_accounts.accounts_within(EVERYBODY))


async def child_of(opened: Store, council: str) -> str:
    async with opened.read() as reader:
        child = await reader.fetch(child_by_code(council, "C1"))
    assert child is not None
    return child


async def age_sessions(opened: Store, name: str, *, minutes: int) -> None:
    """As if this long had passed since they showed who they are, and since their provider was asked."""
    async with opened.engine.begin() as connection:
        await connection.execute(
            text(
                "UPDATE console.sessions s SET asked_at = asked_at - make_interval(mins => :minutes), "
                "proved_at = proved_at - make_interval(mins => :minutes) "
                "FROM console.accounts a WHERE a.account = s.account AND a.name = :name"
            ),
            {"minutes": minutes, "name": name},
        )


async def minutes_since(opened: Store, name: str, what: str) -> float:
    async with opened.engine.connect() as connection:
        seconds = await connection.scalar(
            text(
                f"SELECT extract(epoch FROM now() - max({what})) FROM console.sessions JOIN console.accounts "
                "USING (account) WHERE name = :name"
            ),
            {"name": name},
        )
    return float(seconds) / 60
