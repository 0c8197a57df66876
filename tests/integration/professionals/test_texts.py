"""Professionals: who is texted, and what becomes of it, on a real PostgreSQL and the played phone network."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.delivery.sms_status import reply_codes
from services.platform.delivery.tables import deliveries
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Origin, Store
from services.professionals.handlers import Handlers
from services.professionals.sending.sender import TextSender
from services.safeguarding.duty.duties import ProfessionalNotify
from services.safeguarding.duty.outcomes import DutyAcknowledged
from services.safeguarding.roles import Channel, Role, Wording
from tests.support.database import Database
from tests.support.delivery import Floor, PlayedMedium, received
from tests.support.register import authority, load, number_of


class AtNoon(Clocks):
    """A Tuesday, so that the rota is the same whenever the tests run."""

    def story(self) -> datetime:
        return datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass
class Professionals:
    floor: Floor
    handlers: Handlers
    medium: PlayedMedium
    document: dict[str, Any]
    ids: dict[str, str]

    async def tell(self, role: Role = Role.DUTY_WORKER, **about: Any) -> Any:
        exercise = bool(about.pop("exercise", False))
        content = {"authority": self.document["authority"]["id"], "role": role, "channel": Channel.TEXT} | about
        told = received(ProfessionalNotify, child=self.ids["C1"], exercise=exercise, **content)
        async with self.floor.store.transaction() as uow:
            await self.handlers.on_professional_notify(told, uow)
        return told

    def number(self, person: str) -> str:
        return number_of(self.document, person)


@asynccontextmanager
async def _running(
    engine: AsyncEngine, keyring: Keyring, medium: PlayedMedium
) -> AsyncIterator[tuple[Floor, Handlers]]:
    clocks = AtNoon()
    store = Store(engine, origin=Origin("professionals", clocks))
    loop = DeliveryLoop(
        "professionals", store, clocks, medium, keyring=keyring, prepare=TextSender(keyring, clocks).prepare
    )
    await loop.start()
    yield Floor(loop, store, clocks), Handlers(loop, clocks)
    await loop.stop()


@pytest.fixture
async def professionals(database: Database, keyring: Keyring) -> AsyncIterator[Professionals]:
    casework, engine = database.engine("casework"), database.engine("professionals")
    document, medium = authority(), PlayedMedium(name="text")
    for person in document["people"]:
        person["mobile"] = None if person["reference"] == "worker" else person["mobile"]
        person["language"] = "cy" if person["reference"] == "boss" else "en"
    ids = await load(casework, keyring, document, datetime.now(UTC))
    async with engine.begin() as connection:
        await connection.execute(update(deliveries).values(state="withdrawn"))
    async with _running(engine, keyring, medium) as (floor, handlers):
        yield Professionals(floor, handlers, medium, document, ids)
    await casework.dispose()
    await engine.dispose()


async def test_the_one_on_duty_is_texted_and_the_outcome_names_the_person(professionals: Professionals) -> None:
    told = await professionals.tell()
    await professionals.floor.until(told.content.telling, "accepted", within=3)
    [text] = professionals.medium.sent
    assert text.recipient == professionals.number("day")
    assert text.body.endswith(f"OK C1 ({told.content.code})")
    accepted = (await professionals.floor.said(told.subject))[-1]
    assert accepted["data"]["person"] == professionals.ids["day"]


async def test_the_text_is_in_its_readers_language(professionals: Professionals) -> None:
    told = await professionals.tell(Role.DUTY_SENIOR_MANAGER, wording=Wording.POLICE_NOT_REACHED)
    await professionals.floor.until(told.content.telling, "accepted", within=3)
    assert "heddlu" in professionals.medium.sent[0].body


async def test_a_person_who_was_told_before_is_told_again_whoever_is_on_duty_now(professionals: Professionals) -> None:
    told = await professionals.tell(person=professionals.ids["night"], wording=Wording.RETURNED_NOTICE)
    await professionals.floor.until(told.content.telling, "accepted", within=3)
    assert professionals.medium.sent[0].recipient == professionals.number("night")


async def test_nobody_in_the_role_sends_the_protocol_to_the_next_at_once(professionals: Professionals) -> None:
    told = await professionals.tell(Role.DUTY_HEAD_OF_SERVICE)
    await professionals.floor.until(told.content.telling, "failed", within=3)
    assert [each["data"]["reason"] for each in await professionals.floor.said(told.subject)] == ["nobody-in-role"]


async def test_a_holder_without_a_mobile_is_a_failure_that_names_the_person(professionals: Professionals) -> None:
    told = await professionals.tell(Role.CHILD_SOCIAL_WORKER)
    await professionals.floor.until(told.content.telling, "failed", within=3)
    looked_up, failed = await professionals.floor.said(told.subject)
    assert (looked_up["type"], looked_up["data"]["fields"]) == ("register.looked-up.v1", ["person.mobile"])
    assert failed["data"]["reason"] == "no-address"
    assert failed["data"]["person"] == professionals.ids["worker"]


async def test_an_exercise_says_so(professionals: Professionals) -> None:
    told = await professionals.tell(exercise=True)
    await professionals.floor.until(told.content.telling, "accepted", within=3)
    assert professionals.medium.sent[0].body.startswith("EXERCISE. ")


async def test_its_code_can_be_answered_from_the_number_it_was_texted_to(
    professionals: Professionals, database: Database, keyring: Keyring
) -> None:
    told = await professionals.tell()
    await professionals.floor.until(told.content.telling, "accepted", within=3)
    carers = database.engine("carers")
    async with carers.connect() as connection:
        found = await reply_codes.lookup(connection, keyring, told.content.code, professionals.number("day"))
    await carers.dispose()
    assert found is not None
    assert (found.duty, found.step, found.person) == (told.content.duty, 0, professionals.ids["day"])


async def test_an_acknowledged_telling_stands_as_such(professionals: Professionals) -> None:
    told = await professionals.tell()
    await professionals.floor.until(told.content.telling, "accepted", within=3)
    outcome = DutyAcknowledged(duty=told.content.duty, step=0, authority=told.content.authority, how="text")
    answered = received(ProfessionalNotify, child=told.subject)
    async with professionals.floor.store.transaction() as uow:
        await professionals.handlers.on_duty_acknowledged(_with(answered, outcome), uow)
    assert (await professionals.floor.row(told.content.telling))["state"] == "acknowledged"


async def test_a_withdrawn_telling_is_not_texted(professionals: Professionals) -> None:
    told = received(ProfessionalNotify, child=professionals.ids["C1"], role=Role.DUTY_WORKER, channel=Channel.TEXT)
    withdrawal = received(
        ProfessionalNotify,
        child=told.subject,
        duty=told.content.duty,
        revision=2,
        act="withdraw",
        role=Role.DUTY_WORKER,
        channel=Channel.TEXT,
    )
    async with professionals.floor.store.transaction() as uow:
        await professionals.handlers.on_professional_notify(withdrawal, uow)
        await professionals.handlers.on_professional_notify(told, uow)
    assert professionals.medium.sent == []


def _with(received_: Any, content: Any) -> Any:
    return type(received_)(
        source=received_.source, id=received_.id, subject=received_.subject, time=received_.time, content=content
    )


async def test_who_comes_on_duty_is_told_how_many_children_are_missing(professionals: Professionals) -> None:
    told = await professionals.tell(wording=Wording.SHIFT_BEGINS)
    await professionals.floor.until(told.content.telling, "accepted", within=3)
    assert "Children missing now: 0." in professionals.medium.sent[0].body
