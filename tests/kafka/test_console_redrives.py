"""A dead letter given another try from the console, and by the command, on a real Kafka and a real PostgreSQL."""

import base64
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from sqlalchemy import text

from infra.local.settings.environment import bare
from services.console.read_model.projections import Handlers
from services.console.web import pages
from services.console.web.pages.overview import Changes
from services.platform.messages.envelope import read
from services.platform.runtime.clocks import Clocks
from services.platform.store.engine import Channels
from services.platform.store.unit_of_work import Store
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.duty.decisions import MessageDeadLettered
from services.safeguarding.identifiers import new_id
from services.safeguarding.message import Topic
from services.safeguarding.operators import OperatorActed, OperatorRole
from tests.support import commands
from tests.support.engines.bus import Kafka
from tests.support.engines.database import Database
from tests.support.in_process.console import GUESTS, account, csrf_in, hear, heard, landing, settings_of, sign_in
from tests.support.signatures import say

CLOCKS = Clocks()


@pytest.fixture
async def browser(kafka: Kafka, database: Database, opened: Store) -> AsyncIterator[httpx.AsyncClient]:
    settings = settings_of(database).model_copy(update={"kafka": kafka.address})
    changes = Changes(Channels(), CLOCKS)
    transport = httpx.ASGITransport(pages(opened, CLOCKS, changes, settings, GUESTS))
    async with httpx.AsyncClient(transport=transport, base_url="http://console") as browser:
        await sign_in(browser, await account(opened, OperatorRole.OPERATOR, name="Robin Hale"))
        yield browser


async def test_an_operator_gives_a_dead_letter_another_try_and_is_named_for_it(
    kafka: Kafka, opened: Store, browser: httpx.AsyncClient
) -> None:
    child, name, original = await put_letter(kafka, opened)
    path = f"/dead-letters/{name}/acts/dead-letter-redriven"
    page = await browser.get(path)
    form = {"csrf": csrf_in(page), "act": page.text.split('name="act" value="')[1].split('"')[0]}
    assert (await browser.post(path, data=form)).status_code == 422
    answer = await browser.post(path, data=form | {"reason": "Release 1.2 mends it"}, timeout=180)
    assert (answer.status_code, landing(answer)) == (303, "/dead-letters?done=dead-letter-redriven")

    assert original in await ids_on(kafka, Topic.CHILD_EVENTS)
    acted = await acted_on(opened, child)
    assert (acted.letter, acted.role, len(acted.words)) == (name, OperatorRole.OPERATOR, 1)
    assert "Robin Hale" in (await browser.get("/dead-letters")).text


async def test_the_command_lists_what_nobody_could_process(kafka: Kafka, opened: Store) -> None:
    _, name, _ = await put_letter(kafka, opened)
    environment = bare() | {"SAFE_RETURN_KAFKA": kafka.address, "PATH": os.environ["PATH"]}
    listed = await commands.services(environment, "dead-letters")
    assert (listed.returncode, name in listed.stdout) == (0, True), listed.stderr


async def test_a_letter_that_the_bus_no_longer_holds_is_said_to_be_gone(
    opened: Store, browser: httpx.AsyncClient
) -> None:
    child, name = new_id("child"), str(uuid4())
    letter = MessageDeadLettered(service="police", origin="duties/3/17", reason="KeyError at a.py:1", original=None)
    await hear(opened, Handlers(CLOCKS), heard(letter, child, at=CLOCKS.story(), id_=name))
    path = f"/dead-letters/{name}/acts/dead-letter-redriven"
    page = await browser.get(path)
    form = {"csrf": csrf_in(page), "act": str(uuid4()), "reason": "x"}
    answer = await browser.post(path, data=form, timeout=180)
    assert (answer.status_code, "is no longer kept" in answer.text) == (410, True)
    assert (await browser.get(path.replace(name, str(uuid4())))).status_code == 404


async def put_letter(kafka: Kafka, opened: Store) -> tuple[str, str, str]:
    """On the bus and known to the console: the child, the letter, the message that it is about."""
    child, name, original = new_id("child"), str(uuid4()), str(uuid4())
    raw = say(
        ChildReportedMissing(authority="kestrel"),
        subject=child,
        at=datetime.now(UTC),
        message_id=original,
    )
    letter = MessageDeadLettered(
        service="protocol",
        origin="child-events/3/17",
        reason="KeyError at store.py:41",
        original_kind=ChildReportedMissing.kind,
        original_id=original,
        original=base64.b64encode(raw).decode(),
    )
    producer = AIOKafkaProducer(bootstrap_servers=kafka.address)
    await producer.start()
    said = say(letter, by="protocol", subject=child, at=datetime.now(UTC), message_id=name)
    await producer.send_and_wait(Topic.DEAD_LETTERS, said, key=child.encode())
    await producer.stop()
    await hear(opened, Handlers(CLOCKS), heard(letter, child, at=CLOCKS.story(), id_=name))
    return child, name, original


async def acted_on(opened: Store, child: str) -> OperatorActed:
    async with opened.engine.connect() as connection:
        [envelope] = await connection.scalars(
            text("SELECT envelope FROM console.outbox WHERE key = :child"), {"child": child}
        )
    acted = read(bytes(envelope)).content
    assert isinstance(acted, OperatorActed)
    return acted


async def ids_on(kafka: Kafka, topic: Topic) -> set[str]:
    """Of all messages that the topic holds."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.address, auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = [TopicPartition(topic, each) for each in range(12)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends, found = await consumer.end_offsets(places), set()
        while any([await consumer.position(each) < ends[each] for each in places]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found |= {read(record.value).id for record in records}
        return found
    finally:
        await consumer.stop()
