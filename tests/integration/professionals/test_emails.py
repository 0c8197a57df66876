"""Professionals by mail: whom it reaches, and what the page behind its button does, on a real PostgreSQL."""

import asyncio
import email
import email.policy
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs
from structlog.typing import EventDict

from services.platform.delivery.channels.channel import SendResult
from services.platform.delivery.inbound_mail.classifier import read_mail
from services.platform.delivery.inbound_mail.mailbox import UNAUTHENTICATED
from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import repository as deliveries
from services.platform.delivery.queue import slo
from services.platform.register.directory import Contact
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.problems import Problem
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, all_rows
from services.professionals.digests import LOCK, DigestGrouping, Gathered
from services.professionals.sender import GroupedMail
from services.professionals.wording import mail_code
from services.safeguarding.duty.decisions import AttemptResult
from services.safeguarding.duty.duties import MassReport
from services.safeguarding.identifiers import new_id
from services.safeguarding.roles import Channel, Role, Wording
from tests.support.engines.database import Database
from tests.support.in_process.delivery import PlayedMedium, eventually
from tests.support.in_process.professionals import ByMail, running_by_mail
from tests.support.in_process.register import erase, words_kept
from tests.support.outside.mail import RELAY, says, vouched

Relayed: TypeAlias = Callable[[bytes], bytes]
BOUNCE = "From: MAILER-DAEMON@relay.example"
AWAY = "Auto-Submitted: auto-replied"


@pytest.fixture
async def by_mail(database: Database, keyring: Keyring) -> AsyncIterator[ByMail]:
    async with running_by_mail(database, keyring) as running:
        yield running


async def test_a_duty_by_mail_goes_by_mail_and_one_by_text_by_text(by_mail: ByMail) -> None:
    await by_mail.tell()
    await by_mail.tell(channel=Channel.TEXT)
    await eventually(lambda: by_mail.mail.sent and by_mail.text.sent)
    assert [each.recipient for each in by_mail.mail.sent] == ["worker@kestrel.example"]
    assert len(by_mail.text.sent) == 1


async def test_a_mail_waits_for_no_other_authority_s(by_mail: ByMail) -> None:
    """While another's is prepared, which may take as long as its transaction does."""
    async with by_mail.floor.store.transaction() as uow:
        await uow.fetch(Query(LOCK, {"authorities": ["another"]}, all_rows))
        await by_mail.tell()
        await eventually(lambda: by_mail.mail.sent)


async def test_the_mail_names_no_child(by_mail: ByMail) -> None:
    await by_mail.tell()
    await by_mail.link()
    for word in ("Amara", "Diallo", "Mill Lane", by_mail.ids["C1"]):
        assert word not in by_mail.mail.sent[0].body


async def test_opening_the_link_acknowledges_nothing_and_the_button_does_once(by_mail: ByMail) -> None:
    told = await by_mail.tell()
    link = await by_mail.link()
    assert (await by_mail.web.get(link)).status_code == 200
    assert (await by_mail.web.head(link)).status_code == 200
    assert await by_mail.said("duty.acknowledged.v1") == []
    for _ in range(3):
        assert "recorded that you have it" in (await by_mail.web.post(link, data={"answer": "have-it"})).text
    [acknowledged] = await by_mail.said("duty.acknowledged.v1")
    assert (acknowledged["duty"], acknowledged["by"]) == (str(told.content.duty), by_mail.ids["worker"])
    assert acknowledged["how"] == "page"


async def take(by_mail: ByMail, raw: str, sender: str = "worker@kestrel.example", *, relayed: Relayed = vouched) -> str:
    """As the relay hands it over."""
    return await by_mail.mailbox.take(read_mail(relayed(raw.encode()), sender, RELAY))


def unseen(raw: bytes) -> bytes:
    """No relay looked at it."""
    return raw


def failed(raw: bytes) -> bytes:
    return says(raw, "spf=fail; dmarc=none")


async def test_a_bounce_or_an_absence_leads_to_the_next_person_once(by_mail: ByMail) -> None:
    bounce = "X-Failed-Recipients: worker@kestrel.example"
    for body, reason in ((bounce, "undeliverable"), (AWAY, "away")):
        by_mail.mail.sent.clear()
        await by_mail.tell()
        await by_mail.link()
        await by_mail.floor.until(by_mail.mail.sent[-1].id, "accepted")
        raw = f"From: worker@kestrel.example\r\nIn-Reply-To: {by_mail.message_id()}\r\n{body}"
        for _ in range(2):
            await take(by_mail, f"{raw}\r\n\r\nMessage-ID: {by_mail.message_id()}\r\nI am on annual leave.")
        assert (await by_mail.said("duty.failed.v1"))[-1]["reason"] == reason
    assert len(await by_mail.said("duty.failed.v1")) == 2


async def test_a_bounce_after_the_acknowledgement_changes_nothing(by_mail: ByMail) -> None:
    await by_mail.tell()
    await by_mail.web.post(await by_mail.link(), data={"answer": "have-it"})
    assert await take(by_mail, f"{BOUNCE}\r\n\r\n{by_mail.message_id()}", "") == "bounced-late"
    assert await by_mail.said("duty.failed.v1") == []


async def test_words_in_answer_to_a_mail_reach_a_person_and_a_stranger_s_nobody(by_mail: ByMail) -> None:
    await by_mail.tell()
    await by_mail.link()
    await take(by_mail, "From: spam@elsewhere.example\r\n\r\na prize")
    assert await by_mail.said("text.needs-human.v1") == []
    await take(by_mail, f"From: worker@kestrel.example\r\nIn-Reply-To: {by_mail.message_id()}\r\n\r\nAmara is with me")
    [needs] = await by_mail.said("text.needs-human.v1")
    assert (len(needs["words"]), needs["channel"]) == (1, "mail")
    assert "Amara" not in str(needs)


@pytest.mark.parametrize(
    ("sender", "relayed", "theirs"),
    [
        ("Worker <WORKER@Kestrel.example>", vouched, True),
        ("mallory@evil.example", vouched, False),
        ("worker@kestrel.example.evil.example", vouched, False),
        ("worker@kestrel.example", failed, False),
        ("worker@kestrel.example", unseen, False),
    ],
)
async def test_words_are_those_of_whom_it_was_told_only_from_the_address_that_it_went_to(
    by_mail: ByMail, database: Database, keyring: Keyring, sender: str, relayed: Relayed, *, theirs: bool
) -> None:
    await by_mail.tell()
    await by_mail.link()
    answer = f"From: {sender}\r\nIn-Reply-To: {by_mail.message_id()}\r\n\r\nno need to look for her"
    assert await take(by_mail, answer, relayed=relayed) == "needs-human"
    [needs] = await by_mail.said("text.needs-human.v1")
    worker = by_mail.ids["worker"] if theirs else None
    assert (needs.get("said_by"), len(needs["words"])) == (worker, 1), "a person reads it all the same"
    [kept] = await words_kept(database, keyring, needs["words"])
    assert kept.said_by == worker
    assert kept.text.startswith(UNAUTHENTICATED) is (relayed is not vouched)


@pytest.mark.parametrize("relayed", [failed, unseen])
async def test_an_absence_that_nobody_vouches_for_leads_nowhere_and_a_person_hears_of_it_once(
    by_mail: ByMail, relayed: Relayed
) -> None:
    await several(by_mail)
    raw = f"From: worker@kestrel.example\r\nIn-Reply-To: {by_mail.message_id()}\r\n{AWAY}\r\n\r\nI am on leave."
    assert await take(by_mail, raw, relayed=relayed) == "needs-human"
    assert await by_mail.said("duty.failed.v1") == []
    assert len(await by_mail.said("text.needs-human.v1")) == 1


async def test_another_s_absence_leads_nowhere_and_a_person_hears_of_it(by_mail: ByMail) -> None:
    await by_mail.tell()
    await by_mail.link()
    await by_mail.floor.until(by_mail.mail.sent[0].id, "accepted")
    raw = f"From: mallory@kestrel.example\r\nIn-Reply-To: {by_mail.message_id()}\r\n{AWAY}\r\n\r\nI am on leave."
    assert await take(by_mail, raw) == "needs-human"
    assert await by_mail.said("duty.failed.v1") == []


def given_up(logs: Sequence[EventDict]) -> list[tuple[str, str]]:
    """By which somebody finds the delivery that the alert counts."""
    return [(each["delivery"], each["reason"]) for each in logs if each["event"] == "an urgent notice was given up"]


async def counted_as_given_up(by_mail: ByMail) -> float | None:
    """By the alert."""
    async with by_mail.floor.store.engine.connect() as connection:
        await slo.measure_recent(connection, "professionals", by_mail.floor.clocks.wall())
    return REGISTRY.get_sample_value("delivery_urgent_failed")


@pytest.mark.parametrize(
    ("answer", "ends"),
    [(SendResult(AttemptResult.ACCEPTED, 250), "failed"), (SendResult(AttemptResult.RETRY), "waiting")],
)
async def test_a_bounce_that_overtakes_the_answer_of_our_relay_counts_once_that_has_taken_the_mail(
    by_mail: ByMail, answer: SendResult, ends: str
) -> None:
    """And stops nothing where it has not: then somebody made it up."""
    by_mail.mail.released, by_mail.mail.answers = asyncio.Event(), [answer]
    await by_mail.tell()
    await by_mail.link()
    with capture_logs() as logs:
        assert await take(by_mail, f"{BOUNCE}\r\n\r\n{by_mail.message_id()}", "") == "bounced"
    by_mail.mail.released.set()
    await by_mail.floor.until(by_mail.mail.sent[0].id, ends)
    assert len(await by_mail.said("duty.failed.v1")) == 1
    if ends == "failed":
        assert given_up(logs) == [(str(by_mail.mail.sent[0].id), "undeliverable")]
    assert await counted_as_given_up(by_mail) == (ends == "failed")


async def test_whoever_cannot_act_sends_it_on_and_may_still_take_it(by_mail: ByMail) -> None:
    await by_mail.tell()
    link = await by_mail.link()
    await by_mail.floor.until(by_mail.mail.sent[0].id, "accepted")
    with capture_logs() as logs:
        for _ in range(2):
            await by_mail.web.post(link, data={"answer": "cannot"})
    assert given_up(logs) == []
    assert await counted_as_given_up(by_mail) == 0
    [failed] = await by_mail.said("duty.failed.v1")
    assert failed["reason"] == "declined"
    await by_mail.web.post(link, data={"answer": "have-it"})
    assert len(await by_mail.said("duty.acknowledged.v1")) == 1


async def test_the_deputy_takes_over_by_a_button_and_acknowledges_the_same_telling(by_mail: ByMail) -> None:
    told = await by_mail.tell(role=Role.DUTY_WORKER)
    first = await by_mail.link()
    await by_mail.floor.until(by_mail.mail.sent[0].id, "accepted")
    assert "My deputy takes it" in (await by_mail.web.get(first)).text
    with capture_logs() as logs:
        for _ in range(2):
            assert "Somebody else" in (await by_mail.web.post(first, data={"answer": "hand-over"})).text
    assert given_up(logs) == []
    assert await counted_as_given_up(by_mail) == 0
    await eventually(lambda: len(by_mail.mail.sent) == 2)
    assert [each.recipient for each in by_mail.mail.sent] == ["day@kestrel.example", "deputy@kestrel.example"]
    second = await by_mail.link()
    page = await by_mail.web.get(second)
    assert "My deputy" not in page.text
    await by_mail.web.post(second, data={"answer": "have-it"})
    [acknowledged] = await by_mail.said("duty.acknowledged.v1")
    assert (acknowledged["duty"], acknowledged["step"]) == (str(told.content.duty), 0)
    assert acknowledged["by"] == by_mail.ids["deputy"]
    assert await by_mail.said("duty.failed.v1") == []
    assert "recorded that you have it" in (await by_mail.web.get(first)).text


async def test_who_has_no_deputy_is_offered_none_and_a_press_all_the_same_hands_over_nothing(by_mail: ByMail) -> None:
    await by_mail.tell()
    link = await by_mail.link()
    await by_mail.floor.until(by_mail.mail.sent[0].id, "accepted")
    assert "My deputy" not in (await by_mail.web.get(link)).text
    assert "Have you got it?" in (await by_mail.web.post(link, data={"answer": "hand-over"})).text
    assert len(by_mail.mail.sent) == 1


async def test_a_later_step_passes_over_who_could_not_act_for_the_deputy(by_mail: ByMail) -> None:
    told = await by_mail.tell(role=Role.DUTY_WORKER)
    link = await by_mail.link()
    await by_mail.floor.until(by_mail.mail.sent[0].id, "accepted")
    await by_mail.web.post(link, data={"answer": "cannot"})
    await by_mail.tell(role=Role.DUTY_WORKER, duty=told.content.duty, step=1)
    await eventually(lambda: len(by_mail.mail.sent) == 2)
    assert by_mail.mail.sent[1].recipient == "deputy@kestrel.example"


@pytest.fixture(autouse=True)
def _gathers_for_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.professionals.handlers.GATHERED_FOR", timedelta(seconds=1))


async def several(by_mail: ByMail) -> list[Any]:
    """Three that are not urgent, put in an instant: they wait for each other, and go in one mail."""
    told = [await by_mail.tell(urgent=False) for _ in range(3)]
    for each in told:
        await by_mail.floor.until(each.content.telling, "accepted")
    return told


async def test_several_at_once_are_one_mail_and_each_is_accepted_and_acknowledged_for_itself(by_mail: ByMail) -> None:
    told = await several(by_mail)
    assert len(by_mail.mail.sent) == 1
    assert len(await by_mail.said("duty.accepted.v1")) == 3
    link = await by_mail.link()
    page = await by_mail.web.get(link)
    codes = [mail_code(each.content) for each in told]
    assert re.findall(r"<h2>\d\. (\w+)</h2>", page.text) == sorted(codes, key=by_mail.mail.sent[0].body.index)
    await by_mail.web.post(link, data={"answer": "have-it-2"})
    assert len(await by_mail.said("duty.acknowledged.v1")) == 1
    for _ in range(2):
        done = await by_mail.web.post(link, data={"answer": "have-all-3"})
    assert "<button" not in done.text
    acknowledged = {each["duty"] for each in await by_mail.said("duty.acknowledged.v1")}
    assert acknowledged == {str(each.content.duty) for each in told}
    assert len(await by_mail.said("duty.acknowledged.v1")) == 3


@pytest.mark.parametrize("answer", ["have-all-", "cannot-", "have-it-"])
async def test_a_number_too_long_to_be_read_is_no_answer(by_mail: ByMail, answer: str) -> None:
    await several(by_mail)
    with pytest.raises(Problem, match="Not an answer"):
        await by_mail.web.post(await by_mail.link(), data={"answer": f"{answer}{'9' * 5000}"})
    assert await by_mail.said("duty.acknowledged.v1") == []


async def test_many_children_of_one_reporter_are_few_mails_and_the_page_of_the_last_shows_those_that_follow(
    by_mail: ByMail,
) -> None:
    mass, told = MassReport(reporter=uuid4(), children=3, within=timedelta(minutes=30)), []
    for _ in range(6):
        told.append(await by_mail.tell(mass=mass, child=new_id("child"), episode=uuid4(), role=Role.DUTY_WORKER))
        await by_mail.floor.until(told[-1].content.telling, "accepted")
    subjects = [
        email.message_from_string(each.body, policy=email.policy.default)["subject"] for each in by_mail.mail.sent
    ]
    assert [". 3 children reported by one source" in each for each in subjects] == [False, False, True]
    link = await by_mail.link()
    page = await by_mail.web.get(link)
    assert re.findall(r"<h2>\d\. (\w+)</h2>", page.text) == [mail_code(each.content) for each in told[2:]]
    await by_mail.web.post(link, data={"answer": "have-all-3"})
    heard = [len(await by_mail.floor.facts_said(each.subject, "duty.acknowledged.v1")) for each in told]
    assert heard == [0, 0, 1, 1, 1, 0], "not for what came after the page was shown"


async def test_a_missing_child_never_lies_in_a_mail_under_housekeeping_and_the_most_urgent_names_it(
    by_mail: ByMail,
) -> None:
    wordings = (Wording("photo-due"), Wording("returned-notice"), Wording("still-missing"), Wording("review-due"))
    told = [await by_mail.tell(urgent=False, wording=each) for each in wordings]
    for each in told:
        await by_mail.floor.until(each.content.telling, "accepted")
    subjects = sorted(
        email.message_from_string(each.body, policy=email.policy.default)["subject"] for each in by_mail.mail.sent
    )
    assert [each.partition(",")[0] for each in subjects] == [
        "A child is still missing",
        "A photograph is missing or too old",
    ]
    assert all(", and 1 more (" in each for each in subjects)


async def test_what_rides_in_a_mail_that_another_process_sent_is_not_sent_again(by_mail: ByMail) -> None:
    told, medium = await several(by_mail), PlayedMedium(name="email")
    [mail] = by_mail.mail.sent
    [rider, *_] = {each.content.telling for each in told} - {mail.id}
    answer = await GroupedMail(medium, by_mail.floor.store).send(replace(mail, id=rider))
    assert (answer.result, medium.sent) == (AttemptResult.ACCEPTED, [])


async def test_a_mail_of_several_that_bounces_leads_on_for_each(by_mail: ByMail) -> None:
    told = await several(by_mail)
    await take(by_mail, f"{BOUNCE}\r\n\r\n{by_mail.message_id()}", "")
    failed = {each["duty"] for each in await by_mail.said("duty.failed.v1")}
    assert failed == {str(each.content.duty) for each in told}


async def test_an_urgent_mail_waits_for_no_other(by_mail: ByMail) -> None:
    await by_mail.tell(urgent=False)
    urgent = await by_mail.tell(urgent=True)
    await by_mail.floor.until(urgent.content.telling, "accepted")
    assert len(by_mail.mail.sent) == 1


async def test_what_is_withdrawn_after_it_went_in_another_s_mail_counts_as_told(
    by_mail: ByMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its reader never hears the all-clear."""
    monkeypatch.setattr("services.professionals.handlers.GATHERED_FOR", timedelta(minutes=1))  # none goes by itself
    rides = await by_mail.tell(urgent=False)
    leads = await by_mail.tell(urgent=True)
    await by_mail.floor.until(leads.content.telling, "accepted")
    alone = await by_mail.tell(urgent=False, duty=uuid4())
    for each in (rides, alone):
        await by_mail.tell(act="withdraw", duty=each.content.duty)
        await by_mail.floor.until(each.content.telling, "withdrawn")
    accepted = {each["duty"]: each["person"] for each in await by_mail.said("duty.accepted.v1")}
    assert accepted == {str(each.content.duty): by_mail.ids["worker"] for each in (leads, rides)}


async def test_what_joins_a_mail_is_withdrawn_once_the_mail_is_written(by_mail: ByMail, keyring: Keyring) -> None:
    rides, leads = [await by_mail.tell(urgent=False) for _ in "ab"]
    store, reader = by_mail.floor.store, Contact(by_mail.ids["worker"], None, "worker@kestrel.example", "en")
    free = "SELECT id FROM delivery.deliveries WHERE id = %(id)s FOR UPDATE SKIP LOCKED"
    async with store.transaction() as writing, store.transaction() as withdrawing:
        delivery = Delivery.of(leads, lane="mail", now=by_mail.floor.clocks.wall())
        gathered = await DigestGrouping(keyring, Clocks()).gather(writing, delivery, reader)
        assert isinstance(gathered, Gathered)
        assert [each.id for each in gathered.others] == [rides.content.telling]
        assert not await withdrawing.fetch(Query(free, {"id": rides.content.telling}, bool))


async def test_a_role_that_nobody_holds_is_said_at_once(by_mail: ByMail) -> None:
    told = await by_mail.tell(role=Role.CHILD_GUARDIAN)
    await by_mail.floor.until(told.content.telling, "failed")
    [failed] = await by_mail.said("duty.failed.v1")
    assert failed["reason"] == "nobody-in-role"


async def test_a_mail_that_can_wait_lies_until_its_reader_s_hours_and_nothing_else_does(
    database: Database, keyring: Keyring
) -> None:
    """It is Tuesday noon. Nobody has a line as reviewing officer."""
    afternoons = {"order": 1, "days": "mon-fri", "from": "13:00", "to": "17:00", "bank_holidays": False}
    lines = [
        afternoons | {"role": role, "person": "night", "child": "C1"}
        for role in (Role.CHILD_GUARDIAN, Role.POLICE_MISSING_COORDINATOR)
    ]
    async with running_by_mail(database, keyring, lines=lines) as by_mail:
        lies = await by_mail.tell(role=Role.CHILD_GUARDIAN, urgent=False)
        await by_mail.floor.until(lies.content.telling, "accepted")
        for role, urgent in (
            (Role.CHILD_GUARDIAN, True),
            (Role.POLICE_MISSING_COORDINATOR, False),
            (Role.CHILD_INDEPENDENT_REVIEWING_OFFICER, False),
        ):
            nobody = await by_mail.tell(role=role, urgent=urgent)
            await by_mail.floor.until(nobody.content.telling, "failed")
        [accepted] = await by_mail.said("duty.accepted.v1")
        assert (accepted["duty"], accepted["person"]) == (str(lies.content.duty), by_mail.ids["night"])
        assert {each["reason"] for each in await by_mail.said("duty.failed.v1")} == {"nobody-in-role"}


async def test_a_link_that_was_cut_short_says_so_and_does_nothing(by_mail: ByMail) -> None:
    await by_mail.tell()
    link = await by_mail.link()
    answer = await by_mail.web.post(link[:-3], data={"answer": "have-it"})
    assert (answer.status_code, "does not work" in answer.text) == (404, True)
    assert await by_mail.said("duty.acknowledged.v1") == []


async def test_what_rode_in_a_mail_that_was_erased_goes_in_a_mail_of_its_own(
    by_mail: ByMail, database: Database, keyring: Keyring
) -> None:
    told = await several(by_mail)
    [mail] = by_mail.mail.sent
    [rider, *_] = {each.content.telling for each in told} - {mail.id}
    grouping, worker = (
        DigestGrouping(keyring, Clocks()),
        Contact(by_mail.ids["worker"], None, "worker@kestrel.example", "en"),
    )

    async def gathered() -> Any:
        async with by_mail.floor.store.transaction() as uow:
            delivery = await deliveries.find(uow.connection, rider)
            assert delivery is not None
            return await grouping.gather(uow, delivery, worker)

    assert (await gathered()).body == mail.body
    await erase(database, keyring, by_mail.ids["C1"])
    assert await gathered() == Gathered([])
