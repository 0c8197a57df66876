"""An authority's own numbers for texts, entered at the console by whoever sees every authority."""

from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from services.platform.store.unit_of_work import Store
from services.safeguarding.operators import OperatorRole
from tests.support.engines.database import Database
from tests.support.in_process.console import account, browser_at, csrf_in, said_by_console, sign_in, somewhere
from tests.support.in_process.register import KEYRING, authority, fresh_number, load

SENDER = "8e222534-7f05-4972-86e3-17c5d9f894e2"
NUMBERS = "SELECT text_number, notify_number, notify_sender::text FROM register.authorities WHERE id = :id"


@pytest.fixture
async def councils(database: Database) -> list[str]:
    engine, names = database.engine("casework"), []
    for document in (authority(), authority()):
        await load(engine, KEYRING, document, datetime(2026, 11, 24, tzinfo=UTC))
        names.append(document["authority"]["id"])
    await engine.dispose()
    return names


async def enter(app: FastAPI, who: str, council: str, **numbers: str) -> int:
    async with browser_at(app, somewhere()) as browser:
        await sign_in(browser, who)
        form = {"csrf": csrf_in(await browser.get(f"/authorities/{council}")), "what": "numbers"}
        return (await browser.post(f"/authorities/{council}", data=form | numbers)).status_code


async def numbers_of(opened: Store, council: str) -> tuple[Any, ...]:
    async with opened.transaction() as uow:
        return tuple((await uow.connection.execute(text(NUMBERS), {"id": council})).one())


async def test_they_are_set_and_taken_away_on_the_record(app: FastAPI, opened: Store, councils: list[str]) -> None:
    who, [council, _] = await account(opened, OperatorRole.ADMINISTRATOR), councils
    twilio, notify = fresh_number(), fresh_number()
    spaced = f"{twilio[:3]} {twilio[3:]}"
    assert await enter(app, who, council, text_number=spaced, notify_number=notify, notify_sender=SENDER) == 303
    assert await numbers_of(opened, council) == (twilio, notify, SENDER)
    assert await enter(app, who, council) == 303
    assert await numbers_of(opened, council) == (None, None, None)
    said = await said_by_console(opened, f"authority-{council}")
    assert [each.content.step for each in said] == ["numbered", "numbered"]
    assert twilio not in str(said)


@pytest.mark.parametrize(
    "numbers",
    [
        {"text_number": "07700 900500"},
        {"notify_number": "+447700900500"},
        {"notify_sender": SENDER},
        {"text_number": "x"},
    ],
)
async def test_what_is_no_number_or_lacks_its_sender_changes_nothing(
    app: FastAPI, opened: Store, councils: list[str], numbers: dict[str, str]
) -> None:
    who = await account(opened, OperatorRole.ADMINISTRATOR)
    assert await enter(app, who, councils[0], **numbers) == 422
    assert await numbers_of(opened, councils[0]) == (None, None, None)


async def test_one_authority_has_a_number_and_its_own_administrator_enters_none(
    app: FastAPI, opened: Store, councils: list[str]
) -> None:
    who, [council, other], number = await account(opened, OperatorRole.ADMINISTRATOR), councils, fresh_number()
    own = await account(opened, OperatorRole.ADMINISTRATOR, authority=council)
    assert await enter(app, own, council, text_number=number) == 403
    assert await enter(app, who, council, text_number=number) == 303
    assert await enter(app, who, other, text_number=number) == 422
    assert await numbers_of(opened, other) == (None, None, None)
