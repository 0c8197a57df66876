"""Professionals: who is texted, and what becomes of it, on a real PostgreSQL and the played phone network."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from services.carers.store.conversations import telling_by_code
from services.platform.delivery.channels.channel import SendResult
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, scalar
from services.platform.store.unit_of_work import Origin, Store
from services.professionals.handlers import Handlers
from services.professionals.sender import GroupedText, TextSender
from services.safeguarding.duty.decisions import AttemptResult
from services.safeguarding.duty.duties import DutyAcknowledged, MassReport, ProfessionalNotify
from services.safeguarding.identifiers import new_id, provisional_child
from services.safeguarding.roles import Channel, Role, Wording
from tests.support.engines.database import Database
from tests.support.in_process.delivery import Floor, PlayedMedium, received
from tests.support.in_process.disposal import sweep
from tests.support.in_process.professionals import LINKS
from tests.support.in_process.register import authority, load, number_of
from tests.support.tables import deliveries


class AtNoon(Clocks):
    """A Tuesday, so that the rota is the same whenever the tests run."""

    later = timedelta(0)

    def story(self) -> datetime:
        return datetime(2026, 11, 24, 12, tzinfo=UTC) + self.later


@dataclass
class Professionals:
    floor: Floor
    handlers: Handlers
    medium: PlayedMedium
    document: dict[str, Any]
    ids: dict[str, str]

    async def tell(self, role: Role = Role.DUTY_WORKER, **about: Any) -> Any:
        exercise, child = bool(about.pop("exercise", False)), about.pop("child", self.ids["C1"])
        content = {"authority": self.document["authority"]["id"], "role": role, "channel": Channel.TEXT} | about
        told = received(ProfessionalNotify, child=child, exercise=exercise, **content)
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
        "professionals",
        store,
        clocks,
        GroupedText(medium, store),
        keyring=keyring,
        prepare=TextSender(keyring, clocks, LINKS).prepare,
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
    await professionals.floor.until(told.content.telling, "accepted")
    [text] = professionals.medium.sent
    assert text.recipient == professionals.number("day")
    assert text.body.endswith(f"Reply OK C1 {told.content.code}")
    accepted = (await professionals.floor.said(told.subject))[-1]
    assert accepted["data"]["person"] == professionals.ids["day"]


async def test_the_text_is_in_its_readers_language(professionals: Professionals) -> None:
    told = await professionals.tell(Role.DUTY_SENIOR_MANAGER, wording=Wording("police-not-reached"))
    await professionals.floor.until(told.content.telling, "accepted")
    assert "heddlu" in professionals.medium.sent[0].body


async def test_a_person_who_was_told_before_is_told_again_whoever_is_on_duty_now(professionals: Professionals) -> None:
    told = await professionals.tell(person=professionals.ids["night"], wording=Wording("returned-notice"))
    await professionals.floor.until(told.content.telling, "accepted")
    assert professionals.medium.sent[0].recipient == professionals.number("night")


async def test_nobody_in_the_role_sends_the_protocol_to_the_next_at_once(professionals: Professionals) -> None:
    told = await professionals.tell(Role.DUTY_HEAD_OF_SERVICE)
    await professionals.floor.until(told.content.telling, "failed")
    assert [each["data"]["reason"] for each in await professionals.floor.said(told.subject)] == ["nobody-in-role"]


async def test_a_holder_without_a_mobile_is_a_failure_that_names_the_person(professionals: Professionals) -> None:
    told = await professionals.tell(Role.CHILD_SOCIAL_WORKER)
    await professionals.floor.until(told.content.telling, "failed")
    looked_up, failed = await professionals.floor.said(told.subject)
    assert (looked_up["type"], looked_up["data"]["fields"]) == ("register.looked-up.v1", ["person.mobile"])
    assert failed["data"]["reason"] == "no-address"
    assert failed["data"]["person"] == professionals.ids["worker"]


async def test_an_exercise_says_so(professionals: Professionals) -> None:
    told = await professionals.tell(exercise=True)
    await professionals.floor.until(told.content.telling, "accepted")
    assert professionals.medium.sent[0].body.startswith("EXERCISE. ")


@pytest.mark.parametrize(("minutes", "step", "late"), [(29, 0, False), (31, 0, True), (31, 1, False)])
async def test_a_text_that_goes_out_late_says_so_and_a_later_step_is_no_late_text(
    professionals: Professionals, minutes: int, step: int, late: bool
) -> None:
    due = AtNoon().story() - timedelta(minutes=minutes)
    told = await professionals.tell(created_at=due, step=step)
    await professionals.floor.until(told.content.telling, "accepted")
    assert professionals.medium.sent[0].body.startswith("LATE 11:29. ") is late


async def test_its_code_can_be_answered_from_the_number_it_was_texted_to(
    professionals: Professionals, database: Database, keyring: Keyring
) -> None:
    told = await professionals.tell()
    await professionals.floor.until(told.content.telling, "accepted")
    carers = database.engine("carers")
    async with Store(carers).read() as reader:
        numbers = keyring.number_hashes(professionals.number("day"))
        found = await reader.fetch(telling_by_code(numbers, told.content.code))
    await carers.dispose()
    assert found is not None
    assert (found.duty, found.step, found.person) == (told.content.duty, 0, professionals.ids["day"])


async def test_an_acknowledged_telling_stands_as_such(professionals: Professionals) -> None:
    told = await professionals.tell()
    await professionals.floor.until(told.content.telling, "accepted")
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


async def _report(
    professionals: Professionals, children: int, minutes: float, reporter: UUID, *, at: float = 0, **about: Any
) -> list[Any]:
    """So many children, evenly over so many minutes. Each text is taken, or waits, before the next report comes."""
    mass, told = MassReport(reporter=reporter, children=5, within=timedelta(minutes=30)), []
    for number in range(children):
        told.append(await professionals.tell(child=new_id("child"), mass=mass, **about))
        await _pass_time(professionals, at + minutes * number / children)
    return told


async def _pass_time(professionals: Professionals, minutes: float) -> None:
    """Until that many minutes past noon. What waits is looked at again."""
    AtNoon.later = timedelta(minutes=minutes)
    await professionals.floor.idle()
    await professionals.floor.end_pauses()
    await professionals.floor.loop._turn()
    await professionals.floor.idle()


async def _answer(professionals: Professionals, told: Any, how: Any = "text") -> None:
    answer = DutyAcknowledged(
        duty=told.duty, step=told.step, authority=told.authority, how=how, by=professionals.ids["day"]
    )
    async with professionals.floor.store.transaction() as uow:
        await professionals.handlers.on_duty_acknowledged(_with(received(ProfessionalNotify), answer), uow)


async def _ask_again(professionals: Professionals, told: Any) -> Any:
    again = told.content.model_copy(update={"step": told.content.step + 1})
    async with professionals.floor.store.transaction() as uow:
        await professionals.handlers.on_professional_notify(_with(told, again), uow)
    await professionals.floor.idle()
    return again


def _texts(professionals: Professionals, since: int = 0) -> list[str]:
    """How each text that was sent begins: with whom or how many it is about."""
    return [
        each.body.removeprefix("Safe Return").partition(": ")[0].strip() for each in professionals.medium.sent[since:]
    ]


@pytest.fixture
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AtNoon, "later", timedelta(0))


@pytest.mark.usefixtures("_noon")
async def test_forty_children_of_one_reporter_are_few_texts_and_each_is_answered_by_the_one_that_counts_it(
    professionals: Professionals,
) -> None:
    reporter = uuid4()
    told = await _report(professionals, 40, 31, reporter)
    await _pass_time(professionals, 36)
    texts = _texts(professionals)
    assert texts[:5] == ["", "", "", "", "5 children"]
    assert texts[-1] == "40 children"
    assert len(texts) <= 4 + 31 / 4 + 2
    last = next(each for each in told if each.content.telling == professionals.medium.sent[-1].id)
    await _answer(professionals, last.content)
    for each in told:
        heard = [said["by"] for said in await professionals.floor.facts_said(each.subject, "duty.acknowledged.v1")]
        assert heard == ([] if each is last else [professionals.ids["day"]])
    await _report(professionals, 1, 0, uuid4(), at=36)
    assert _texts(professionals)[-1] == "", "another reporter's child"


@pytest.mark.usefixtures("_noon")
async def test_a_child_reported_after_the_answer_is_told_of_by_itself_and_so_is_its_repeat(
    professionals: Professionals,
) -> None:
    reporter = uuid4()
    told = await _report(professionals, 5, 1, reporter)
    await _answer(professionals, told[-1].content)
    [next_one] = await _report(professionals, 1, 0, reporter, at=2)
    assert professionals.medium.sent[-1].id == next_one.content.telling
    AtNoon.later = timedelta(minutes=7)
    again = await _ask_again(professionals, next_one)
    assert professionals.medium.sent[-1].id == again.telling
    assert _texts(professionals) == ["", "", "", "", "5 children", "", ""]


@pytest.mark.usefixtures("_noon")
async def test_the_number_is_what_the_source_reported_now_and_no_report_of_hours_before(
    professionals: Professionals,
) -> None:
    reporter = uuid4()
    await _report(professionals, 2, 1, reporter)
    await _report(professionals, 5, 1, reporter, at=180)
    assert _texts(professionals) == ["", "", "", "", "", "", "5 children"]


@pytest.mark.usefixtures("_noon")
async def test_a_child_whom_somebody_has_named_since_is_counted_once(professionals: Professionals) -> None:
    reporter = uuid4()
    mass = MassReport(reporter=reporter, children=5, within=timedelta(minutes=30))
    unknown = await professionals.tell(child=provisional_child(str(uuid4())), mass=mass)
    await _report(professionals, 3, 1, reporter)
    again = unknown.content.model_copy(update={"step": 1})
    named = replace(_with(unknown, again), id=str(uuid4()), subject=new_id("child"))
    async with professionals.floor.store.transaction() as uow:
        await professionals.handlers.on_professional_notify(named, uow)
    await professionals.floor.idle()
    await _report(professionals, 1, 1, reporter, at=2)
    assert _texts(professionals) == ["", "", "", "", "", "5 children"]


@pytest.mark.usefixtures("_noon")
async def test_after_the_answer_many_more_are_one_text_again(professionals: Professionals) -> None:
    reporter = uuid4()
    told = await _report(professionals, 5, 1, reporter)
    await _answer(professionals, told[-1].content)
    await _report(professionals, 7, 1, reporter, at=2)
    await _pass_time(professionals, 8)
    assert _texts(professionals, since=5) == ["", "", "", "", "10 children", "12 children"]


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.usefixtures("_noon")
async def test_a_child_whom_the_number_does_not_count_waits_until_the_answer_or_the_next_number(
    professionals: Professionals, *, answered: bool
) -> None:
    """Meanwhile nobody has been told of it, and nothing says so."""
    reporter = uuid4()
    *_, leader = await _report(professionals, 5, 1, reporter)
    [waits] = await _report(professionals, 1, 0, reporter, at=2)
    assert len(professionals.medium.sent) == 5
    assert (await professionals.floor.row(waits.content.telling))["state"] == "waiting"
    assert await professionals.floor.said(waits.subject) == []
    if answered:
        await _answer(professionals, leader.content)
    await _pass_time(professionals, 3 if answered else 5)
    await professionals.floor.until(waits.content.telling, "accepted")
    assert _texts(professionals, since=5) == ["" if answered else "6 children"]
    assert await professionals.floor.facts_said(waits.subject, "duty.acknowledged.v1") == []


@pytest.mark.usefixtures("_noon")
async def test_a_repeat_of_a_mass_report_is_one_text(professionals: Professionals) -> None:
    told = await _report(professionals, 5, 1, uuid4())
    AtNoon.later = timedelta(minutes=6)
    agains = [await _ask_again(professionals, each) for each in told]
    for each in agains:
        await professionals.floor.until(each.telling, "accepted")
    assert _texts(professionals, since=4) == ["5 children", "5 children"]


@pytest.mark.usefixtures("_noon")
async def test_another_duty_about_a_child_that_was_counted_long_ago_reaches_the_phone(
    professionals: Professionals,
) -> None:
    reporter = uuid4()
    told = await _report(professionals, 5, 1, reporter)
    AtNoon.later = timedelta(minutes=6)
    mass = MassReport(reporter=reporter, children=5, within=timedelta(minutes=30))
    other = await professionals.tell(child=told[0].subject, mass=mass, wording=told[0].content.wording)
    await professionals.floor.until(other.content.telling, "accepted")
    assert professionals.medium.sent[-1].id == other.content.telling


@pytest.mark.parametrize("first", ["answer", "rider"])
@pytest.mark.usefixtures("_noon")
async def test_an_answer_and_what_rides_meanwhile_take_turns(professionals: Professionals, first: str) -> None:
    """Either the answer is for what rides too, or it finds the text answered, and goes by itself."""
    reporter = uuid4()
    *_, leader = told = await _report(professionals, 5, 1, reporter)
    mass = MassReport(reporter=reporter, children=5, within=timedelta(minutes=30))
    other: Any = {"child": told[0].subject, "mass": mass, "wording": told[0].content.wording}
    if first == "answer":
        answer = DutyAcknowledged(
            duty=leader.content.duty,
            step=0,
            authority=leader.content.authority,
            how="text",
            by=professionals.ids["day"],
        )
        async with professionals.floor.store.transaction() as uow:
            await professionals.handlers.on_duty_acknowledged(_with(leader, answer), uow)
            rider = await professionals.tell(**other)
            await professionals.floor.idle()
            assert (await professionals.floor.row(rider.content.telling))["state"] == "waiting"
        await _pass_time(professionals, 2)
        assert professionals.medium.sent[-1].id == rider.content.telling
    else:
        rider = await professionals.tell(**other)
        await professionals.floor.until(rider.content.telling, "accepted")
        assert professionals.medium.sent[-1].id == leader.content.telling
        await _answer(professionals, leader.content)
        heard = await professionals.floor.facts_said(rider.subject, "duty.acknowledged.v1")
        assert rider.content.duty in {UUID(each["duty"]) for each in heard}


@pytest.mark.parametrize(
    ("how", "after", "answers"),
    [("text", 0, True), ("call", 0, True), ("console", 0, False), ("page", 0, False), ("text", 25 * 60, False)],
)
@pytest.mark.usefixtures("_noon")
async def test_only_an_answer_to_the_text_answers_for_the_children_that_it_counts_and_of_that_day(
    professionals: Professionals, how: Any, after: float, answers: bool
) -> None:
    reporter = uuid4()
    told = await _report(professionals, 5, 1, reporter)
    if after:
        told = [told[0], *await _report(professionals, 5, 1, reporter, at=after)]
    last = told[-1].content
    await _answer(professionals, last, how)
    heard = [each["data"]["how"] for each in await professionals.floor.said(told[0].subject) if "how" in each["data"]]
    assert heard == ([how] if answers else [])


@pytest.mark.usefixtures("_noon")
async def test_a_colleague_on_duty_hears_of_a_mass_report_at_once_and_a_childs_own_worker_of_their_child(
    professionals: Professionals,
) -> None:
    reporter = uuid4()
    await _report(professionals, 5, 1, reporter)
    await _report(professionals, 1, 0, reporter, role=Role.DUTY_SENIOR_MANAGER)
    assert "6 o blant" in professionals.medium.sent[-1].body


@pytest.mark.usefixtures("_noon")
async def test_what_was_counted_goes_with_its_deliveries(professionals: Professionals) -> None:
    reporter, store = uuid4(), professionals.floor.store
    await _report(professionals, 5, 1, reporter)
    kept = Query("SELECT count(*) FROM mass_texts WHERE reporter = %(reporter)s", {"reporter": reporter}, scalar)
    for days, left in ((399, 5), (401, 0)):
        await sweep(store, "professionals", days=days)
        async with store.read() as reader:
            assert await reader.fetch(kept) == left


@pytest.mark.usefixtures("_noon")
async def test_a_text_that_was_to_ride_goes_by_itself_where_its_leader_failed(professionals: Professionals) -> None:
    reporter = uuid4()
    await _report(professionals, 4, 1, reporter)
    professionals.medium.answers = [SendResult(AttemptResult.REFUSED, 400, reason="refused")]
    mass = MassReport(reporter=reporter, children=5, within=timedelta(minutes=30))
    leader = await professionals.tell(child=new_id("child"), mass=mass)
    await professionals.floor.until(leader.content.telling, "failed")
    last = await professionals.tell(child=new_id("child"), mass=mass)
    await professionals.floor.until(last.content.telling, "accepted")
    assert [each.body[:22] for each in professionals.medium.sent[4:]] == [
        "Safe Return 5 children",
        "Safe Return 6 children",
    ]


@pytest.mark.usefixtures("_noon")
async def test_nothing_rides_in_a_text_that_was_withdrawn_before_it_was_sent(professionals: Professionals) -> None:
    """Its code would be known to nobody, and its reader's OK refused."""
    mass = MassReport(reporter=uuid4(), children=5, within=timedelta(minutes=30))
    await _report(professionals, 4, 1, mass.reporter)
    about: Any = {"authority": professionals.document["authority"]["id"], "role": Role.DUTY_WORKER, "mass": mass}
    told = received(ProfessionalNotify, child=new_id("child"), channel=Channel.TEXT, **about)
    withdrawn = _with(told, told.content.model_copy(update={"act": "withdraw", "revision": 2}))
    async with professionals.floor.store.transaction() as uow:
        await professionals.handlers.on_professional_notify(told, uow)
        await professionals.handlers.on_professional_notify(withdrawn, uow)
    await professionals.floor.idle()
    last = await professionals.tell(child=new_id("child"), mass=mass)
    await professionals.floor.until(last.content.telling, "accepted")
    assert len(professionals.medium.sent) == 5
    assert professionals.medium.sent[-1].id == last.content.telling
    leaders = Query(
        "SELECT leader FROM mass_texts WHERE reporter = %(reporter)s AND counted", {"reporter": mass.reporter}, scalar
    )
    async with professionals.floor.store.read() as reader:
        assert await reader.fetch(leaders) == last.content.telling


def _with(received_: Any, content: Any) -> Any:
    return type(received_)(
        source=received_.source, id=received_.id, subject=received_.subject, time=received_.time, content=content
    )


async def test_who_comes_on_duty_is_told_how_many_children_are_missing(professionals: Professionals) -> None:
    told = await professionals.tell(wording=Wording("shift-begins"))
    await professionals.floor.until(told.content.telling, "accepted")
    assert "Children missing now: 0." in professionals.medium.sent[0].body
