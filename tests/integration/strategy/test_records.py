"""The record of a discussion: asked for when it is over, written on a page, kept encrypted, sent to everyone invited by a link."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from services.platform.register.words import keep
from services.platform.store.encryption import Keyring
from services.safeguarding.child_events.discussion_events import StrategyDiscussionHeld
from services.safeguarding.roles import Role, Wording
from services.strategy.discussions.service import DiscussionWatch
from tests.support.engines.database import Database
from tests.support.in_process.register import erase
from tests.support.in_process.strategy import (
    HEALTH,
    POLICE,
    SOCIAL,
    Strategy,
    event_of,
    from_convenor,
    running_strategy,
)

FILLED = {
    "form": "urgent",
    "came": [POLICE, SOCIAL],
    "section_47": "enquiry",
    "said": "Amara was seen at the coach station. Police search there tonight.",
    "what-1": "Ring the coach company about its cameras",
    "owner-1": POLICE,
    "due-1": "2026-11-25",
    "what-3": "See the carer at home",
    "owner-3": SOCIAL,
    "due-3": "2026-11-26",
    "answer": "save",
}


@pytest.fixture
async def strategy(database: Database, keyring: Keyring) -> AsyncIterator[Strategy]:
    async with running_strategy(database, keyring) as running:
        yield running


async def asked(strategy: Strategy) -> str:
    """Three are invited, the discussion's time passes, and the convenor is asked for the record: its link."""
    episode = uuid4()
    await strategy.invite(POLICE, SOCIAL, HEALTH, episode=episode)
    await over(strategy)
    await strategy.hear(
        strategy.invitation(Role.CHILD_SOCIAL_WORKER, episode=episode, wording=Wording("strategy-record"))
    )
    await strategy.sent(4)
    return link_in(strategy, SOCIAL)


async def over(strategy: Strategy) -> None:
    strategy.floor.clocks.now += timedelta(hours=2)  # type: ignore[attr-defined]
    watch = DiscussionWatch(strategy.floor.store, strategy.floor.clocks, strategy.discussing)
    await watch._turn()
    await watch._turn()


def link_in(strategy: Strategy, role: Role) -> str:
    plain, *_ = strategy.newest(role).iter_parts()
    [link] = re.findall(r"http://strategy.example/\S+", plain.get_content())
    return str(link)


async def test_a_discussion_that_is_over_is_asked_about_once(strategy: Strategy) -> None:
    await strategy.invite(POLICE, episode=uuid4())
    await over(strategy)
    [due] = await strategy.said("strategy.record-due.v1")
    assert due["discussion"] == 1


async def test_opening_the_page_records_nothing_and_shows_who_was_invited(strategy: Strategy) -> None:
    link = await asked(strategy)
    shown = await strategy.web.get(link)
    assert "Police missing person coordinator" in shown.text
    assert await strategy.said("strategy-discussion.held.v1") == []


async def test_what_is_recorded_is_said_without_its_words_and_acknowledges_the_duty(strategy: Strategy) -> None:
    link = await asked(strategy)
    answered = await strategy.web.post(link, data=FILLED)
    assert "The discussion is recorded" in answered.text
    [held] = await strategy.said("strategy-discussion.held.v1")
    assert (held["form"], held["section_47"], held["came"]) == ("urgent", "enquiry", [POLICE, SOCIAL])
    assert held["plan"] == [{"owner": POLICE, "due_on": "2026-11-25"}, {"owner": SOCIAL, "due_on": "2026-11-26"}]
    assert len(held["words"]) == 3
    assert held["episode"] == (await strategy.said("strategy-discussion.changed.v1"))[-1]["episode"]
    assert "Amara" not in str(await strategy.floor.said(strategy.child))
    assert [each["how"] for each in await strategy.said("duty.acknowledged.v1")] == ["page"]
    assert (await strategy.said("strategy-discussion.changed.v1"))[-1]["state"] == "held"


async def test_each_step_of_the_plan_is_said_with_its_owner_day_and_own_words(strategy: Strategy) -> None:
    link = await asked(strategy)
    await strategy.web.post(link, data=FILLED)
    [held] = await strategy.said("strategy-discussion.held.v1")
    steps = await strategy.said("plan-step.set.v1")
    assert [(each["number"], each["owner"], each["due_on"]) for each in steps] == [
        (1, POLICE, "2026-11-25"),
        (2, SOCIAL, "2026-11-26"),
    ]
    assert [each["words"] for each in steps] == [held["words"][1:2], held["words"][2:3]]


async def test_a_character_that_is_none_is_refused_by_its_field_and_nothing_is_recorded(strategy: Strategy) -> None:
    link = await asked(strategy)
    answered = await strategy.web.post(link, data=FILLED | {"said": "Seen\x00 at nine"})
    assert (answered.status_code, answered.json()["field"]) == (400, "said")
    assert await strategy.said("strategy-discussion.held.v1") == []
    assert "The discussion is recorded" in (await strategy.web.post(link, data=FILLED)).text


async def test_pressed_twice_it_is_recorded_once(strategy: Strategy) -> None:
    link = await asked(strategy)
    await strategy.web.post(link, data=FILLED)
    again = await strategy.web.post(link, data=FILLED | {"said": "Something else"})
    assert "already recorded" in again.text
    assert len(await strategy.said("strategy-discussion.held.v1")) == 1
    assert len(await strategy.said("plan-step.set.v1")) == 2


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"form": ""}, "Choose one."),
        ({"section_47": "perhaps"}, "Choose one."),
        ({"said": " "}, "1 to 4000 characters"),
        ({"owner-1": ""}, "Say what is to be done, by whom and by when."),
        ({"owner-1": "carers.all"}, "Say what is to be done, by whom and by when."),
        ({"due-3": "2026-11-23"}, "within a year of the discussion"),
        ({"due-3": "soon"}, "within a year of the discussion"),
    ],
    ids=["no form", "no such decision", "no words", "no owner", "an owner no mail reaches", "before it", "no day"],
)
async def test_what_is_missing_is_named_and_what_was_written_stays(
    strategy: Strategy, changed: dict[str, str], says: str
) -> None:
    link = await asked(strategy)
    answered = await strategy.web.post(link, data=FILLED | changed)
    assert says in answered.text
    assert "Ring the coach company about its cameras" in answered.text
    assert await strategy.said("strategy-discussion.held.v1") == []


async def test_everyone_invited_is_mailed_a_link_and_the_calendar_is_left_alone(strategy: Strategy) -> None:
    link = await asked(strategy)
    await strategy.web.post(link, data=FILLED)
    await strategy.sent(7)
    for role in (POLICE, SOCIAL, HEALTH):
        mail = strategy.newest(role)
        assert "The record of the strategy discussion" in mail["Subject"]
        assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
        assert "coach" not in mail.as_string()


async def test_the_record_opens_by_the_button_alone_and_that_is_reported(strategy: Strategy) -> None:
    await strategy.web.post(await asked(strategy), data=FILLED)
    await strategy.sent(7)
    link = link_in(strategy, HEALTH)
    shown = await strategy.web.get(link)
    assert "coach" not in shown.text
    before = await strategy.said("register.looked-up.v1")
    opened = await strategy.web.post(link, data={"answer": "read"})
    for words in (
        "seen at the coach station",
        "See the carer at home",
        "Thursday 26 November",
        "An enquiry starts now",
    ):
        assert words in opened.text
    [seen] = (await strategy.said("register.looked-up.v1"))[len(before) :]
    assert (seen["purpose"], seen["person"]) == ("discussion-record", strategy.ids["night"])


async def test_a_correction_stands_in_the_record_beside_what_was_said_and_sets_no_step_again(
    strategy: Strategy, keyring: Keyring
) -> None:
    await strategy.web.post(await asked(strategy), data=FILLED)
    await strategy.sent(7)
    about: dict[str, Any] = {"form": "urgent", "section_47": "no-enquiry", "came": [HEALTH], "corrects_event": uuid4()}
    async with strategy.floor.store.transaction() as uow:
        at = strategy.floor.clocks.story()
        words = await keep(uow, keyring, about=strategy.child, words="Police did not come", said_by=None, at=at)
    await strategy.hear(from_convenor(strategy, StrategyDiscussionHeld, words=(words,), **about))
    opened = (await strategy.web.post(link_in(strategy, HEALTH), data={"answer": "read"})).text
    for said in (
        "seen at the coach station",
        "See the carer at home",
        "Corrected since",
        "Police did not come",
        "No enquiry",
    ):
        assert said in opened
    assert "Police missing person coordinator" not in opened.partition("Who came")[2]
    assert len(await strategy.said("plan-step.set.v1")) == 2


async def test_an_invitation_s_link_opens_no_record(strategy: Strategy) -> None:
    await strategy.web.post(await asked(strategy), data=FILLED)
    await strategy.sent(7)
    link = link_in(strategy, HEALTH).replace("/read/", "/records/")
    assert (await strategy.web.get(link)).status_code == 404


async def test_an_agency_s_record_is_taken_in_as_a_page_s_is(strategy: Strategy) -> None:
    await strategy.invite(POLICE, HEALTH, episode=uuid4())
    plan = [{"owner": HEALTH, "due_on": "2026-11-30"}]
    about: dict[str, Any] = {"form": "full", "section_47": "no-enquiry", "plan": plan}
    told = from_convenor(strategy, StrategyDiscussionHeld, **about)
    await strategy.hear(told)
    await strategy.sent(4)
    assert "The record" in strategy.newest(POLICE)["Subject"]
    [step] = await strategy.said("plan-step.set.v1")
    assert (step["owner"], step["due_on"]) == (HEALTH, "2026-11-30")


async def test_who_is_invited_after_a_record_comes_to_the_next_discussion(strategy: Strategy) -> None:
    episode = uuid4()
    await strategy.invite(POLICE, episode=episode)
    first = event_of(strategy.newest(POLICE))
    await strategy.hear(from_convenor(strategy, StrategyDiscussionHeld, form="urgent", section_47="no-enquiry"))
    await strategy.sent(2)
    await strategy.hear(strategy.invitation(POLICE, episode=episode))
    await strategy.sent(3)
    assert str(event_of(strategy.newest(POLICE))["UID"]) != str(first["UID"])


async def test_a_later_telling_of_a_duty_whose_discussion_was_recorded_invites_nobody(strategy: Strategy) -> None:
    [told] = await strategy.invite(POLICE, episode=uuid4())
    await strategy.hear(from_convenor(strategy, StrategyDiscussionHeld, form="urgent", section_47="no-enquiry"))
    await strategy.sent(2)
    later = told.content.model_copy(update={"step": 1, "role": HEALTH})
    await strategy.hear(type(told)(**(_fields(told) | {"content": later, "id": str(uuid4())})))
    assert len(await strategy.sent(2)) == 2


def _fields(told: Any) -> dict[str, Any]:
    return {name: getattr(told, name) for name in told.__dataclass_fields__}


async def test_erasing_the_child_s_key_erases_what_was_said_and_the_rest_of_the_record_is_read(
    strategy: Strategy, database: Database, keyring: Keyring
) -> None:
    await strategy.web.post(await asked(strategy), data=FILLED)
    await strategy.sent(7)
    link = link_in(strategy, POLICE)
    await erase(database, keyring, strategy.child)
    opened = await strategy.web.post(link, data={"answer": "read"})
    assert opened.status_code == 200
    assert "coach" not in opened.text
    assert opened.text.count("no longer kept") == 3
    assert "25 November 2026" in opened.text


async def test_of_words_that_do_not_open_each_is_a_gap_in_its_own_place(strategy: Strategy, database: Database) -> None:
    await strategy.web.post(await asked(strategy), data=FILLED)
    await strategy.sent(7)
    [held] = await strategy.said("strategy-discussion.held.v1")
    async with await psycopg.AsyncConnection.connect(database.admin_url, autocommit=True) as connection:
        changed = "UPDATE register.words SET words = set_byte(words, 20, 255 - get_byte(words, 20)) WHERE id = %s"
        await connection.execute(changed, [held["words"][0]])
    opened = (await strategy.web.post(link_in(strategy, POLICE), data={"answer": "read"})).text
    assert "seen at the coach station" not in opened
    assert opened.count("no longer kept") == 1
    assert opened.index("no longer kept") < opened.index("Ring the coach company") < opened.index("See the carer")
