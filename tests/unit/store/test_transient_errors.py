"""Whatever the driver raises while the database goes away, at every door: the caller is asked to send the same again."""

from base64 import b64encode
from typing import Any
from unittest.mock import MagicMock

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy.exc import DBAPIError

from services.carers.inbound import web as carers
from services.casework import web as casework
from services.casework.settings import CaseworkSettings
from services.console import web as console
from services.options.register_upkeep.endpoint import mount
from services.platform.delivery.links import Links
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import KeyMissing
from services.platform.store.engine import is_contention, is_transient
from services.police.web import webhooks as police
from services.professionals.web import acknowledge_page as professionals
from services.professionals.web.acknowledge_page import AcknowledgePage
from services.strategy import web as strategy

KEY = b64encode(b"m" * 32).decode()
LINKS = Links(KEY, "http://safe-return.example")
PASSING = [psycopg.OperationalError("gone"), psycopg.errors.AdminShutdown(), psycopg.errors.SerializationFailure()]


def played(**settings: Any) -> Any:
    return MagicMock(public_url=LINKS.public_url, links=LINKS, sandbox=True, **settings)


def casework_pages() -> FastAPI:
    key = SecretStr(KEY)
    settings = CaseworkSettings.model_construct(sandbox=True, master_key=key, phone_key=key)
    return casework.pages(MagicMock(), Clocks(), settings, [mount])


def professionals_pages() -> FastAPI:
    page = AcknowledgePage(MagicMock(), Clocks(), MagicMock(), MagicMock())
    return professionals.pages(MagicMock(), MagicMock(), page, Clocks(), played())


DOORS: dict[str, Any] = {
    "carers": lambda: carers.pages(MagicMock(), MagicMock(), MagicMock(), Clocks(), played(), MagicMock(), MagicMock()),
    "casework": casework_pages,
    "console": lambda: console.pages(MagicMock(), Clocks(), MagicMock(), played()),
    "police": lambda: police.pages(LINKS, Clocks(), *(MagicMock() for _ in range(4))),
    "professionals": professionals_pages,
    "strategy": lambda: strategy.pages(LINKS, Clocks(), *(MagicMock() for _ in range(3))),
}


async def answer_of(app: FastAPI, error: Exception) -> httpx.Response:
    async def raises() -> None:
        raise error

    app.add_api_route("/raises", raises)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=LINKS.public_url) as client:
        return await client.get("/raises")


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("service", DOORS)
async def test_what_passes_by_itself_asks_for_the_same_again(service: str, error: Exception) -> None:
    answer = await answer_of(DOORS[service](), error)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "error", [psycopg.errors.UniqueViolation(), KeyMissing()], ids=lambda error: type(error).__name__
)
@pytest.mark.parametrize("service", DOORS)
async def test_what_does_not_pass_is_our_fault(service: str, error: Exception) -> None:
    answer = await answer_of(DOORS[service](), error)
    assert (answer.status_code, "Retry-After" in answer.headers) == (500, False)


@pytest.mark.parametrize(
    "state", ["LockNotAvailable", "QueryCanceled", "DeadlockDetected", "SerializationFailure", "OutOfMemory"]
)
def test_after_a_lock_or_a_limit_the_connection_serves_other_work(state: str) -> None:
    met = getattr(psycopg.errors, state)()
    for error in (met, DBAPIError("SELECT", {}, met)):
        assert is_contention(error)
        assert is_transient(error)
    lost = DBAPIError("SELECT", {}, met, connection_invalidated=True)
    assert (is_contention(lost), is_transient(lost)) == (False, True)


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (psycopg.OperationalError("gone"), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.ReadOnlySqlTransaction(), True),
        (psycopg.errors.IdleInTransactionSessionTimeout(), True),
        (ConnectionResetError(), True),
        (psycopg.errors.UniqueViolation(), False),
        (KeyMissing(), False),
        (ZeroDivisionError(), False),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_connection_that_is_lost_serves_nothing(error: Exception, transient: bool) -> None:
    assert (is_contention(error), is_transient(error)) == (False, transient)
