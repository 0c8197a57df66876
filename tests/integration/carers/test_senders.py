"""Who speaks: each kind of sender, from the text to what is said of a child and what the phone is answered."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services.carers.conversation.context import ANSWERED_ONCE_IN
from services.platform.messages.envelope import Received
from services.platform.store.encryption import Keyring
from services.safeguarding.child_events import events
from services.safeguarding.duty import duties
from services.safeguarding.duty.decisions import EpisodeChanged, EpisodeState, ReportTaken
from services.safeguarding.duty.duties import Because, CarerAlert
from services.safeguarding.identifiers import code_of, is_provisional
from services.safeguarding.roles import Channel, Role, Wording
from tests.support.engines.database import Database
from tests.support.in_process.carers import Carers, Kestrel, import_kestrel, kinds
from tests.support.in_process.register import fresh_number, load

CODE = re.compile(r" \((?:no\. )?\w{5}\)$")
AT = datetime(2026, 11, 24, 22, tzinfo=UTC)


@pytest.fixture
async def kestrel(database: Database, keyring: Keyring) -> Kestrel:
    """With an officer's mobile in the directory, and C9's carer of last month, whose placement has ended."""
    made = await import_kestrel(database, keyring)
    document = made.document
    for reference in ("officer", "before"):
        document["people"].append({**document["people"][0], "reference": reference, "mobile": fresh_number()})
    line = next(each for each in document["directory"] if each["role"] == "duty.senior-manager")
    document["directory"].append({**line, "role": "police.missing-coordinator", "person": "officer"})
    engine = database.engine("casework")
    with_carer = {**document, "carers": [*document["carers"], {"person": "before", "placement": "solo"}]}
    await load(engine, keyring, with_carer, datetime.now(UTC) - timedelta(days=60))
    ids = await load(engine, keyring, document, datetime.now(UTC) - timedelta(days=30))
    await engine.dispose()
    return Kestrel(document, ids)


async def answers(service: Carers, number: str) -> list[str]:
    return [CODE.sub("", each) for each in await service.replies_to(number)]


async def whose_answers(service: Carers, number: str) -> set[str | None]:
    """Of an answer that is a person's delivery goes on trying, and may ring: one to a stranger must not."""
    async with service.store.engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT person FROM delivery.deliveries WHERE number_hash = :n"),
            {"n": service.keyring.number_hash(number)},
        )
        return set(rows.scalars())


async def opened(
    service: Carers,
    kestrel: Kestrel,
    child: str,
    hour: float = 0,
    *,
    episode: UUID | None = None,
    state: str = "missing",
) -> UUID:
    """An episode of the child's, as the protocol says that it is open."""
    at = AT + timedelta(hours=hour)
    changed = EpisodeChanged(
        episode=episode or uuid4(), revision=1, state=EpisodeState(state), authority=kestrel.document["authority"]["id"], protocol="a protocol",
        opened_at=at,
    )  # fmt: skip
    async with service.store.transaction() as uow:
        heard = Received(source="/safe-return/protocol", id=str(uuid4()), subject=child, time=at, content=changed)
        await service.handlers.on_episode_changed(heard, uow)
    return changed.episode


async def code_texted_to(
    service: Carers, kestrel: Kestrel, person: str, child: str, *, phone: str | None = None, episode: UUID | None = None
) -> tuple[str, UUID]:
    """A duty's telling that went to that person's phone, and the code at its end."""
    duty = CarerAlert(
        duty=uuid4(), step=0, revision=1, because=Because.FIRST, authority=kestrel.document["authority"]["id"], episode=episode,
        role=Role.CARER_REPORTING, person=kestrel.ids[person], channel=Channel.TEXT, wording=Wording("missing-notice"),
        rule="a-rule", protocol="a protocol", cites=("S62",), created_at=AT,
    )  # fmt: skip
    async with service.store.transaction() as uow:
        heard = Received(source="/safe-return/protocol", id=str(uuid4()), subject=child, time=AT, content=duty)
        await service.handlers.on_carer_alert(heard, uow)
        await uow.connection.execute(
            text("UPDATE delivery.deliveries SET number_hash = :n WHERE duty = :d"),
            {"n": service.keyring.number_hash(phone or kestrel.phone(person)), "d": duty.duty},
        )
    return code_of(duty.telling), duty.duty


async def test_who_reported_a_child_by_code_and_tells_how_they_left_reports_nobody_else(
    service: Carers, kestrel: Kestrel
) -> None:
    ash, bea = kestrel.phone("ash"), kestrel.phone("bea")
    await service.says(ash, "MISSING C1")
    for facts in ("left at half nine, black coat, isnt back", "MISSING", "gone with a rucksack, still not home"):
        said = await service.says(ash, facts)
        assert [(each.content.kind, each.subject) for each in said] == [
            ("child.reported-missing.v1", kestrel.ids["C1"])
        ]
    [claimed] = await service.says(ash, "BACK")
    assert claimed.subject == kestrel.ids["C1"]
    elsewhere = await service.says(bea, "MISSING")
    assert all(is_provisional(each.subject) for each in elsewhere), "whose phone never spoke of C1 may mean C2"


async def test_a_carer_who_names_a_child_of_somebody_elses_reports_nobodys_child_by_name_and_a_person_finds_out(
    service: Carers, kestrel: Kestrel
) -> None:
    said = await service.says(kestrel.phone("cat"), "C1 is missing")
    assert kinds(said) == ["child.reported-missing.v1", "child.provisional.v1"]
    assert all(is_provisional(each.subject) for each in said)


@pytest.mark.parametrize("words", ["C1 is back", "C1 false alarm", "REF 44712 C1"])
async def test_a_carer_stands_nobody_down_for_a_child_of_somebody_elses(
    service: Carers, kestrel: Kestrel, words: str
) -> None:
    said = await service.says(kestrel.phone("cat"), words)
    assert kinds(said) == ["text.needs-human.v1"]
    assert is_provisional(said[0].subject)


async def test_one_carer_of_a_couple_learns_by_status_of_what_the_other_reported(
    service: Carers, kestrel: Kestrel
) -> None:
    await service.says(kestrel.phone("ash"), "C1 missing")
    assert kinds(await service.says(kestrel.phone("bea"), "STATUS")) == []
    assert (await answers(service, kestrel.phone("bea")))[0].startswith("C1: police NOT reached yet")
    await service.says(kestrel.phone("cat"), "STATUS")
    assert (await answers(service, kestrel.phone("cat")))[0].startswith("No report of a child with you is open")


async def test_status_tells_whoever_reported_without_a_name_of_that_report_until_the_child_is_known(
    service: Carers, kestrel: Kestrel
) -> None:
    async def status(person: str) -> str:
        await service.says(kestrel.phone(person), "STATUS")
        return (await answers(service, kestrel.phone(person)))[-1]

    [report, _] = await service.says(kestrel.phone("ash"), "MISSING")
    assert is_provisional(report.subject)
    assert "name: police NOT reached yet" in await status("ash")
    episode = await opened(service, kestrel, report.subject)
    content = ReportTaken(authority=kestrel.document["authority"]["id"], episode=episode, by="officer")
    async with service.store.transaction() as uow:
        taken = Received("/safe-return/protocol", str(uuid4()), report.subject, AT, content)
        await service.handlers.on_report_taken(taken, uow)
    assert (await status("ash")).startswith("The report without a name: police say they have it")
    assert (await status("bea")).startswith("No report of a child")
    await opened(service, kestrel, kestrel.ids["C1"], episode=episode, state="returned")
    assert (await status("ash")).startswith("No report of a child")


@pytest.mark.parametrize("words", ["MISSING", "C9 is back", "STATUS", "where is C9 living now", "JOIN C9"])
async def test_a_former_carer_has_the_strangers_answer_and_moves_nothing_of_the_childs(
    service: Carers, kestrel: Kestrel, words: str
) -> None:
    stranger = fresh_number()
    await service.says(stranger, "hello")
    said = await service.says(kestrel.phone("before"), words)
    assert kinds(said) in (["text.needs-human.v1"], ["location.enquiry-received.v1"])
    assert is_provisional(said[0].subject)
    assert getattr(said[0].content, "said_by", None) == kestrel.ids["before"]
    assert await answers(service, kestrel.phone("before")) == await answers(service, stranger)
    assert await whose_answers(service, kestrel.phone("before")) == {None}


async def test_duty_staff_acknowledge_by_code_pass_on_the_reference_and_ask_how_it_stands(
    service: Carers, kestrel: Kestrel
) -> None:
    phone, child = kestrel.phone("boss"), kestrel.ids["C9"]
    episode = await opened(service, kestrel, child)
    code, duty = await code_texted_to(service, kestrel, "boss", child, episode=episode)
    assert kinds(await service.says(phone, f"STATUS {code}")) == []
    assert (await answers(service, phone))[-1].startswith(f"{code}: police NOT reached yet")
    [acknowledged] = await service.says(phone, f"OK {code}")
    assert isinstance(acknowledged.content, duties.DutyAcknowledged)
    assert (acknowledged.content.duty, acknowledged.content.by) == (duty, kestrel.ids["boss"])
    said = await service.says(phone, f"REF 0412/24 {code}")
    assert kinds(said) == ["police.reference-texted.v1", "duty.acknowledged.v1"]
    assert {each.subject for each in said} == {child}


async def test_a_return_by_staff_names_the_episode_that_they_were_told_of_and_ends_no_later_one(
    service: Carers, kestrel: Kestrel
) -> None:
    phone, child = kestrel.phone("boss"), kestrel.ids["C9"]
    episode = await opened(service, kestrel, child)
    code, _ = await code_texted_to(service, kestrel, "boss", child, episode=episode)
    said = await service.says(phone, f"BACK {code}")
    assert kinds(said) == ["child.return-claimed.v1", "duty.acknowledged.v1"]
    assert isinstance(said[0].content, events.ChildReturnClaimed)
    assert said[0].content.episode == episode
    [returned] = await service.confirms(phone)
    assert isinstance(returned.content, events.ChildReturned)
    assert (returned.content.episode, returned.content.proof, returned.content.said_by) == (
        episode,
        "handset",
        kestrel.ids["boss"],
    )
    await opened(service, kestrel, child, 1)
    for words in ("BACK", "FALSE ALARM"):
        late = await service.says(phone, f"{words} {code}")
        assert kinds(late) == ["text.needs-human.v1", "duty.acknowledged.v1"]
        assert {each.subject for each in late} == {child}


async def test_a_report_texted_since_may_have_opened_another_so_that_an_old_code_ends_nothing(
    service: Carers, kestrel: Kestrel
) -> None:
    child = kestrel.ids["C9"]
    episode = await opened(service, kestrel, child)
    code, _ = await code_texted_to(service, kestrel, "boss", child, episode=episode)
    async with service.store.engine.begin() as connection:
        await connection.execute(text("UPDATE standings SET state = 'returned' WHERE child = :c"), {"c": child})
    await service.says(kestrel.phone("cat"), "MISSING")
    late = await service.says(kestrel.phone("boss"), f"BACK {code}")
    assert kinds(late) == ["text.needs-human.v1", "duty.acknowledged.v1"]


@pytest.mark.parametrize("who", ["before", None])
async def test_who_has_no_longer_to_do_with_the_child_only_acknowledges_by_an_old_code(
    service: Carers, kestrel: Kestrel, who: str | None
) -> None:
    child, phone = kestrel.ids["C9"], fresh_number() if who is None else kestrel.phone(who)
    episode = await opened(service, kestrel, child)
    code, duty = await code_texted_to(service, kestrel, "boss", child, phone=phone, episode=episode)
    for words in ("BACK", "FALSE ALARM", "police ref 4471/26"):
        said = await service.says(phone, f"{words} {code}")
        assert kinds(said) == ["duty.acknowledged.v1", "text.needs-human.v1"]
        assert {each.subject for each in said} == {child}
    assert kinds(await service.says(phone, f"STATUS {code}")) == ["text.needs-human.v1"]
    assert not any("Police: " in each and "ring 101" in each for each in await answers(service, phone))
    [acknowledged] = await service.says(phone, f"OK {code}")
    assert isinstance(acknowledged.content, duties.DutyAcknowledged)
    assert acknowledged.content.duty == duty


@pytest.mark.parametrize(
    "words", ["cant take {} im on leave", "not me, wrong person {}", "{} try somebody else please", "NO {}", "na {}"]
)
async def test_who_cannot_take_it_acknowledges_nothing_by_quoting_the_code(
    service: Carers, kestrel: Kestrel, words: str
) -> None:
    code, _ = await code_texted_to(service, kestrel, "boss", kestrel.ids["C9"])
    assert kinds(await service.says(kestrel.phone("boss"), words.format(code))) == ["text.needs-human.v1"]


async def test_duty_staff_without_a_code_acknowledge_nothing_and_are_told_how_to_ask(
    service: Carers, kestrel: Kestrel
) -> None:
    assert await service.says(kestrel.phone("boss"), "OK") == []
    assert await service.says(kestrel.phone("boss"), "status") == []
    unknown, asked = await answers(service, kestrel.phone("boss"))
    assert unknown.startswith("Nothing is open for you here, so nothing is recorded")
    assert "STATUS and the five characters" in asked


@pytest.mark.parametrize(
    "words",
    ["MISSING", "C9 is back with us", "false alarm, C9 was in bed", "REF 44712", "STATUS", "ok", "PC 2211 ring me"],
)
async def test_what_an_officer_texts_goes_to_a_person_at_once_and_nothing_is_confirmed(
    service: Carers, kestrel: Kestrel, words: str
) -> None:
    [said] = await service.says(kestrel.phone("officer"), words)
    assert isinstance(said.content, events.TextNeedsHuman)
    assert (said.content.reason, is_provisional(said.subject)) == ("police-officer", True)
    assert len(said.content.words) == 1
    [answer] = await answers(service, kestrel.phone("officer"))
    assert "Nothing can be confirmed by text. To speak with them at any hour: +441632960100." in answer


async def test_two_machines_that_answer_each_other_fall_silent_and_a_person_still_reads(
    service: Carers, kestrel: Kestrel
) -> None:
    phone = kestrel.phone("officer")
    said = [await service.says(phone, f"I am away from my phone {n}") for n in range(25)]
    assert all(kinds(each) == ["text.needs-human.v1"] for each in said)
    assert len(await answers(service, phone)) == 20


async def test_each_of_the_first_twenty_texts_of_an_unknown_phone_reaches_a_person_though_more_wait_together(
    service: Carers,
) -> None:
    phone, before = fresh_number(), await service.last_position()
    for n in range(30):
        assert (await service.text(phone, f"please {n}")).status_code == 200
    await service.work()
    said = await service.said_after(before)
    assert kinds(said) == ["text.needs-human.v1"] * 24, "and of the others the 1st, 2nd, 4th and 8th"


@pytest.mark.parametrize(
    "words",
    ["help me", "where am i", "i dont know where i am please", "ndihme nuk e di ku jam", "em khong biet em o dau", "ساعدني أين أنا"],
)  # fmt: skip
async def test_a_childs_own_unknown_phone_reaches_a_person_with_every_text_and_has_one_answer_from_a_machine(
    service: Carers, kestrel: Kestrel, words: str
) -> None:
    phone = fresh_number()
    for body in (words, "please", "they are coming back", "STOP"):
        [said] = await service.says(phone, body)
        assert isinstance(said.content, events.TextNeedsHuman)
        assert said.content.reason == "unknown-sender"
    [answer] = await answers(service, phone)
    assert "999" in answer
    assert not re.search(r"child|missing|care|safe", answer, re.IGNORECASE)


async def test_within_the_hour_an_unknown_phone_has_no_second_automatic_answer_and_then_it_has(
    service: Carers, kestrel: Kestrel
) -> None:
    phone = fresh_number()
    await service.says(phone, "help me")
    for ago, count in ((timedelta(minutes=30), 1), (ANSWERED_ONCE_IN, 2)):
        async with service.store.engine.begin() as connection:
            await connection.execute(
                text("UPDATE texts_in SET received_at = now() - :ago WHERE number_hash = :n"),
                {"ago": ago + timedelta(minutes=1), "n": service.keyring.number_hash(phone)},
            )
        await service.says(phone, "are you there")
        assert len(await answers(service, phone)) == count


@pytest.mark.parametrize("who", ["cat", "boss", "officer", "before", None])
async def test_where_a_child_lives_is_told_to_nobody_who_asks_by_text_and_police_and_duty_team_hear_of_it(
    service: Carers, kestrel: Kestrel, who: str | None
) -> None:
    phone = fresh_number() if who is None else kestrel.phone(who)
    said = await service.says(phone, "where is Amara living now")
    enquiry = next(each for each in said if isinstance(each.content, events.LocationEnquiryReceived))
    assert is_provisional(enquiry.subject)
    assert isinstance(enquiry.content, events.LocationEnquiryReceived)
    assert enquiry.content.said_by == (None if who is None else kestrel.ids[who])
    assert len(enquiry.content.words) == 1
    [answer] = await answers(service, phone)
    assert not re.search(r"Mill Lane|High Street|Amara|C1\b|C9", answer)


async def test_a_carer_whose_child_is_missing_and_who_asks_where_they_are_is_told_how_it_stands(
    service: Carers, kestrel: Kestrel
) -> None:
    await service.says(kestrel.phone("cat"), "MISSING")
    assert await service.says(kestrel.phone("cat"), "where is he??") == []
    assert (await answers(service, kestrel.phone("cat")))[-1].startswith("C9: police ")
