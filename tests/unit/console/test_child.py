"""One child's case summed up: who still has to answer, which episode is shown, which words belong to it."""

from datetime import timedelta
from uuid import uuid4

import pytest

from services.console.policy.child import Standing, choose_episode, leave_out_repeats, recipients, words_said
from services.console.policy.status import DutyLine, RecordedMessage
from services.console.web.pages.child import code_meant, day_meant
from services.safeguarding.child_events.events import ChildInformationReceived, ChildReportedMissing, PoliceAcknowledged
from services.safeguarding.duty.decisions import DutyChanged, EpisodeChanged
from services.safeguarding.duty.duties import Duty, DutyAcknowledged, StrategyInvite
from services.safeguarding.identifiers import new_id
from services.safeguarding.message import Message
from services.safeguarding.operators import OperatorAct, OperatorActed, OperatorRole
from services.safeguarding.roles import Role, Wording
from tests.support.in_process.console import REPORTED_AT, duty_changed, episode_changed, step
from tests.support.in_process.delivery import received

POLICE, WORKER = Role.POLICE_CONTROL_ROOM, Role.DUTY_WORKER


def recorded(content: EpisodeChanged) -> RecordedMessage[EpisodeChanged]:
    return RecordedMessage("", "child-1", REPORTED_AT, exercise=False, content=content)


@pytest.mark.parametrize(
    ("duty", "standings"),
    [
        (duty_changed(None, step(0, POLICE)), {POLICE: Standing.WAITS}),
        (
            duty_changed(None, step(0, POLICE, "accepted"), step(1, WORKER)),
            {POLICE: Standing.OVERDUE, WORKER: Standing.WAITS},
        ),
        (
            duty_changed(None, step(0, POLICE, "failed"), step(1, WORKER), state="overdue"),
            {WORKER: Standing.OVERDUE, POLICE: Standing.FAILED},
        ),
        (
            duty_changed(None, step(0, POLICE), step(1, WORKER, "acknowledged"), state="acknowledged"),
            {POLICE: Standing.TOLD, WORKER: Standing.HAS_IT},
        ),
    ],
    ids=["asked once", "the next is asked", "nobody else to ask", "answered by another"],
)
def test_who_was_told_stands_by_what_they_have_still_to_answer(
    duty: DutyChanged, standings: dict[Role, Standing]
) -> None:
    found = recipients([DutyLine(RecordedMessage("", "child-1", REPORTED_AT, exercise=False, content=duty))])
    assert {each.role: each.standing for each in found} == standings
    assert [each.standing for each in found] == sorted(standings.values())


def test_the_newest_open_episode_is_shown_unless_another_is_named() -> None:
    over, still_open, oldest = (
        recorded(episode_changed(uuid4(), state=state)) for state in ("closed", "missing", "returned")
    )
    assert choose_episode([over, still_open, oldest], None) == still_open
    assert choose_episode([over, still_open], over.content.episode) == over
    assert choose_episode([over], None) == over
    assert choose_episode([over], uuid4()) is None
    assert choose_episode([], None) is None


def test_words_are_shown_from_the_day_before_an_episode_until_the_next_one() -> None:
    shown = recorded(episode_changed(uuid4()))
    later = recorded(episode_changed(uuid4(), opened_at=REPORTED_AT + timedelta(days=9)))
    days = (-2, -0.5, 0, 8, 10)
    said = [ChildInformationReceived(authority="kestrel", words=(new_id("words"),)) for _ in days]
    entries = [
        RecordedMessage(str(day), "child-1", REPORTED_AT + timedelta(days=day), exercise=False, content=each)
        for day, each in zip(days, said, strict=True)
    ]
    assert [each.entry.id for each in words_said(entries, [later, shown], shown)] == ["-0.5", "0", "8"]
    assert [each.entry.id for each in words_said(entries, [], None)] == [str(day) for day in days]


def test_words_stand_once_under_who_said_them_and_not_under_who_was_told_of_them() -> None:
    """Newest first. What is passed on names a force, too."""
    by_carer, by_officer, passed_on, reason = (new_id("words") for _ in range(4))
    person, force, episode = new_id("person"), "northmoor-police", uuid4()
    told = [
        received(kind, words=(by_carer, passed_on), force=force).content
        for kind in Duty.__subclasses__()
        if kind is not StrategyInvite
    ]
    told.append(
        received(StrategyInvite, words=(by_carer, passed_on), force=force, wording=Wording("strategy-record")).content
    )
    has_it = {"authority": "kestrel", "words": (by_officer,), "force": force, "episode": episode}
    contents: list[Message] = [
        OperatorActed(
            act=OperatorAct.CHILD_FOUND, account=new_id("account"), role=OperatorRole.DUTY_MANAGER, words=(reason,)
        ),
        DutyAcknowledged(**has_it, duty=uuid4(), step=0, how="force"),
        PoliceAcknowledged(**has_it, reply="r1"),
        *told,
        ChildInformationReceived(authority="kestrel", words=(by_carer,), said_by=person),
        ChildReportedMissing(authority="kestrel", words=(by_carer,), said_by=person),
    ]
    entries = [
        RecordedMessage(str(at), "child-1", REPORTED_AT, exercise=False, content=each)
        for at, each in enumerate(contents)
    ]
    found = words_said(entries, [], None)
    assert [(each.words, each.person, each.force) for each in found] == [
        ((by_officer,), None, force),
        ((by_carer,), person, None),
    ]


def test_a_part_of_a_text_is_not_said_again() -> None:
    texts = ("Gone since 4. She wore a red coat", "She wore a red coat", "A red coat, he thinks")
    assert leave_out_repeats(texts) == [texts[0], texts[2]]


@pytest.mark.parametrize(
    "words",
    ["26/11/2026", "26/11/26", "2026-11-26", "26 Nov 2026", "26 November 2026", "26/11", "26 Nov", "26 November"],
)
def test_a_day_is_read_as_people_write_it(words: str) -> None:
    found = day_meant(words, REPORTED_AT + timedelta(days=3))
    assert found is not None
    assert f"{found:%Y-%m-%d %H:%M %Z}" == "2026-11-26 00:00 GMT"


@pytest.mark.parametrize("words", ["31/12/9999", "26/13/2026", "Sam"])
def test_words_that_name_no_day_are_none(words: str) -> None:
    assert day_meant(words, REPORTED_AT) is None


@pytest.mark.parametrize(
    ("words", "day"),
    [("24/11", "2026-11-24"), ("25/11", "2025-11-25"), ("1 Dec", "2025-12-01"), ("29/2", "2024-02-29")],
)
def test_a_day_without_its_year_is_the_last_such_day(words: str, day: str) -> None:
    found = day_meant(words, REPORTED_AT)
    assert found is not None
    assert f"{found:%Y-%m-%d}" == day


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("C23, case TW8F9", "TW8F9"),
        ("c23 case TW8F9", "TW8F9"),
        ("case tw8f9", "tw8f9"),
        (" TW8F9 ", "TW8F9"),
        ("nm 2026 118", "nm 2026 118"),
        ("case worker", "worker"),
    ],
)
def test_the_case_is_meant_where_a_child_is_named_beside_it(words: str, code: str) -> None:
    assert code_meant(words) == code
