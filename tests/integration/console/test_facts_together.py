"""Facts that came in one message, on a real PostgreSQL: each is on the page as if it had come alone."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from services.console.read_model import projections
from services.console.read_model import repository as read_model
from services.console.read_model.projections import Handlers
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Store
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.duty.decisions import (
    AttemptResult,
    DeliveriesAttempted,
    DeliveryAttempted,
    DutyState,
    MessageDecided,
    ProtocolDecided,
    Verdict,
)
from services.safeguarding.duty.duties import DutyAccepted, DutyDelivered, DutyFailed, DutyOutcomes, part_ids, parts_of
from services.safeguarding.identifiers import new_id, telling
from services.safeguarding.message import Message
from services.safeguarding.roles import Role
from tests.support.engines.database import Database
from tests.support.in_process.console import (
    REPORTED_AT,
    account,
    browser_at,
    duty_changed,
    episode_changed,
    hear,
    heard,
    sign_in,
    somewhere,
    step,
)
from tests.support.in_process.delivery import eventually

HANDLERS = Handlers(Clocks())


@pytest.fixture
async def browser(app: FastAPI, opened: Store) -> AsyncIterator[httpx.AsyncClient]:
    """Signed in as a duty manager of every authority."""
    async with browser_at(app, somewhere()) as browser:
        await sign_in(browser, await account(opened))
        yield browser


async def test_the_duties_of_one_decision_are_each_kept_in_their_newest_state(opened: Store) -> None:
    episode, child = uuid4(), new_id("child")
    one, other = duty_changed(episode), duty_changed(episode, revision=5)
    later = one.model_copy(update={"revision": 2, "state": DutyState.ACKNOWLEDGED})
    older = other.model_copy(update={"revision": 4, "state": DutyState.CANCELLED})
    await hear(
        opened,
        HANDLERS,
        heard(message_decided("report", duties=(one, other)), child),
        heard(message_decided("answer", duties=(later, older)), child),
    )
    async with opened.read() as reader:
        duties = await reader.fetch(read_model.duties_of_case(child, episode))
        entries = await reader.fetch(read_model.entries_of_child(child))
    assert {each.content.duty: each.content for each in duties} == {one.duty: later, other.duty: other}
    assert entries == [], "without a verdict, nothing of it is on the timeline"


async def test_a_page_shows_the_same_of_facts_that_came_together_as_of_each_alone(
    opened: Store, browser: httpx.AsyncClient
) -> None:
    pages = []
    for together in (True, False):
        episode, child = uuid4(), new_id("child")
        messages = [heard(content, child, id_=f"{name} {child}") for name, content in _story(episode, child)]
        if not together:
            messages = [
                heard(part, child, id_=name)
                for each in messages
                for part, name in zip(parts_of(each.content), part_ids(each.content, each.id), strict=True)
            ]
        await hear(opened, HANDLERS, *messages)
        page = (await browser.get(f"/episodes/{episode}?whole=true")).text
        timeline = page[page.index('<ol class="timeline">') :]
        lines = re.findall(r"<li class=.*?</div>\s*</li>", timeline, re.DOTALL)
        pages.append(sorted(re.sub(r'id="[^"]*"', "", each) for each in lines))
    assert pages[0] == pages[1]
    shown = "\n".join(pages[0])
    for said in (
        "Delivered, no reply yet",
        "On their phone",
        "could not be reached or cannot act",
        "Attempt 1",
        "does not apply",
        "Told",
    ):
        assert said in shown


async def test_outcomes_that_came_together_say_of_each_contact_whether_they_were_reached(opened: Store) -> None:
    child, reached, missed, away = new_id("child"), new_id("person"), new_id("person"), new_id("person")
    about = {"duty": uuid4(), "step": 0, "authority": "kestrel"}
    outcomes = DutyOutcomes(
        authority="kestrel",
        accepted=(DutyAccepted.model_validate(about | {"person": away}),),
        delivered=(DutyDelivered.model_validate(about | {"person": reached}),),
        failed=(DutyFailed.model_validate(about | {"person": missed, "reason": "undeliverable"}),),
    )
    await hear(opened, HANDLERS, heard(outcomes, child))
    async with opened.read() as reader:
        known = await reader.fetch(projections.all_contacts())
    assert (known[reached].reached_at, known[reached].failed_at) == (REPORTED_AT, None)
    assert (known[missed].reached_at, known[missed].failed_at, known[missed].failure) == (
        None,
        REPORTED_AT,
        "undeliverable",
    )
    assert away not in known


async def test_outcomes_lock_their_contacts_in_one_order_whatever_they_say(database: Database, opened: Store) -> None:
    """Of two batches that say contrary things of two people, neither waits for the other while it holds one."""
    first, last = sorted(new_id("person") for _ in range(2))
    about = {"duty": uuid4(), "step": 0, "authority": "kestrel"}
    failed = DutyFailed.model_validate(about | {"person": last, "reason": "undeliverable"})
    later = DutyFailed.model_validate(about | {"person": last, "reason": "opted-out"})
    delivered = DutyDelivered.model_validate(about | {"person": first})

    async def hear_all() -> None:
        async with opened.transaction() as uow:
            for content, days in ((later, 1), (failed, 0), (delivered, 0)):
                projections.record_outcome(uow, content, REPORTED_AT + timedelta(days=days))

    with psycopg.connect(database.admin_url) as other:
        for person in (first, last):
            other.execute("INSERT INTO console.contacts (person) VALUES (%s)", (person,))
        other.commit()
        other.execute("SELECT FROM console.contacts WHERE person = %s FOR UPDATE", (first,))
        hearing = asyncio.create_task(hear_all())
        await eventually(lambda: other.execute("SELECT FROM pg_locks WHERE NOT granted").rowcount)
        other.execute("SELECT FROM console.contacts WHERE person = %s FOR UPDATE NOWAIT", (last,))
        other.rollback()
        await hearing
    async with opened.read() as reader:
        known = await reader.fetch(projections.all_contacts())
    assert (known[first].reached_at, known[last].failure) == (REPORTED_AT, "opted-out"), "the newest of them"


def message_decided(about_id: str, **facts: Any) -> MessageDecided:
    return MessageDecided(authority="kestrel", about="child.reported-missing.v1", about_id=about_id, **facts)


def _story(episode: UUID, child: str) -> list[tuple[str, Message]]:
    """By the messages' names: a report, whom it tells, and what came of that."""
    duty = duty_changed(episode, step(0, Role.POLICE_CONTROL_ROOM), step(1, Role.DUTY_WORKER))

    def about(number: int) -> dict[str, Any]:
        return {"duty": duty.duty, "step": number, "authority": "kestrel", "episode": episode}

    def verdict(about_id: str, of: str, verdict: Verdict) -> ProtocolDecided:
        return ProtocolDecided(
            authority="kestrel", episode=episode, about=of, about_id=about_id, verdict=verdict, duty=duty.duty,
            rule="tell-police-missing", protocol="missing-from-care 2026.1", cites=("S13",),
        )  # fmt: skip

    outcomes = DutyOutcomes(
        authority="kestrel",
        accepted=(DutyAccepted.model_validate(about(0)), DutyAccepted.model_validate(about(1))),
        delivered=(DutyDelivered.model_validate(about(1)),),
        failed=(DutyFailed.model_validate(about(1) | {"reason": "undeliverable"}),),
    )
    attempts = tuple(
        DeliveryAttempted(
            authority="kestrel", delivery=telling(duty.duty, number), duty=duty.duty, step=number, attempt=1,
            medium="webhook", result=AttemptResult.ACCEPTED, took_ms=1, body_hash="00",
        )
        for number in (0, 1)
    )  # fmt: skip
    report, outcome = f"report {child}", part_ids(outcomes, f"outcomes {child}")[-1]
    verdicts = (Verdict.TOLD, Verdict.CONDITION_NOT_MET)
    return [
        ("state", episode_changed(episode)),
        ("report", ChildReportedMissing(authority="kestrel")),
        (
            "decided",
            message_decided(
                report,
                verdicts=tuple(verdict(report, "child.reported-missing.v1", each) for each in verdicts),
                duties=(duty,),
            ),
        ),
        ("attempts", DeliveriesAttempted(authority="kestrel", attempts=attempts)),
        ("outcomes", outcomes),
        ("decided-2", message_decided("-", verdicts=(verdict(outcome, "duty.failed.v1", Verdict.TOLD),))),
    ]
