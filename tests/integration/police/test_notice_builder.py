"""What a control room asks of whoever reports: told by an agency, kept in the register, and in its place in the notice."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.casework import policy
from services.casework.store import accept_event
from services.platform.register import organisations, words
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Origin, Store
from services.police.notices import builder as notice_builder
from services.police.notices.builder import NoticeContext
from services.police.notices.schema import UNKNOWN, Child, Placement, Report
from services.police.policy import EarlierEpisodes
from services.safeguarding.message import Contract
from services.safeguarding.notice_fields import CHASED, NoticeField, ReportQuestion
from services.safeguarding.roles import Wording
from services.safeguarding.working_time import ENGLAND
from tests.support.engines.database import Database
from tests.support.in_process.police import Police, police_of

AT = datetime(2026, 11, 24, 22, 10, tzinfo=UTC)
LAST_SEEN = datetime(2026, 11, 24, 16, 30, tzinfo=UTC)
DETAILS = {each: f"told of {each}" for each in ReportQuestion}


@pytest.fixture
async def police(database: Database, keyring: Keyring) -> AsyncIterator[Police]:
    async with police_of(database, keyring) as running:
        yield running


async def told_by_the_hospital(police: Police, child: str = "C1", **said: Any) -> tuple[str, ...]:
    """An agency's report through casework's own way in; the ids of the words that then travel."""
    body = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": f"/agencies/{police.authority}-hospital",
        "type": "child.reported-missing.v1",
        "subject": police.ids[child],
        "time": AT.isoformat(),
        "data": said,
    }
    parsed = policy.parse(json.dumps(body).encode())
    event = policy.read(parsed, may_say=["child.reported-missing.v1"], now=AT)
    async with Store(police.casework, origin=Origin("casework", Clocks())).transaction() as uow:
        agency = await uow.fetch(organisations.agency_by_source(police.keyring, parsed.source))
        assert agency is not None
        await accept_event(uow, police.keyring, agency, event, story=AT, wall=datetime.now(UTC))
    known_as = policy.message_id(event.envelope)
    (said_of,) = [each for each in await outbox_of_casework(police, child) if each["id"] == known_as]
    return tuple(said_of["data"]["words"])


async def outbox_of_casework(police: Police, child: str) -> list[dict[str, Any]]:
    async with police.casework.connect() as connection:
        rows = await connection.execute(
            text("SELECT envelope FROM outbox WHERE key = :key ORDER BY position"), {"key": police.ids[child]}
        )
        return [json.loads(bytes(row.envelope)) for row in rows]


async def texted(
    police: Police, said_by: str, *, answers: ReportQuestion | None = None, words_: str = "MISSING"
) -> str:
    async with police.floor.store.transaction() as uow:
        return await words.keep(
            uow,
            police.keyring,
            about=police.ids["C1"],
            words=words_,
            said_by=police.ids.get(said_by, said_by),
            at=AT,
            answers=answers,
        )


async def test_each_of_an_agencys_answers_stands_in_its_place_in_the_notice(police: Police) -> None:
    kept = await told_by_the_hospital(police, details=DETAILS, words=["Not on the ward since tea."])
    _, notice = await police.notice(words=kept, last_seen_at=LAST_SEEN)
    report = notice["data"]["report"]
    assert {name: report[name] for name in DETAILS} == DETAILS
    assert report["last_seen_at"] == LAST_SEEN.isoformat()
    assert report["obtained_at"] == AT.isoformat()
    assert report["reporter_role"] == "agency"
    assert [each["words"] for each in notice["data"]["said"]] == ["Not on the ward since tea."]
    assert not [each for each in notice["data"]["gaps"] if each.startswith("report.")]


async def test_no_answer_travels_on_the_bus(police: Police) -> None:
    await told_by_the_hospital(police, child="C2", details={"clothing": "a red anorak"})
    assert "anorak" not in json.dumps(await outbox_of_casework(police, "C2"))


async def test_what_nobody_told_is_unknown_named_and_chased(police: Police) -> None:
    told, notice = await police.notice()
    asked = {*ReportQuestion} - {ReportQuestion("shared_because")}
    unknown = {f"report.{each}" for each in (*asked, "last_seen_at", "obtained_at", "reporter_role")}
    assert all(notice["data"]["report"][each.removeprefix("report.")] == UNKNOWN for each in unknown)
    assert unknown <= set(notice["data"]["gaps"])
    [chased] = await police.said_since(told, ("police.notice-has-gaps",))
    assert unknown <= set(chased["data"]["gaps"])
    # By the notice's own basis, which nobody is asked for.
    assert (notice["data"]["report"]["shared_because"], "report.shared_because" in notice["data"]["gaps"]) == (
        "",
        False,
    )


async def test_only_what_is_still_lacking_is_chased(police: Police) -> None:
    kept = await told_by_the_hospital(police, details={"clothing": "a red anorak", "why_worried": "he was afraid"})
    told, _ = await police.notice(words=kept, last_seen_at=LAST_SEEN)
    gaps = (await police.said_since(told, ("police.notice-has-gaps",)))[-1]["data"]["gaps"]
    assert not {"report.clothing", "report.why_worried", "report.last_seen_at", "report.obtained_at"} & set(gaps)
    assert {"report.companions", "report.reporter_telephone"} <= set(gaps)


async def test_the_carer_who_texted_is_named_with_the_number_to_ring(police: Police) -> None:
    kept = await texted(police, "ash")
    _, notice = await police.notice(words=(kept,))
    mobile = next(each["mobile"] for each in police.document["people"] if each["reference"] == "ash")
    report = notice["data"]["report"]
    assert (report["reporter"], report["reporter_role"]) == ("Ash Example", "carer")
    assert report["reporter_telephone"] == mobile


async def test_a_professional_who_reports_is_named_by_their_role(police: Police) -> None:
    kept = await texted(police, "worker")
    _, notice = await police.notice(words=(kept,))
    assert notice["data"]["report"]["reporter_role"] == "child.social-worker"


async def test_a_speaker_whom_nobody_knows_is_no_reporter(police: Police) -> None:
    kept = await texted(police, "person-00000000-0000-4000-8000-000000000000")
    _, notice = await police.notice(words=(kept,))
    assert notice["data"]["report"]["reporter"] == UNKNOWN
    assert notice["data"]["report"]["obtained_at"] == AT.isoformat()


async def test_an_update_says_what_is_new_and_chases_nothing(police: Police) -> None:
    kept = await told_by_the_hospital(police, details={"companions": "a man in a grey van"})
    later = LAST_SEEN + timedelta(hours=1)
    told, notice = await police.notice(words=kept, wording=Wording("missing-update"), last_seen_at=later)
    report = notice["data"]["report"]
    assert report["companions"] == "a man in a grey van"
    assert report["last_seen_at"] == later.isoformat()
    assert report["earlier_episodes"] == UNKNOWN
    assert not [each for each in notice["data"]["gaps"] if each.startswith("report.")]
    chased = await police.said_since(told, ("police.notice-has-gaps",))
    assert str(told.content.episode) not in {each["data"]["episode"] for each in chased}


async def test_one_question_answered_twice_has_both_answers(police: Police) -> None:
    first = await texted(police, "ash", answers=ReportQuestion("clothing"), words_="blue coat")
    second = await texted(police, "ash", answers=ReportQuestion("clothing"), words_="no, black")
    _, notice = await police.notice(words=(first, second))
    assert sorted(notice["data"]["report"]["clothing"].split("; ")) == ["blue coat", "no, black"]


async def test_a_force_that_has_not_agreed_to_the_report_gets_no_answer_of_it(police: Police) -> None:
    police.document["forces"][0]["agreed"] = ["child.name", "said"]
    await police.register()
    kept = await told_by_the_hospital(police, details={"clothing": "a red anorak"}, words=["gone"])
    told, notice = await police.notice(words=kept)
    assert "anorak" not in json.dumps(notice)
    assert [each["words"] for each in notice["data"]["said"]] == ["gone"]
    read = await police.looked_up(told)
    assert "words" in read
    assert "report" not in read
    chased = await police.said_since(told, ("police.notice-has-gaps",))
    assert not any(gap.startswith("report.") for each in chased for gap in each["data"]["gaps"])


async def test_that_the_report_was_read_is_on_the_record(police: Police) -> None:
    kept = await told_by_the_hospital(police, details={"clothing": "a red anorak"})
    told, _ = await police.notice(words=kept)
    read = await police.looked_up(told)
    assert "report" in read
    assert "words" not in read


async def test_the_last_of_earlier_episodes_is_named_with_its_day(police: Police) -> None:
    first, _ = await police.notice(child="C13")
    await police.notice(child="C13", wording=Wording("returned-notice"), episode=first.content.episode)
    _, notice = await police.notice(child="C13")
    report = notice["data"]["report"]
    assert (report["earlier_episodes"], report["last_episode"]) == ("1", datetime.now(ENGLAND).date().isoformat())


@pytest.mark.parametrize(
    ("last", "day"),
    [
        (datetime(2026, 6, 1, 22, 59, tzinfo=UTC), "2026-06-01"),
        (datetime(2026, 6, 1, 23, 30, tzinfo=UTC), "2026-06-02"),
    ],
)
def test_the_day_of_an_earlier_episode_is_englands(last: datetime, day: str) -> None:
    duty: Any = SimpleNamespace(created_at=last)
    context = NoticeContext(earlier=EarlierEpisodes(1, last, may_chase_gaps=False))
    assert notice_builder._earlier(duty, None, context)["last_episode"] == day


def test_every_question_has_its_place_in_the_notice_and_every_chased_gap_is_a_field_of_it() -> None:
    assert set(ReportQuestion) <= set(Report.model_fields)
    parts: dict[str, type[Contract]] = {"child": Child, "placement": Placement, "report": Report}
    fields = {f"{part}.{name}" for part, of in parts.items() for name in of.model_fields}
    assert fields | set(NoticeField) | {"child", "sender.telephone"} >= CHASED
    assert {"child.subject_to_immigration_control", "child.guardian_allocated"} <= CHASED, "others are told by these"
