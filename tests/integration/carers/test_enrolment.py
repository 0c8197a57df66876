"""A carer joins and practises, on a real PostgreSQL: what is said on the bus, what is remembered, what the card says."""

from datetime import timedelta
from uuid import uuid4

from sqlalchemy import text

from services.carers.conversation.silence import PRACTICE_LASTS, PracticeTimeout
from services.carers.policy.context import Enrolment
from services.carers.store import enrolments
from services.platform.messages.envelope import Received
from services.platform.runtime.clocks import Clocks
from services.platform.store.query import Reader
from services.safeguarding.child_events import events
from services.safeguarding.child_events.care_events import CarerAwarenessRecorded
from services.safeguarding.duty.decisions import EpisodeChanged, EpisodeState
from tests.support.engines.database import Database
from tests.support.in_process.carers import Carers, Kestrel, kinds, now
from tests.support.in_process.register import fresh_number


async def test_from_the_first_text_to_the_end_of_the_practice(service: Carers, kestrel: Kestrel) -> None:
    phone = kestrel.phone("cat")
    assert await service.says(phone, "C9") == []
    [reported] = await service.says(phone, "PRACTICE MISSING")
    assert (reported.content.kind, reported.subject, reported.exercise) == (
        "child.reported-missing.v1",
        kestrel.ids["C9"],
        True,
    )
    assert await service.says(phone, "practice back") == []
    [over, aware] = await service.confirms(phone)
    assert (over.content.kind, over.subject, over.exercise) == ("report.retracted.v1", kestrel.ids["C9"], True)
    assert aware.content == CarerAwarenessRecorded(
        authority=kestrel.document["authority"]["id"],
        said_by=kestrel.ids["cat"],
        channel="text",
        carer=kestrel.ids["cat"],
        how="practice",
    )
    assert (aware.subject, aware.exercise) == (kestrel.ids["C9"], False)
    replies = await service.replies_to(phone)
    parts = ("PRACTICE MISSING", "PRACTICE BACK", "until you text a code", "EXERCISE over")
    assert [part for part, reply in zip(parts, replies, strict=True) if part not in reply] == []
    assert await service.says(phone, "PRACTICE BACK") == []


async def test_a_real_report_in_the_midst_of_a_practice_is_real(service: Carers, kestrel: Kestrel) -> None:
    phone = kestrel.phone("cat")
    await service.says(phone, "PRACTICE MISSING")
    [real] = await service.says(phone, "MISSING")
    assert (real.content.kind, real.exercise) == ("child.reported-missing.v1", False)
    [back] = await service.says(phone, "BACK")
    assert (back.content.kind, back.exercise) == ("child.return-claimed.v1", False)


async def test_a_practised_episode_leaves_the_child_where_it_is(service: Carers, kestrel: Kestrel) -> None:
    moment = now()
    content = EpisodeChanged(
        episode=uuid4(),
        authority=kestrel.document["authority"]["id"],
        revision=1,
        state=EpisodeState.MISSING,
        protocol="missing-from-care 2026.1",
        opened_at=moment,
    )
    changed = Received("/safe-return/protocol", str(uuid4()), kestrel.ids["C9"], moment, content, exercise=True)
    async with service.store.transaction() as uow:
        await service.handlers.on_episode_changed(changed, uow)
    await service.says(kestrel.phone("cat"), "STATUS")
    assert "No report of a child with you is open" in (await service.replies_to(kestrel.phone("cat")))[-1]


async def test_a_practice_that_nobody_ends_ends_by_itself_once(service: Carers, kestrel: Kestrel) -> None:
    await service.says(kestrel.phone("cat"), "PRACTICE MISSING")
    ending = PracticeTimeout(service.store, Clocks())
    before = await service.last_position()
    await _all(ending)
    assert await service.said_after(before) == []
    await _began(service, kestrel.ids["cat"], PRACTICE_LASTS + timedelta(seconds=1))
    await _all(ending)
    mine = [each for each in await service.said_after(before) if each.subject == kestrel.ids["C9"]]
    assert kinds(mine) == ["report.retracted.v1"]
    assert mine[0].exercise
    assert isinstance(mine[0].content, events.ReportRetracted)


async def test_a_carer_with_a_new_number_has_to_join_again(
    service: Carers, kestrel: Kestrel, database: Database
) -> None:
    await service.says(kestrel.phone("cat"), "JOIN")
    person, fresh = kestrel.ids["cat"], fresh_number()
    assert (await enrolment_of(service, kestrel.phone("cat"))).joined
    register = database.engine("casework")
    async with register.begin() as connection:
        await connection.execute(
            text("UPDATE register.people SET number_hash = :n WHERE id = :p"),
            {"n": service.keyring.number_hash(fresh), "p": person},
        )
    await register.dispose()
    assert not (await enrolment_of(service, fresh)).joined
    await service.says(fresh, "JOIN")
    assert (await enrolment_of(service, fresh)).joined


async def enrolment_of(service: Carers, number: str) -> Enrolment:
    async with service.store.engine.connect() as connection:
        return await Reader(connection).fetch(enrolments.enrolment_of(service.keyring.number_hashes(number)))


async def test_the_card_says_number_duty_line_and_what_to_do_when_nobody_answers(service: Carers) -> None:
    page = await service.client.get("/card")
    assert page.headers["content-type"].startswith("text/html")
    for said in (
        "07700 900500",
        "01632 960100",
        "No answer within 5 minutes?",
        "999",
        "101",
        "Dim ateb o fewn 5 munud?",
    ):
        assert said in page.text


async def _all(practices: PracticeTimeout) -> None:
    while await practices.turn():
        pass


async def _began(service: Carers, person: str, ago: timedelta) -> None:
    async with service.store.engine.begin() as connection:
        statement = text("UPDATE carers.enrolments SET practising_since = :at WHERE person = :person")
        await connection.execute(statement, {"at": now() - ago, "person": person})
