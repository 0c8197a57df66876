"""Everybody on the directory is asked each month to answer, on a real PostgreSQL: from the import to the console's directory."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.console.read_model import projections
from services.console.read_model.projections import Handlers as ConsoleHandlers
from services.platform.messages.envelope import Received, read
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.duty.decisions import DutyChanged, DutyState
from services.safeguarding.duty.duties import DutyAcknowledged, ProfessionalNotify
from tests.support.engines.database import Database
from tests.support.in_process.casework import casework, import_bearer
from tests.support.in_process.protocol import Protocol
from tests.support.in_process.register import KEYRING, authority, enter, parts


class Register:
    """Whoever imports it, and what casework then says of people."""

    def __init__(self, client: httpx.AsyncClient, store: Store) -> None:
        self.client = client
        self.store = store
        self.document = authority()
        self.seen = 0

    @property
    def name(self) -> str:
        return str(self.document["authority"]["id"])

    async def imported(self) -> list[Received[Any]]:
        """What this import has said of people."""
        entered, own = parts(self.document)
        await enter(self.store.engine, KEYRING, entered)
        bearer = await import_bearer(self.store.engine, self.name)
        answer = await self.client.put(f"/register/{self.name}", json=own, headers=bearer)
        assert answer.status_code == 200, answer.text
        query = """SELECT position, envelope FROM casework.outbox WHERE key LIKE 'person-%' AND position > :seen
                   AND key IN (SELECT id FROM register.people WHERE authority = :name) ORDER BY position"""
        async with self.store.engine.connect() as connection:
            rows = list(await connection.execute(text(query), {"seen": self.seen, "name": self.name}))
        self.seen = max((row.position for row in rows), default=self.seen)
        return [read(bytes(row.envelope)) for row in rows]

    async def person(self, reference: str) -> str:
        query = "SELECT id FROM register.people WHERE authority = :name AND reference = :reference"
        async with self.store.engine.connect() as connection:
            return str(await connection.scalar(text(query), {"name": self.name, "reference": reference}))


@pytest.fixture
async def register(database: Database) -> AsyncIterator[Register]:
    engine = database.engine("casework")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(casework(database, engine)), base_url="http://casework"
    ) as client:
        yield Register(client, Store(engine, origin=Origin("casework", Clocks())))
    await engine.dispose()


@pytest.fixture
async def protocol(database: Database) -> AsyncIterator[Protocol]:
    service = Protocol(database)
    yield service
    await service.store.close()


@pytest.fixture
async def console(database: Database) -> AsyncIterator[Store]:
    opened = Store(database.engine("console"), origin=Origin("console", Clocks()))
    yield opened
    await opened.close()


async def test_each_person_is_listed_once_and_unlisted_with_their_last_line(register: Register) -> None:
    listed = await register.imported()
    people = {line["person"] for line in register.document["directory"]}
    assert sorted(each.subject for each in listed) == sorted([await register.person(each) for each in people])
    assert {each.content.kind for each in listed} == {"contact.listed.v1"}
    assert await register.imported() == []
    boss = await register.person("boss")
    register.document["directory"].append(dict(register.document["directory"][0]) | {"person": "boss", "order": 9})
    assert await register.imported() == []
    register.document["directory"] = [each for each in register.document["directory"] if each["person"] != "boss"]
    assert [(each.content.kind, each.subject) for each in await register.imported()] == [("contact.unlisted.v1", boss)]


async def test_whoever_is_listed_is_asked_by_name_and_their_answer_verifies_them(
    register: Register, protocol: Protocol, console: Store
) -> None:
    listed = {each.subject: each for each in await register.imported()}
    person = await register.person("night")
    await protocol.takes(listed[person])
    (due,) = await protocol.due(person)
    waits: Received[Any] = read(due.envelope)
    assert waits.content.rule == "contact-answers-monthly"
    await protocol.takes(waits)
    said = [each.content for each in await protocol.said(person)]
    (duty,) = [each for each in said if isinstance(each, ProfessionalNotify)]
    assert (duty.person, duty.authority, duty.wording) == (person, register.name, "contact-confirm")
    answer = DutyAcknowledged(duty=duty.duty, step=0, authority=register.name, by=person, how="text")
    answered = protocol.received(answer, person)
    await protocol.takes(answered)
    changes = [each for each in await protocol.facts(person) if isinstance(each, DutyChanged)]
    assert changes[-1].state is DutyState.ACKNOWLEDGED
    async with console.transaction() as uow:
        await ConsoleHandlers(Clocks()).on_outcomes(answered, uow)
    async with console.read() as reader:
        known = (await reader.fetch(projections.all_contacts()))[person]
    assert (known.answered_at, known.reached_at) == (answered.time, answered.time)
