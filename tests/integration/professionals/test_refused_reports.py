"""What Twilio and GOV.UK Notify report to professionals is counted where it is refused: else nobody hears of a wrong token."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from services.platform.delivery.settings.correspondence import CorrespondenceSettings
from services.platform.runtime.clocks import Clocks
from services.professionals.web.acknowledge_page import AcknowledgePage, pages
from tests.support.engines.database import Database
from tests.support.in_process.carers import ACCOUNT_SID, KEY, PUBLIC_URL, TOKEN
from tests.support.outside.twilio_posts import counted

BEARER = "a token"


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """Nothing stands behind the doors: what is refused goes no further."""
    nothing: Any = None
    own = {
        "master_key": KEY,
        "phone_key": KEY,
        "link_key": KEY,
        "twilio_account_sid": ACCOUNT_SID,
        "twilio_auth_token": SecretStr(TOKEN),
        "twilio_from": "+447700900500",
        "notify_bearer": SecretStr(BEARER),
        "public_url": PUBLIC_URL,
        "smtp_host": "127.0.0.1",
        "smtp_from": "notices@kestrel.example",
        "smtp_listen_port": 1,
        "smtp_authserv_id": "mx.kestrel.example",
        "sandbox": False,
    }
    settings = CorrespondenceSettings(**{**database.settings("professionals").model_dump(), **own})
    page = AcknowledgePage(nothing, Clocks(), nothing, nothing)
    app = pages(nothing, nothing, page, Clocks(), settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PUBLIC_URL) as running:
        yield running


@pytest.mark.parametrize("path", ["/texts/status", "/calls/keys"])
async def test_a_wrong_signature_of_twilio_is_counted(client: httpx.AsyncClient, path: str) -> None:
    with counted("status", "Not from Twilio", "account"):
        form = {"AccountSid": ACCOUNT_SID, "MessageSid": "SM1"}
        answer = await client.post(path, data=form, headers={"X-Twilio-Signature": "wrong"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("bearer", "reason", "whose"), [("another", "Not from Notify", "anybody"), (BEARER, "Not a callback", "notify")]
)
async def test_what_is_refused_of_notify_is_counted(
    client: httpx.AsyncClient, bearer: str, reason: str, whose: str
) -> None:
    with counted("status", reason, whose):
        headers = {"Authorization": f"Bearer {bearer}"}
        answer = await client.post("/texts/notify/receipts", json={}, headers=headers)
    assert answer.status_code in {400, 403}
