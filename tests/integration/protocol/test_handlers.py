"""The handler on a real PostgreSQL: what a message brings about is written in one transaction, whole or not at all."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from services.platform.messages.envelope import read
from services.platform.register import words
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from services.protocol.editions.choice import RulesInForce
from services.protocol.handlers import Handlers
from services.protocol.loader import files
from services.protocol.policy.case import Case
from services.protocol.store import KEPT, PARSED, held_cases, hold, remember
from services.safeguarding.child_events import events
from services.safeguarding.child_events.events import DutyStepDue, RuleDue
from services.safeguarding.duty.decisions import (
    DutyChanged,
    EpisodeChanged,
    MessageDeadLettered,
    MessageDecided,
    ProtocolDecided,
    ReportTaken,
    Verdict,
)
from services.safeguarding.duty.duties import (
    Duty,
    DutyAccepted,
    DutyAcknowledged,
    DutyDelivered,
    DutyOutcomes,
    PoliceNotify,
    part_ids,
)
from services.safeguarding.roles import Role, Wording
from tests.support.engines.database import Database
from tests.support.in_process.protocol import Protocol

MISSING = events.ChildReportedMissing(authority="northshire", channel="agency")

OF = ("duty.accepted.v1", "duty.delivered.v1")


@pytest.fixture
async def protocol(database: Database) -> AsyncIterator[Protocol]:
    service = Protocol(database)
    yield service
    await service.store.close()


def a_child() -> str:
    return f"child-{uuid4()}"


def counted() -> list[float]:
    """Decisions that took an outcome, by its kind."""
    values = (
        REGISTRY.get_sample_value("protocol_decisions_total", {"about": kind, "verdict": "changed"}) for kind in OF
    )
    return [each or 0.0 for each in values]


async def test_a_report_writes_case_duties_and_deadlines_together(protocol: Protocol) -> None:
    child = a_child()
    received = protocol.received(MISSING, child)
    await protocol.takes(received)
    said = await protocol.said(child)
    assert [each.content.kind for each in said][:2] == ["police.notify.v1", "professional.notify.v1"]
    assert {each.subject for each in said} == {child}
    first = (await protocol.due(child))[0]
    assert first.due_at - received.time < timedelta(minutes=1, seconds=30)
    assert read(first.envelope).subject == child
    async with protocol.store.transaction() as uow:
        assert len((await hold(uow, child)).case.episodes) == 1


async def test_what_is_decided_upon_one_message_is_one_message(protocol: Protocol) -> None:
    child = a_child()
    received = protocol.received(MISSING, child)
    await protocol.takes(received)
    said = [each.content for each in await protocol.said(child)]
    (decided,) = [each for each in said if isinstance(each, MessageDecided)]
    assert (decided.about, decided.about_id, decided.authority) == (MISSING.kind, received.id, "northshire")
    told = {each.duty for each in said if isinstance(each, Duty)}
    assert {each.duty for each in decided.verdicts if each.verdict is Verdict.TOLD} == told
    assert {each.duty for each in decided.duties} == told
    assert [each for each in said if isinstance(each, ProtocolDecided | DutyChanged)] == []
    assert EpisodeChanged in {type(each) for each in said}


async def test_outcomes_that_come_together_are_decided_upon_in_one_message_and_write_the_case_once(
    protocol: Protocol,
) -> None:
    child = a_child()
    await protocol.takes(protocol.received(MISSING, child))
    duties = [each for each in await protocol.facts(child) if isinstance(each, Duty) and each.act == "tell"]
    about = [{"duty": each.duty, "step": each.step, "authority": each.authority} for each in duties]
    police = next(each.duty for each in duties if isinstance(each, PoliceNotify))
    together = protocol.received(
        DutyOutcomes(
            authority="northshire",
            accepted=tuple(DutyAccepted.model_validate(each) for each in about),
            delivered=tuple(DutyDelivered.model_validate(each) for each in about if each["duty"] != police),
        ),
        child,
    )
    before = len(await protocol.said(child))
    taken = counted()
    await protocol.takes(together)
    said = [each.content for each in (await protocol.said(child))[before:]]
    (decided,) = [each for each in said if isinstance(each, MessageDecided)]
    assert (decided.about, decided.about_id) == ("duty.outcomes.v1", together.id)
    parts = set(part_ids(together.content, together.id))
    assert {each.about_id for each in decided.verdicts} == parts
    assert {"duty.accepted.v1", "duty.delivered.v1"} == {each.about for each in decided.verdicts}
    states = {each.duty: each.steps[0].state for each in decided.duties if each.duty in {it["duty"] for it in about}}
    assert states == {each["duty"]: "accepted" if each["duty"] == police else "delivered" for each in about}
    assert [each.by for each in said if isinstance(each, ReportTaken)] == ["police-system"]
    async with protocol.store.engine.connect() as connection:
        version = await connection.scalar(
            text("SELECT version FROM protocol.cases WHERE child = :child"), {"child": child}
        )
    assert version == 2
    assert [now - then for then, now in zip(taken, counted(), strict=True)] == [len(about), len(about) - 1]


async def test_a_duty_of_practice_that_something_real_has_changed_stays_marked_as_practice(protocol: Protocol) -> None:
    child = a_child()
    await protocol.takes(protocol.received(MISSING, child, exercise=True))
    notice = next(each for each in await protocol.said(child) if isinstance(each.content, PoliceNotify))
    letter = MessageDeadLettered(
        service="police", origin="duties/3/4", reason="-", original_kind=notice.content.kind, original_id=notice.id,
        original="",
    )  # fmt: skip
    before = len(await protocol.said(child))
    await protocol.takes(protocol.received(letter, child))
    said = (await protocol.said(child))[before:]
    decided = [(each.exercise, each.content) for each in said if isinstance(each.content, MessageDecided)]
    shown = dict(decided)
    assert len(decided) == len(shown) == 2
    assert {each.verdict for each in shown[False].verdicts} == {Verdict.CHANGED}
    assert (shown[False].duties, shown[True].verdicts) == ((), ())
    assert isinstance(notice.content, PoliceNotify)
    assert notice.content.duty in {each.duty for each in shown[True].duties}
    assert len({each.about_id for each in shown.values()}) == 1


async def test_a_report_and_what_comes_of_it_make_so_many_messages_and_no_more(protocol: Protocol) -> None:
    """Exactly: each telling is one, and what one transaction decides is one record."""
    child = a_child()
    await protocol.takes(protocol.received(MISSING, child))
    report = Counter(each.content.kind for each in await protocol.said(child))
    tellings = [each for each in await protocol.facts(child) if isinstance(each, Duty)]
    assert report.total() == len(tellings) + 2
    assert (report[MessageDecided.kind], report[EpisodeChanged.kind]) == (1, 1)
    about = [{"duty": each.duty, "step": each.step, "authority": each.authority} for each in tellings]
    police = next(
        {"duty": each.duty, "step": each.step, "authority": each.authority}
        for each in tellings
        if isinstance(each, PoliceNotify)
    )
    outcomes = [DutyOutcomes(authority="northshire", accepted=(DutyAccepted.model_validate(each),)) for each in about]
    answer = DutyAcknowledged.model_validate(police | {"how": "force"})
    await protocol.takes(*(protocol.received(each, child) for each in (*outcomes, answer)))
    then = Counter(each.content.kind for each in await protocol.said(child)) - report
    assert then == {MessageDecided.kind: 1, ReportTaken.kind: 2}


async def apart(protocol: Protocol, child: str) -> tuple[list[str], list[MessageDecided]]:
    """The kinds of what was said of the child, and the decisions."""
    said = [each.content for each in await protocol.said(child)]
    decided = [each for each in said if isinstance(each, MessageDecided)]
    return [each.kind for each in said if each.kind != MessageDecided.kind], decided


async def test_messages_that_share_a_transaction_each_begin_where_the_one_before_ended(protocol: Protocol) -> None:
    child, alone = a_child(), a_child()
    story = [
        MISSING,
        MISSING,
        events.ChildReturned(authority="northshire", channel="agency", proof=events.Proof.AGENCY),
    ]
    together = [protocol.received(each, child) for each in story]
    await protocol.takes(*together)
    for each in story:
        await protocol.takes(protocol.received(each, alone))
    (said, decided), (said_alone, decided_alone) = [await apart(protocol, each) for each in (child, alone)]
    assert said == said_alone
    (whole,) = decided
    assert (whole.about_id, *whole.with_ids) == tuple(each.id for each in together)
    assert [each.verdict for each in whole.verdicts] == [each.verdict for one in decided_alone for each in one.verdicts]
    states, states_alone = [
        {duty.rule: duty.state for each in it for duty in each.duties} for it in (decided, decided_alone)
    ]
    assert states == states_alone
    assert len({duty.duty for duty in whole.duties}) == len(whole.duties)
    cancelled, cancelled_alone = [
        sorted(each.cancelled_at is not None for each in await protocol.due(of)) for of in (child, alone)
    ]
    assert cancelled == cancelled_alone
    assert set(cancelled) == {True, False}


async def test_what_comes_together_holds_its_children_at_once_and_writes_each_case_once(protocol: Protocol) -> None:
    new, known = a_child(), a_child()
    await protocol.takes(protocol.received(MISSING, known))
    story = [protocol.received(each, child) for child in (new, known) for each in (MISSING, MISSING)]
    async with protocol.store.transaction() as uow:
        remember(uow, await uow.fetch(*held_cases([new, known])))
        for each in story:
            await protocol.handlers.on_message(each, uow)
    async with protocol.store.transaction() as uow:
        kept = [(await hold(uow, child)).case.record.opened for child in (new, known)]
        versions = await uow.connection.execute(
            text("SELECT child, version FROM protocol.cases WHERE child = ANY(:children)"), {"children": [new, known]}
        )
    assert [len(opened) for opened in kept] == [1, 1]
    assert dict([tuple(row) for row in versions]) == {new: 1, known: 2}


async def test_a_case_that_this_process_has_read_is_read_again_only_where_it_has_changed_meanwhile(
    protocol: Protocol,
) -> None:
    child = a_child()
    await protocol.takes(protocol.received(MISSING, child))
    mine = KEPT[child][1]
    async with protocol.store.transaction() as uow:
        assert (await hold(uow, child)).case is mine
    elsewhere = Case(child=child, watched_since=next(iter(mine.episodes.values())).opened_at)
    async with protocol.store.engine.begin() as connection:
        await connection.execute(
            text("UPDATE protocol.cases SET state = :state WHERE child = :child"),
            {"child": child, "state": elsewhere.model_dump_json(exclude_defaults=True)},
        )
    async with protocol.store.transaction() as uow:
        assert (await hold(uow, child)).case == elsewhere


async def test_nothing_is_decided_before_it_is_due_though_the_clock_runs_ahead_of_this_process(
    protocol: Protocol,
) -> None:
    child = a_child()
    await protocol.takes(protocol.received(MISSING, child))
    first = read((await protocol.due(child))[0].envelope)
    assert first.time > protocol.clocks.story()
    before = len(await protocol.said(child))
    await protocol.takes(first)
    told = [each for each in (await protocol.said(child))[before:] if isinstance(each.content, Duty)]
    assert {each.time for each in told} == {first.time}


async def test_nothing_is_written_when_the_transaction_fails(protocol: Protocol) -> None:
    child = a_child()
    assert await protocol.takes_and_fails(protocol.received(MISSING, child))
    assert await protocol.said(child) == []
    assert await protocol.due(child) == []


async def test_two_reports_of_one_child_at_the_same_moment_make_one_episode(protocol: Protocol) -> None:
    child = a_child()
    await asyncio.gather(*(protocol.takes(protocol.received(MISSING, child)) for _ in range(5)))
    told = [each.content.wording for each in await protocol.said(child) if isinstance(each.content, PoliceNotify)]
    assert told == [Wording("missing-notice"), *[Wording("missing-update")] * 4]


async def test_the_same_message_decided_again_says_the_same_ids(protocol: Protocol) -> None:
    child = a_child()
    received = protocol.received(MISSING, child)
    ids = [await protocol.takes_and_fails(received) for _ in range(2)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == len(ids[0])


async def test_a_return_cancels_the_deadlines_of_the_search(protocol: Protocol) -> None:
    child = a_child()
    await protocol.takes(protocol.received(MISSING, child))
    await protocol.takes(
        protocol.received(events.ChildReturned(authority="northshire", proof=events.Proof.AGENCY), child)
    )
    open_rules = {
        read(each.envelope).content.rule  # type: ignore[attr-defined]
        for each in await protocol.due(child)
        if each.cancelled_at is None and isinstance(read(each.envelope).content, RuleDue)
    }
    at_night_alone = {
        "tell-social-worker-was-missing",
        "nrm-check-while-missing",
        "missing-repeatedly",
        "reviewing-officer-hears-of-repeats",
    }
    assert open_rules - at_night_alone == {
        "safe-and-well-check-outstanding",
        "interpreter-is-checked-before-interview",
        "return-interview-not-offered",
        "return-interview-is-near",
        "return-interview-overdue",
        "looked-after-after-return",
    }


async def test_the_deadline_s_event_comes_back_as_the_protocol_wrote_it(protocol: Protocol) -> None:
    child = a_child()
    await protocol.takes(protocol.received(MISSING, child, exercise=True))
    first = read((await protocol.due(child))[0].envelope)
    assert first.exercise
    before = len(await protocol.said(child))
    protocol.clocks.move_to(timedelta(minutes=10))
    await protocol.takes(first)
    told = next(each for each in (await protocol.said(child))[before:] if isinstance(each.content, Duty))
    assert (told.content, told.exercise) == (
        told.content.model_copy(update={"wording": Wording("police-not-reached")}),
        True,
    )


async def test_a_step_that_is_heard_of_late_waits_for_the_answers_before_it(protocol: Protocol) -> None:
    child = a_child()
    await protocol.takes(protocol.received(MISSING, child))
    first = read((await protocol.due(child))[0].envelope)
    before = len(await protocol.said(child))
    await protocol.takes(replace(first, time=first.time - timedelta(minutes=3)))
    assert [each for each in (await protocol.said(child))[before:] if isinstance(each.content, Duty)] == []
    due = [read(each.envelope) for each in await protocol.due(child)]
    assert isinstance(first.content, DutyStepDue)
    (again,) = [each for each in due if getattr(each.content, "duty", None) == first.content.duty]
    assert again.time > first.time


async def test_a_case_goes_on_by_the_protocol_it_began_with(protocol: Protocol, database: Database) -> None:
    child = a_child()
    await protocol.takes(protocol.received(MISSING, child))
    read_files = files()
    for each in read_files:
        each.rules[:] = [rule for rule in each.rules if rule["id"] != "tell-police-missing"]
    later = Protocol(database)
    later.handlers = Handlers(RulesInForce(read_files), later.clocks)
    PARSED.clear()  # as in a process that has just started
    first = read((await protocol.due(child))[0].envelope)
    before = len(await protocol.said(child))
    await later.takes(first)
    assert (await protocol.said(child))[before].content.kind == "professional.notify.v1"
    await later.store.close()


async def test_a_dead_letter_that_names_no_authority_still_reaches_a_duty(protocol: Protocol) -> None:
    child = f"provisional-{uuid4()}"
    letter = MessageDeadLettered(service="police", origin="duties/3/4", reason="KeyError at x.py:1", original="")
    await protocol.takes(protocol.received(letter, child))
    duty = next(each.content for each in await protocol.said(child) if isinstance(each.content, Duty))
    assert (duty.role, duty.wording) == (Role.DUTY_WORKER, Wording("dead-letter"))


async def test_a_dead_letter_that_cannot_be_decided_goes_to_the_duty_line(protocol: Protocol) -> None:
    child = f"provisional-{uuid4()}"
    letter = MessageDeadLettered(service="protocol", origin="outcomes/3/4", reason="KeyError at x.py:1", original="")
    async with protocol.store.transaction() as uow:
        await protocol.handlers.last_resort(protocol.received(letter, child), uow)
    roles = [each.content.role for each in await protocol.said(child) if isinstance(each.content, Duty)]
    assert roles == ["duty.worker", "duty.senior-manager", "duty.head-of-service"]


SAME, OTHER = ("REF 4455 of 27/11/2026", "NM4455 4455"), ("4455 of 27/11/2026", "4545 of 27/11/2026")


@pytest.mark.parametrize(("references", "differ"), [(SAME, False), (OTHER, True), (("4455", "they gave none"), False)])
async def test_two_references_differ_if_they_have_no_part_but_the_day_in_common(
    protocol: Protocol, database: Database, keyring: Keyring, references: tuple[str, str], differ: bool
) -> None:
    child, store = a_child(), Store(database.engine("carers"))
    await protocol.takes(protocol.received(MISSING, child))
    for each in references:
        async with store.transaction() as uow:
            kept = await words.keep(
                uow, keyring, about=child, words=each, said_by=None, at=protocol.clocks.story(), reference=True
            )
        given = events.PoliceReferenceTexted(authority="northshire", channel="agency", words=(kept,))
        await protocol.takes(protocol.received(given, child))
    told = [each.content for each in await protocol.said(child) if isinstance(each.content, Duty)]
    assert any(each.wording is Wording("references-differ") for each in told) is differ
    await store.close()
