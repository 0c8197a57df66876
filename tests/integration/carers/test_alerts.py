"""Duties to carers become texts; what the protocol decides is what STATUS answers; a code from the right phone acknowledges."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services.carers.handlers import Alerts
from services.carers.policy.context import Question
from services.carers.store import conversations
from services.platform.delivery.model import Delivery, PreparedMessage
from services.platform.messages.envelope import Received
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.duty import decisions, duties
from services.safeguarding.duty.duties import Because, CarerAlert
from services.safeguarding.identifiers import number_of
from services.safeguarding.roles import Channel, Role, Wording
from tests.support.in_process.carers import Carers, Kestrel, kinds
from tests.support.in_process.register import fresh_number

AT = datetime(2026, 11, 24, 22, tzinfo=UTC)


def heard(content: Any, child: str, at: datetime = AT) -> Received[Any]:
    return Received(source="/safe-return/protocol", id=str(uuid4()), subject=child, time=at, content=content)


def alert(kestrel: Kestrel, **changes: Any) -> CarerAlert:
    fields: dict[str, Any] = {
        "duty": uuid4(),
        "step": 0,
        "revision": 1,
        "because": Because.FIRST,
        "authority": kestrel.document["authority"]["id"],
        "role": Role.CARERS_ALL,
        "channel": Channel.TEXT,
        "wording": Wording("police-told"),
        "rule": "a-rule",
        "protocol": "a protocol",
        "cites": ("S62",),
        "created_at": AT,
    }
    return CarerAlert(**fields | changes)


async def hear(service: Carers, content: Any, child: str, at: datetime = AT) -> None:
    handlers = service.handlers
    by_kind: dict[type[Any], Any] = {
        CarerAlert: handlers.on_carer_alert,
        decisions.EpisodeChanged: handlers.on_episode_changed,
        decisions.ReportTaken: handlers.on_report_taken,
        ChildIdentified: handlers.on_child_identified,
    }
    async with service.store.transaction() as uow:
        await by_kind[type(content)](heard(content, child, at), uow)


async def rows_of(service: Carers, duty: UUID) -> list[Any]:
    async with service.store.engine.connect() as connection:
        found = await connection.execute(
            text("SELECT id, person, state, code FROM delivery.deliveries WHERE duty = :d ORDER BY person"), {"d": duty}
        )
        return list(found)


async def test_an_alert_to_all_carers_is_a_text_to_each_of_the_couple(service: Carers, kestrel: Kestrel) -> None:
    duty = alert(kestrel)
    await hear(service, duty, kestrel.ids["C1"])
    rows = await rows_of(service, duty.duty)
    assert [row.person for row in rows] == sorted([kestrel.ids["ash"], kestrel.ids["bea"]])
    assert len({row.code for row in rows}) == 2


@pytest.mark.parametrize("of_case", [True, False])
async def test_alerts_about_two_missing_children_name_each(
    service: Carers, kestrel: Kestrel, keyring: Keyring, *, of_case: bool
) -> None:
    prepare, bodies = Alerts(keyring, Clocks()).prepare, list[str]()
    for child in ("C1", "C2"):
        duty = alert(kestrel, wording=Wording("missing-said-elsewhere"), episode=uuid4() if of_case else None)
        told = heard(duty, kestrel.ids[child])
        delivery = Delivery.of(told, lane="texts", now=AT, person=kestrel.ids["ash"])
        async with service.store.transaction() as uow:
            made = await prepare(uow, delivery)
        assert isinstance(made, PreparedMessage)
        bodies.append(made.body)
    assert [each.startswith(f"{child}: A child placed") for child, each in zip(("C1", "C2"), bodies, strict=True)] == [
        of_case
    ] * 2


async def test_an_alert_to_the_carer_who_reported_goes_to_that_person_alone(service: Carers, kestrel: Kestrel) -> None:
    duty = alert(kestrel, role=Role.CARER_REPORTING, person=kestrel.ids["bea"])
    await hear(service, duty, kestrel.ids["C1"])
    [row] = await rows_of(service, duty.duty)
    assert (row.person, row.id) == (kestrel.ids["bea"], duty.telling)


async def test_an_alert_that_nobody_can_be_found_for_fails_so_that_the_next_person_is_told(
    service: Carers, kestrel: Kestrel
) -> None:
    before = await service.last_position()
    await hear(service, alert(kestrel), f"child-{uuid4()}")
    [failed] = await service.said_after(before)
    assert isinstance(failed.content, duties.DutyFailed)
    assert failed.content.reason == "nobody-in-role"


async def test_a_withdrawal_that_comes_first_keeps_its_alert_from_being_sent(service: Carers, kestrel: Kestrel) -> None:
    duty = alert(kestrel, role=Role.CARER_REPORTING, person=kestrel.ids["bea"])
    withdrawal = duty.model_copy(update={"act": "withdraw", "revision": 2, "because": Because.RETURNED})
    await hear(service, withdrawal, kestrel.ids["C1"])
    await hear(service, duty, kestrel.ids["C1"])
    assert await rows_of(service, duty.duty) == []


def episode_changed(kestrel: Kestrel, episode: UUID, state: str, revision: int, opened_at: datetime = AT) -> Any:
    return decisions.EpisodeChanged(
        authority=kestrel.document["authority"]["id"],
        episode=episode,
        revision=revision,
        state=decisions.EpisodeState(state),
        opened_at=opened_at,
        protocol="p",
    )


def report_taken(kestrel: Kestrel, episode: UUID, by: str, *, holds: bool = True) -> Any:
    return decisions.ReportTaken(authority=kestrel.document["authority"]["id"], episode=episode, by=by, holds=holds)


async def test_status_tells_how_far_police_and_duty_team_truly_are(service: Carers, kestrel: Kestrel) -> None:
    phone, child, episode = kestrel.phone("cat"), kestrel.ids["C9"], uuid4()
    await hear(service, episode_changed(kestrel, episode, "missing", 1), child)
    told = []
    for by in (None, "police-system", "officer", "police-system", "duty-team"):
        if by is not None:
            await hear(service, report_taken(kestrel, episode, by), child)
        await service.says(phone, "STATUS")
        told += re.findall(
            r"C9: (.*); (no answer from|duty team say they have it)", (await service.replies_to(phone))[-1]
        )
    assert told == [
        ("police NOT reached yet, ring 101", "no answer from"),
        ("sent to police, nobody there has answered", "no answer from"),
        ("police say they have it", "no answer from"),
        ("police say they have it", "no answer from"),
        ("police say they have it", "duty team say they have it"),
    ]


async def test_a_duty_team_that_had_it_and_is_overdue_again_has_not_answered(service: Carers, kestrel: Kestrel) -> None:
    phone, child, episode = kestrel.phone("cat"), kestrel.ids["C9"], uuid4()
    await hear(service, episode_changed(kestrel, episode, "missing", 1), child)
    await hear(service, report_taken(kestrel, episode, "duty-team"), child)
    await hear(service, report_taken(kestrel, episode, "duty-team", holds=False), child)
    await service.says(phone, "STATUS")
    assert "no answer from the duty team yet" in (await service.replies_to(phone))[-1]


async def test_a_report_that_became_part_of_the_childs_leaves_the_child_as_it_is(
    service: Carers, kestrel: Kestrel
) -> None:
    phone, child, episode = kestrel.phone("cat"), kestrel.ids["C9"], uuid4()
    await hear(service, episode_changed(kestrel, episode, "missing", 1), child)
    await hear(service, report_taken(kestrel, episode, "officer"), child)
    await hear(service, episode_changed(kestrel, uuid4(), "merged", 2, AT + timedelta(minutes=5)), child)
    await service.says(phone, "STATUS")
    assert "police say they have it" in (await service.replies_to(phone))[-1]
    [said] = await service.says(phone, "BACK")
    assert said.content.kind == "child.return-claimed.v1"


async def test_an_older_word_about_an_episode_changes_nothing(service: Carers, kestrel: Kestrel) -> None:
    phone, child, episode = kestrel.phone("cat"), kestrel.ids["C9"], uuid4()
    await hear(service, episode_changed(kestrel, episode, "returned", 3), child)
    await hear(service, episode_changed(kestrel, episode, "missing", 2), child)
    await hear(service, episode_changed(kestrel, uuid4(), "missing", 9, AT - timedelta(days=3)), child)
    [said] = await service.says(phone, "not back")
    assert said.content.kind == "report.retracted.v1"


async def test_a_carer_answers_an_alert_with_its_code_and_a_code_from_another_phone_counts_for_nothing(
    service: Carers, kestrel: Kestrel
) -> None:
    duty = alert(kestrel, role=Role.CARER_REPORTING, person=kestrel.ids["cat"])
    await hear(service, duty, kestrel.ids["C9"])
    phone, code = kestrel.phone("cat"), number_of(duty.telling)
    async with service.store.engine.begin() as connection:
        await connection.execute(
            text("UPDATE delivery.deliveries SET number_hash = :n WHERE duty = :d"),
            {"n": service.keyring.number_hash(phone), "d": duty.duty},
        )
    assert kinds(await service.says(kestrel.phone("ash"), f"OK {code}")) == []
    assert kinds(await service.says(fresh_number(), f"OK {code}")) == ["text.needs-human.v1"]
    [said] = await service.says(phone, f"ok {code.lower()}.")
    content = said.content
    assert isinstance(content, duties.DutyAcknowledged)
    assert (content.duty, content.step, content.by, content.how) == (duty.duty, 0, kestrel.ids["cat"], "text")
    [row] = await rows_of(service, duty.duty)
    assert row.state == "acknowledged"


async def test_once_somebody_has_said_who_a_report_was_about_its_question_is_answered_and_it_is_no_longer_without_a_name(
    service: Carers, kestrel: Kestrel
) -> None:
    number, nobody, another = uuid4().bytes, f"provisional-{uuid4()}", f"provisional-{uuid4()}"
    authority = kestrel.document["authority"]["id"]
    async with service.store.transaction() as uow:
        for each in (nobody, another):
            conversations.open_report(uow, each, number, AT, authority=authority, placement=None)
        conversations.name_child(uow, another, kestrel.ids["C2"])
        conversations.ask(uow, number, Question("report", nobody), AT, authority=authority, person=None)
    for each in (nobody, another):
        await hear(service, ChildIdentified(authority=authority, child=kestrel.ids["C1"]), each)
    async with service.store.read() as reader:
        reports, question = await reader.fetch(
            conversations.unnamed_reports(number), conversations.open_question(number, AT - timedelta(hours=1))
        )
    assert {each.provisional: each.child for each in reports} == {
        nobody: kestrel.ids["C1"], another: kestrel.ids["C2"],
    }, "what the speaker said themselves stands"  # fmt: skip
    assert question is None
