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
    assert await enter(app, who, council, twilio_number=spaced, notify_number=notify, notify_sender=SENDER) == 303
    assert await numbers_of(opened, council) == (twilio, notify, SENDER)
    assert await enter(app, who, council) == 303
    assert await numbers_of(opened, council) == (None, None, None)
    said = await said_by_console(opened, f"authority-{council}")
    assert [each.content.step for each in said] == ["numbered", "numbered"]
    assert twilio not in str(said)


@pytest.mark.parametrize(
    "numbers",
    [
        {"twilio_number": "07700 900500"},
        {"notify_number": "+447700900500"},
        {"notify_sender": SENDER},
        {"twilio_number": "x"},
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
    assert await enter(app, own, council, twilio_number=number) == 403
    assert await enter(app, who, council, twilio_number=number) == 303
    assert await enter(app, who, other, twilio_number=number) == 422
    assert await numbers_of(opened, other) == (None, None, None)


async def test_numbers_are_one_for_this_release_and_the_one_before(
    database: Database, app: FastAPI, opened: Store, councils: list[str]
) -> None:
    """0.4.0 reads and writes columns of `register.authorities`; this release rows of `register.text_numbers`."""
    who, [council, other], number = await account(opened, OperatorRole.ADMINISTRATOR), councils, fresh_number()
    rows = text("SELECT way, number, sender FROM register.text_numbers WHERE authority = :id ORDER BY way")
    async with opened.transaction() as uow:
        await uow.connection.execute(
            text("UPDATE register.authorities SET notify_number = :n, notify_sender = :s WHERE id = :id"),
            {"n": number, "s": SENDER, "id": council},
        )
    async with opened.transaction() as uow:
        assert (await uow.connection.execute(rows, {"id": council})).all() == [("notify", number, SENDER)]
    assert await enter(app, who, other, notify_number=number, notify_sender=SENDER) == 422
    assert await enter(app, who, council) == 303
    assert await enter(app, who, other, twilio_number=number) == 303
    assert await numbers_of(opened, council) == (None, None, None)
    assert await numbers_of(opened, other) == (number, None, None)
