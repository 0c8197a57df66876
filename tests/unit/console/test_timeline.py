"""An episode's timeline: all of it, in order, and nothing of another's."""

from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

from services.console.policy.child import _act, timeline
from services.console.policy.status import RecordedMessage
from services.console.web.templates import Words
from services.safeguarding.child_events.discussion_events import StrategyWithoutQuorum
from services.safeguarding.child_events.events import (
    ChildReportedMissing,
    PoliceReferenceTexted,
    TextLanguage,
    TextNeedsHuman,
)
from services.safeguarding.duty.decisions import (
    AttemptResult,
    DeliveriesAttempted,
    DeliveryAttempted,
    MessageDecided,
    ProtocolDecided,
    RegisterLookedUp,
    Verdict,
)
from services.safeguarding.duty.duties import (
    Because,
    DutyAccepted,
    DutyAcknowledged,
    DutyDelivered,
    DutyFailed,
    DutyOutcomes,
    PoliceNotify,
    part_ids,
)
from services.safeguarding.identifiers import new_id, telling
from services.safeguarding.message import Message
from services.safeguarding.operators import OperatorActed
from services.safeguarding.roles import Channel, Role, Wording
from tests.support.in_process.console import REPORTED_AT, duty_changed, episode_changed, step

CHILD = new_id("child")


M = TypeVar("M", bound=Message)


def entry(content: M, *, id_: str | None = None, at: datetime = REPORTED_AT) -> RecordedMessage[M]:
    return RecordedMessage(id_ or str(uuid4()), CHILD, at, exercise=False, content=content)


def decided(episode: UUID, about_id: str, verdict: Verdict = Verdict.TOLD) -> ProtocolDecided:
    return ProtocolDecided(
        authority="kestrel",
        episode=episode,
        about="child.reported-missing.v1",
        about_id=about_id,
        rule="tell-police-missing",
        verdict=verdict,
        protocol="missing-from-care 2026.1",
        cites=("S13",),
    )


def message_decided(about: str, about_id: str, *verdicts: ProtocolDecided) -> MessageDecided:
    return MessageDecided(authority="kestrel", about=about, about_id=about_id, verdicts=verdicts)


def attempted(duty: UUID, number: int) -> DeliveryAttempted:
    return DeliveryAttempted(
        delivery=telling(duty, number), duty=duty, step=number, authority="kestrel", attempt=1, medium="webhook",
        result=AttemptResult.ACCEPTED, took_ms=12, body_hash="00",
    )  # fmt: skip


def police_notify(episode: UUID, duty: UUID, act: str = "tell") -> PoliceNotify:
    return PoliceNotify.model_validate(
        {
            "duty": duty,
            "step": 0,
            "revision": 1,
            "act": act,
            "because": Because.FIRST,
            "authority": "kestrel",
            "episode": episode,
            "role": Role.POLICE_CONTROL_ROOM,
            "channel": Channel.WEBHOOK,
            "wording": Wording("missing-notice"),
            "rule": "tell-police-missing",
            "protocol": "missing-from-care 2026.1",
            "cites": ("S13",),
            "created_at": REPORTED_AT,
        }
    )


def test_a_report_carries_the_decisions_made_upon_it() -> None:
    episode = uuid4()
    report = entry(ChildReportedMissing(authority="kestrel", channel="text"), id_="SM1")
    told, not_met = decided(episode, "SM1"), decided(episode, "SM1", Verdict.CONDITION_NOT_MET)
    (line,) = timeline(entry(episode_changed(episode)), [], [entry(told), entry(not_met), report])
    assert line.act == "child.reported-missing"
    assert (line.decisions, line.others) == (((told, 1),), (not_met,))


def test_a_report_that_belongs_to_another_episode_of_the_child_stays_out() -> None:
    report = entry(ChildReportedMissing(authority="kestrel"), id_="SM1")
    assert timeline(entry(episode_changed(uuid4())), [], [report, entry(decided(uuid4(), "SM1"))]) == []


def test_a_report_carries_the_decisions_that_came_in_one_message() -> None:
    episode = uuid4()
    report = entry(ChildReportedMissing(authority="kestrel", channel="text"), id_="SM1")
    told, not_met = decided(episode, "SM1"), decided(episode, "SM1", Verdict.CONDITION_NOT_MET)
    elsewhere = decided(uuid4(), "SM1")
    whole = message_decided(report.content.kind, "SM1", told, not_met, elsewhere, told)
    (line,) = timeline(entry(episode_changed(episode)), [], [entry(whole), report])
    assert (line.entry.id, line.decisions, line.others) == ("SM1", ((told, 2),), (not_met,))


def test_outcomes_that_came_together_are_a_line_each_with_what_each_brought_about() -> None:
    episode = uuid4()
    steps = step(0, Role.POLICE_CONTROL_ROOM, channel=Channel.WEBHOOK), step(1, Role.DUTY_WORKER)
    duty, another = duty_changed(episode, *steps), duty_changed(episode, step(0, Role.DUTY_SENIOR_MANAGER))
    elsewhere = DutyAccepted(duty=uuid4(), step=0, authority="kestrel")
    outcomes = DutyOutcomes(
        authority="kestrel",
        accepted=(elsewhere, DutyAccepted(duty=duty.duty, step=0, authority="kestrel")),
        delivered=(DutyDelivered(duty=another.duty, step=0, authority="kestrel"),),
        failed=(DutyFailed(duty=duty.duty, step=1, authority="kestrel", reason="refused"),),
    )
    _, accepted, _, failed = part_ids(outcomes, "m-1")
    carer_told, next_told = decided(episode, accepted), decided(episode, failed)
    whole = message_decided(outcomes.kind, "m-1", carer_told, next_told)
    shown = timeline(
        entry(episode_changed(episode)), [entry(duty), entry(another)], [entry(whole), entry(outcomes, id_="m-1")]
    )
    assert [(line.act, line.role) for line in shown] == [
        ("duty.failed", Role.DUTY_WORKER),
        ("duty.delivered", Role.DUTY_SENIOR_MANAGER),
        ("duty.accepted", Role.POLICE_CONTROL_ROOM),
    ]
    assert [line.decisions for line in shown] == [((next_told, 1),), (), ((carer_told, 1),)]
    assert len({line.entry.id for line in shown}) == 3
    assert [Words().sentence(line) for line in shown] == [
        Words().sentence(line)
        for content in (outcomes.failed[0], outcomes.delivered[0], outcomes.accepted[1])
        for line in timeline(entry(episode_changed(episode)), [entry(duty), entry(another)], [entry(content)])
    ]


def test_attempts_that_came_together_are_a_line_each_above_what_was_read_for_them() -> None:
    episode = uuid4()
    duty = duty_changed(episode, step(0, Role.POLICE_CONTROL_ROOM), step(1, Role.DUTY_WORKER))
    first, second = attempted(duty.duty, 0), attempted(duty.duty, 1)
    first = first.model_copy(update={"purpose": "police-notice", "looked_up": ("name", "age")})
    both = DeliveriesAttempted(authority="kestrel", attempts=(first, second, attempted(uuid4(), 0)))
    shown = timeline(entry(episode_changed(episode)), [entry(duty)], [entry(both)])
    assert [line.entry.content for line in shown] == [
        second,
        first,
        RegisterLookedUp(
            authority="kestrel", purpose="police-notice", fields=("name", "age"), delivery=telling(duty.duty, 0)
        ),
    ]
    assert len({line.entry.id for line in shown}) == 3
    assert Words().sentence(shown[-1]) == "Looked up in the register for police-notice: name, age"


def test_an_outcome_says_whose_it_is() -> None:
    episode = uuid4()
    duty = duty_changed(episode, step(0, Role.POLICE_CONTROL_ROOM, channel=Channel.WEBHOOK), step(1, Role.DUTY_WORKER))
    acknowledged = entry(DutyAcknowledged(duty=duty.duty, step=1, authority="kestrel", episode=episode, how="text"))
    (line,) = timeline(entry(episode_changed(episode)), [entry(duty)], [acknowledged])
    assert (line.role, line.wording) == (Role.DUTY_WORKER, Wording("missing-notice"))


def test_attempts_and_look_ups_are_found_by_their_duty() -> None:
    episode = uuid4()
    duty = duty_changed(episode, step(0, Role.POLICE_CONTROL_ROOM))
    attempt = attempted(duty.duty, 0)
    mine = RegisterLookedUp(
        authority="kestrel", purpose="police-notice", fields=("name",), delivery=telling(duty.duty, 0)
    )
    others = RegisterLookedUp(authority="kestrel", purpose="police-notice", fields=("name",), delivery=uuid4())
    shown = timeline(entry(episode_changed(episode)), [entry(duty)], [entry(attempt), entry(mine), entry(others)])
    assert [line.entry.content for line in shown] == [attempt, mine]


def test_a_withdrawal_is_told_apart_from_a_telling() -> None:
    episode, duty = uuid4(), uuid4()
    tell, withdraw = police_notify(episode, duty), police_notify(episode, duty, "withdraw")
    shown = timeline(entry(episode_changed(episode)), [], [entry(withdraw, at=REPORTED_AT + timedelta(1)), entry(tell)])
    assert [line.act for line in shown] == ["police.notify withdrawn", "police.notify"]


def test_an_episode_that_says_the_same_again_is_no_news() -> None:
    episode = uuid4()
    states = [
        episode_changed(episode, revision=number, state=state)
        for number, state in enumerate(("returned", "missing", "missing"))
    ]
    shown = timeline(entry(states[0]), [], [entry(each) for each in states])
    assert [line.entry.content for line in shown] == [states[0], states[2]]


def test_a_rule_that_tells_several_is_said_once() -> None:
    episode = uuid4()
    told = [decided(episode, "SM1") for _ in range(3)]
    report = entry(ChildReportedMissing(authority="kestrel"), id_="SM1")
    (line,) = timeline(entry(episode_changed(episode)), [], [*map(entry, told), report])
    assert line.decisions == ((told[0], 3),)


def operator_acted(act: str, **about: object) -> OperatorActed:
    who = {"authority": "kestrel", "act": act, "account": new_id("account"), "role": "duty-manager"}
    return OperatorActed.model_validate(who | about)


def test_what_an_operator_did_and_what_it_brought_about_stand_together() -> None:
    episode = uuid4()
    reference = entry(PoliceReferenceTexted(authority="kestrel", channel="console"), id_="reference")
    acted = entry(operator_acted("phoned", episode=episode, said=("reference",)), id_="acted")
    elsewhere = entry(operator_acted("phoned", episode=uuid4(), said=("other",)), id_="elsewhere")
    other = entry(PoliceReferenceTexted(authority="kestrel", channel="console"), id_="other")
    lines = timeline(entry(episode_changed(episode)), [], [acted, reference, elsewhere, other])
    assert [line.entry.id for line in lines] == ["acted", "reference"]


def test_an_exercise_shows_who_started_it() -> None:
    episode = uuid4()
    report = entry(ChildReportedMissing(authority="kestrel"), id_="report")
    started = entry(operator_acted("exercise-started", said=("report",)), id_="started")
    lines = timeline(entry(episode_changed(episode)), [], [started, report, entry(decided(episode, "report"))])
    assert [line.entry.id for line in lines] == ["started", "report"]


def test_a_text_that_is_not_in_english_says_which_language_to_whoever_reads_it() -> None:
    episode = uuid4()
    texts = [
        entry(TextNeedsHuman(authority="kestrel", reason="not-understood", language=language), id_=f"text {language}")
        for language in (TextLanguage("sq"), None)
    ]
    lines = timeline(
        entry(episode_changed(episode)), [], [*texts, *(entry(decided(episode, each.id)) for each in texts)]
    )
    assert [Words().sentence(line) for line in lines] == [
        "A text that somebody must read: not understood. It seems to be in Albanian",
        "A text that somebody must read: not understood",
    ]


def test_who_has_accepted_another_discussion_at_the_same_time_is_said_by_seat() -> None:
    about: dict[str, Any] = {"authority": "kestrel", "episode": uuid4(), "discussion": 1, "lacking": ("health",)}
    for doubled, act in (((), "strategy.without-quorum"), (("health",), "strategy.without-quorum doubled")):
        assert _act(StrategyWithoutQuorum(**about, doubled=doubled)) == act
