"""Random histories: whatever comes in whatever order, no duty vanishes and none ends in silence."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.protocol.checks.rule_checks import HUMANS
from services.protocol.loader import Library, files
from services.protocol.policy.case import OPEN_STATES, Case, DutyOfCase, Facts
from services.protocol.policy.decide import decide
from services.protocol.policy.draft import Deadline, Decision, Draft, Happened, Protocols
from services.protocol.policy.readings import episodes
from services.protocol.policy.readings.episodes import READ
from services.protocol.policy.rule_language.grammar import Rule
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.safeguarding.child_events import events
from services.safeguarding.child_events.care_events import ChildTransferred
from services.safeguarding.child_events.events import Event
from services.safeguarding.duty.decisions import DutyChanged, DutyState, EpisodeState
from services.safeguarding.duty.duties import (
    Because,
    Duty,
    DutyAccepted,
    DutyAcknowledged,
    DutyDelivered,
    DutyFailed,
    Outcome,
)
from services.safeguarding.message import Message
from services.safeguarding.roles import Channel, Deed, Role
from services.safeguarding.working_time import day_in_england
from tests.support.histories.drawing import Drawing
from tests.unit.protocol.test_deeds import NEEDLESS

CHILD = "child-00000000-0000-4000-8000-000000000001"
CARERS = [f"person-00000000-0000-4000-8000-00000000000{number}" for number in (1, 2)]
START = datetime(2026, 11, 24, 18, tzinfo=UTC)
PROTOCOL = Library(files()).current("northshire")
FACTS = Facts(authority="northshire", force="north-force", adult_on=date(2026, 12, 20))
ASKED_OF_A_RETURN = {
    rule.id
    for rule in PROTOCOL.rules
    if not {Trigger.CHILD_REPORTED_MISSING, Trigger.REPORT_ADDED, Trigger.CHILD_LOCATED} & set(rule.on)
}

KINDS = sorted((each for each in READ if issubclass(each, Event)), key=lambda each: each.kind)
"""Every event that the protocol reads: one that is added to the contracts is drawn from then on."""
OFTEN: tuple[type[Message], ...] = (events.ChildReportedMissing, events.ChildReturned, events.ReportRetracted)
"""What a history is mostly about."""
DRAWING = Drawing(
    {
        "authority": st.just(FACTS.authority),
        "force": st.just(FACTS.force),
        "candidates": st.just([]),
        "placement": st.none(),
        "words": st.just([]),
        "reply": st.just("r"),
        "role": st.just("duty.worker"),
        "gaps": st.just(["child.photograph"]),
        "account": st.just("clara"),
    },
    children=[CHILD],
    people=CARERS,
    authorities=["southshire", "westshire"],
    around=START,
)
"""Where the child lives is the register's to say."""
SHOWN = {"text": "handset", "force": "force", "agency": "agency", "console": "person", "page": "person"}
"""The one proof that each channel can carry, said once more here: the engine's own table is what is tried."""
SAID_ALONE: tuple[type[Message], ...] = (
    events.ChildReturnClaimed,
    events.MissingRetractionClaimed,
    events.ChildLocationClaimed,
)
ENDINGS: tuple[type[Message], ...] = (events.ChildReturned, events.ChildLocated, events.ReportRetracted)


def _shown(content: Message) -> Message:
    return content.model_copy(update={"proof": events.Proof(SHOWN.get(getattr(content, "channel", ""), "word"))})


def _shown_if_ending(content: Message) -> Message:
    return _shown(content) if isinstance(content, ENDINGS) else content


EVENTS = st.one_of(
    st.sampled_from(OFTEN).flatmap(DRAWING.events),
    st.sampled_from(ENDINGS).flatmap(DRAWING.events).map(_shown),
    st.sampled_from((*SAID_ALONE, *ENDINGS)).flatmap(DRAWING.events),
    st.sampled_from(KINDS).flatmap(DRAWING.events),
)
OUTCOME_OF: dict[str, type[Outcome]] = {
    "accepted": DutyAccepted,
    "delivered": DutyDelivered,
    "acknowledged": DutyAcknowledged,
    "failed": DutyFailed,
}
DETAIL = {"acknowledged": {"how": "text"}, "failed": {"reason": "retries-spent"}}
OUTCOMES = st.sampled_from(sorted(OUTCOME_OF))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("event"), EVENTS, st.integers(0, 90), st.booleans()),
        st.tuples(st.just("outcome"), OUTCOMES, st.integers(0, 500), st.booleans()),
        st.tuples(st.just("wait"), st.integers(1, 120), st.none(), st.none()),
    ),
    max_size=25,
)


def _kinds_of(deed: Deed) -> list[type[Message]]:
    """The events that set off or end a duty for this deed, and the start of care, which many duties follow."""
    rules = [rule for rule in PROTOCOL.rules if rule.deed is deed]
    names = {str(each) for rule in rules for each in (*rule.on, *rule.until)} | {"child.accommodated"}
    return [each for each in KINDS if each.kind.rpartition(".v")[0] in names]


def _about(deed: Deed) -> st.SearchStrategy[list[Any]]:
    said = st.one_of(*map(DRAWING.events, _kinds_of(deed))).map(_shown_if_ending)
    waits = st.tuples(st.just("wait"), st.integers(60, 3 * 24 * 60), st.none(), st.none())
    said_now = st.tuples(st.just("event"), said, st.just(0), st.just(False))
    return st.lists(st.one_of(said_now, waits), min_size=2, max_size=12)


ONE_DEED = st.sampled_from(sorted({rule.deed for rule in PROTOCOL.rules if rule.deed is not None})).flatmap(_about)
"""What is to be done of one kind, for days: so that one duty meets another that asks for the same."""


@dataclass
class History:
    """Plays events, outcomes and the clock on the engine, and keeps everything that was decided."""

    case: Case = field(default_factory=lambda: Case(child=CHILD))
    now: datetime = START
    count: int = 0
    pending: dict[Any, Deadline] = field(default_factory=dict)
    decisions: list[tuple[Message, Decision]] = field(default_factory=list)
    heard: list[tuple[str, Message, datetime]] = field(default_factory=list)
    before: list[Case] = field(default_factory=list)
    moments: list[datetime] = field(default_factory=list)

    def hears(self, content: Message, time: datetime, name: str | None = None) -> None:
        self.count += 1
        happened = Happened(content, name or f"message-{self.count}", CHILD, time)
        self.heard.append((happened.id, content, time))
        self.before.append(self.case)
        self.moments.append(self.now)
        decision = decide(self.case, happened, FACTS, Protocols(PROTOCOL), self.now)
        self.case = decision.case
        for cancelled in decision.cancelled:
            self.pending.pop(cancelled, None)
        for deadline in decision.deadlines:
            self.pending[deadline.deadline] = deadline
        self.decisions.append((content, decision))

    def passes(self, minutes: int) -> None:
        until = self.now + timedelta(minutes=minutes)
        while due := min(
            (each for each in self.pending.values() if each.due_at <= until), key=lambda each: each.due_at, default=None
        ):
            del self.pending[due.deadline]
            self.now = max(self.now, due.due_at)
            self.hears(due.content, due.due_at)
        self.now = until

    def play(self, steps: list[Any]) -> None:
        for what, detail, number, twice in steps:
            if what == "wait":
                self.passes(detail)
            elif what == "event":
                self.hears(self._about_what_is(detail, number), self.now - timedelta(minutes=number if twice else 0))
            else:
                self._outcome(detail, number, twice)

    def _about_what_is(self, content: Message, number: int) -> Message:
        """An episode or duty that the event names is one of the child's, where there is any."""
        there = {"episode": sorted(self.case.episodes), "duty": sorted(self.case.duties)}
        named = {
            field: names[number % len(names)]
            for field, names in there.items()
            if names and getattr(content, field, None) is not None
        }
        return content.model_copy(update=named)

    def _outcome(self, state: str, number: int, twice: bool) -> None:
        tellings = [(duty, telling) for duty in self.case.duties.values() for telling in duty.tellings]
        if not tellings:
            return
        duty, telling = tellings[number % len(tellings)]
        about = {"duty": duty.duty, "step": telling.step, "authority": "northshire"}
        outcome = OUTCOME_OF[state].model_validate({**about, **DETAIL.get(state, {})})
        for _ in range(2 if twice else 1):
            self.hears(outcome, self.now)


def played(steps: list[Any]) -> History:
    history = History()
    history.play(steps)
    return history


many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
some = settings(many, max_examples=60)
few = settings(many, max_examples=20)
"""For weeks of asking again."""


@many
@given(STEPS)
def test_every_duty_is_answered_or_ended_with_a_reason_or_has_somebody_still_to_ask(steps: list[Any]) -> None:
    history = played(steps)
    for duty in history.case.duties.values():
        if duty.goes_on:
            pending = [each for each in history.pending.values() if getattr(each.content, "duty", None) == duty.duty]
            assert [each.version for each in pending] == [duty.deadline_version]
        else:
            assert duty.ended_because is not None
            assert duty.state in {DutyState.ACKNOWLEDGED, DutyState.CANCELLED, DutyState.ACCEPTED, DutyState.DONE}


@few
@given(STEPS)
def test_a_duty_nobody_answers_comes_to_a_person_on_duty_and_stays_overdue(steps: list[Any]) -> None:
    history = played(steps)
    history.passes(60 * 24 * 7)
    for duty in history.case.duties.values():
        last = PROTOCOL.by_id[duty.rule].otherwise[-1]
        asked_again = last.after + (last.repeat or timedelta(0))
        if duty.goes_on and history.now - duty.counted_from > asked_again + timedelta(hours=1):
            assert duty.state == DutyState.OVERDUE
            assert duty.tellings[-1].role in {*HUMANS, Role.DUTY_ASSISTANT_DIRECTOR}


GONE = {Because.RETURNED, Because.RETRACTED, Because.CLOSED}


@many
@given(st.one_of(STEPS, ONE_DEED))
def test_what_is_to_be_done_ends_by_its_deed_or_with_its_cause_and_by_nobody_s_answer(steps: list[Any]) -> None:
    history = played(steps)
    history.passes(3 * 60)
    for name, asked in list(history.case.duties.items()):
        about = {"duty": name, "step": asked.tellings[-1].step, "authority": "northshire", "how": "text"}
        history.hears(DutyAcknowledged.model_validate(about), history.now)
    history.passes(26 * 60)
    for before, heard, (_, decision), now in zip(
        history.before, history.heard, history.decisions, history.moments, strict=True
    ):
        triggers = _triggers(before, heard, decision, now)
        for name, was in before.duties.items():
            duty, rule = decision.case.duties.get(name), PROTOCOL.by_id[was.rule]
            if rule.enough != "done" or not was.goes_on or duty is None or duty.goes_on:
                continue
            if duty.ended_because == Because.SUPERSEDED:
                needless = _is_needless(decision.case, duty, rule, triggers)
                assert needless or _is_day_over(was, now) or _another_asks_instead(decision.case, was)
            else:
                assert triggers & set(rule.until)
                assert duty.state is DutyState.DONE or duty.ended_because in GONE


def _triggers(before: Case, heard: tuple[str, Message, datetime], decision: Decision, now: datetime) -> set[Trigger]:
    """What the message amounts to, and what a rule whose time has come brings about."""
    name, content, time = heard
    draft = Draft(before, Happened(content, name, CHILD, time), FACTS, Protocols(PROTOCOL), now)
    readings = episodes.read(draft) if type(content) in READ else []
    opened = {
        Trigger.CHILD_REPORTED_MISSING: decision.case.episodes.keys() > before.episodes.keys(),
        Trigger.WATCH_OPENED: decision.case.watched_since != before.watched_since,
    }
    return {each.trigger for each in readings if each.trigger} | {each for each, is_new in opened.items() if is_new}


def _is_needless(case: Case, ended: DutyOfCase, rule: Rule, triggers: set[Trigger]) -> bool:
    """Whether an event says so. What a report ended goes on after the return: its episode is kept."""
    if ended.ended_by_report is not None:
        return case.episodes[ended.ended_by_report].state in OPEN_STATES
    ending = (triggers & set(rule.until)) - {Trigger.CHILD_REPORTED_MISSING}
    return any(rule.deed is None or rule.deed in NEEDLESS.get(each, "").split() for each in ending)


def _another_asks_instead(case: Case, ended: DutyOfCase) -> bool:
    """A later duty that goes on, or one of the same moment, and that nothing ends but what would have ended this one:
    whoever holds an interview need not offer it any more. Its own end is looked at in its turn.
    """
    rule = PROTOCOL.by_id[ended.rule]
    later = [each for each in case.duties.values() if each.goes_on and each.created_at >= ended.created_at]
    asking = [
        PROTOCOL.by_id[each.rule]
        for each in later
        if (each.episode, each.cause.matter) == (ended.episode, ended.cause.matter)
    ]
    return any(
        each.deed is not None and each.day in {None, rule.day} and set(each.until) <= set(rule.until) for each in asking
    )


def _is_day_over(ended: DutyOfCase, now: datetime) -> bool:
    day = ended.cause.day
    return PROTOCOL.by_id[ended.rule].day == "ends" and day is not None and day < day_in_england(now)


@few
@given(STEPS)
def test_of_one_deed_no_reader_is_asked_by_two_duties_at_a_time(steps: list[Any]) -> None:
    history = played(steps)
    history.passes(4 * 24 * 60)
    asked: dict[Any, set[Any]] = {}
    for duty in history.case.duties.values():
        rule = PROTOCOL.by_id[duty.rule]
        if rule.deed is not None and duty.goes_on:
            about = (rule.deed, rule.until, duty.episode, duty.cause.matter, duty.tellings[-1].role)
            asked.setdefault(about, set()).add(duty.created_at)
    assert all(len(each) == 1 for each in asked.values()), asked


@few
@given(STEPS)
def test_where_everybody_says_that_they_have_it_they_are_asked_again_after_the_rest(steps: list[Any]) -> None:
    history = played(steps)
    history.passes(27 * 60)
    owed = [name for name, duty in history.case.duties.items() if duty.goes_on and PROTOCOL.by_id[duty.rule].deed]
    asks = {name: _newest_if_its_first_answer_is_to_come(history.case.duties[name]) for name in owed}
    for name in owed:
        for telling in history.case.duties[name].tellings:
            about = {"duty": name, "step": telling.step, "authority": "northshire", "how": "text"}
            history.hears(DutyAcknowledged.model_validate(about), history.now)
    answered = {name: history.case.duties[name] for name in owed}
    since = len(history.decisions)
    history.passes(4 * 24 * 60)
    said = [each for _, decision in history.decisions[since:] for each in decision.duties]
    told = {(each.duty, each.step): each for each in said if each.act == "tell"}
    for name, duty in answered.items():
        assert duty.goes_on
        assert duty.next_at is not None
        day_is_over = PROTOCOL.by_id[duty.rule].day == "ends" and (duty.cause.day or date.max) < day_in_england(
            duty.next_at
        )
        if duty.next_at > history.now or day_is_over or _another_stands_for(duty, said):
            continue
        again = told[name, duty.told]
        assert asks[name] is None or (again.role, again.because) == (asks[name], Because.AGAIN)


def _another_stands_for(duty: DutyOfCase, said: list[Any]) -> bool:
    """Whether its last reader hears of another matter of the child each two hours: one text is of all (decision 132)."""
    last = PROTOCOL.by_id[duty.rule].otherwise[-1].tell
    of_others = (each for each in said if each.duty != duty.duty and each.act == "tell" and each.role == last)
    return sum(1 for _ in of_others) >= 4 * 12


def _newest_if_its_first_answer_is_to_come(duty: DutyOfCase) -> Role | None:
    *earlier, newest = duty.tellings
    first = newest.state != "acknowledged" and newest.role not in {each.role for each in earlier}
    return newest.role if first else None


@many
@given(STEPS)
def test_no_duty_vanishes(steps: list[Any]) -> None:
    history = History()
    known: set[Any] = set()
    for step in steps:
        history.play([step])
        known |= {name for name, duty in history.case.duties.items() if duty.goes_on}
        assert all(name in history.case.duties or _was_ended(history, name) for name in known)


def _was_ended(history: History, name: Any) -> bool:
    changes = [change for _, decision in history.decisions for change in decision.changes]
    return (
        next(each for each in reversed(changes) if isinstance(each, DutyChanged) and each.duty == name).ended_because
        is not None
    )


@many
@given(STEPS)
def test_for_a_returned_child_nothing_goes_out_but_what_the_return_asks_for(steps: list[Any]) -> None:
    history = played(steps)
    standing: set[EpisodeState] = set()
    for _, decision in history.decisions:
        standing = {each.state for each in decision.case.episodes.values()}
        if standing and not standing & OPEN_STATES:
            told = {duty.rule for duty in decision.duties if duty.act == "tell"}
            assert told <= ASKED_OF_A_RETURN


def is_proven(content: Message) -> bool:
    proof = getattr(content, "proof", None)
    return isinstance(content, ENDINGS) and proof is not None and proof == SHOWN.get(getattr(content, "channel", ""))


ENDED = {EpisodeState.RETURNED, EpisodeState.LOCATED, EpisodeState.RETRACTED}


@many
@given(STEPS)
def test_no_child_is_returned_located_or_withdrawn_without_proof(steps: list[Any]) -> None:
    history = played(steps)
    for before, (content, decision) in zip(history.before, history.decisions, strict=True):
        for name, episode in decision.case.episodes.items():
            was = before.episodes.get(name)
            if episode.state in ENDED and (was is None or was.state != episode.state):
                assert is_proven(content), content


@many
@given(STEPS)
def test_what_is_not_proven_ends_withdraws_rests_and_weakens_no_duty(steps: list[Any]) -> None:
    history = played(steps)
    for before, (content, decision) in zip(history.before, history.decisions, strict=True):
        starts = isinstance(content, events.ReportRetracted) and content.retracts == "return"
        if not isinstance(content, SAID_ALONE + ENDINGS) or is_proven(content) or starts:
            continue
        assert [each for each in decision.duties if each.act == "withdraw"] == []
        assert all(decision.case.duties[name] == duty for name, duty in before.duties.items())
        assert all(decision.case.waiting[name] == waiting for name, waiting in before.waiting.items())
        assert set(decision.cancelled) == set()
        assert {each.deadline for each in decision.deadlines}.isdisjoint(before.duties)
        assert decision.case.record == before.record


@many
@given(STEPS)
def test_at_most_one_episode_is_open(steps: list[Any]) -> None:
    for _, decision in played(steps).decisions:
        assert _open_ones(decision.case) <= 1


@many
@given(STEPS)
def test_the_same_history_gives_the_same_decisions_also_when_the_case_is_written_and_read_between(
    steps: list[Any],
) -> None:
    first, second = played(steps), History()
    second.play(steps)
    assert first.case == second.case
    assert [each for _, each in first.decisions] == [each for _, each in second.decisions]
    assert Case.model_validate_json(first.case.model_dump_json(exclude_defaults=True)) == first.case


@many
@given(STEPS)
def test_no_telling_has_the_id_of_another(steps: list[Any]) -> None:
    told = [(duty.duty, duty.step, duty.act) for _, decision in played(steps).decisions for duty in decision.duties]
    assert len(told) == len(set(told))


@some
@given(STEPS)
def test_nobody_is_told_outside_the_directory_of_the_child_s_own_authority_force_and_placement(
    steps: list[Any],
) -> None:
    """A recipient is looked up by role in the directory of the authority, the force and the placement that the duty names."""
    history = played(steps)
    reporters = set(CARERS)
    responsible = {FACTS.authority}
    for content, decision in history.decisions:
        if isinstance(content, ChildTransferred) and content.to is not None:
            responsible.add(content.to)
        for duty in decision.duties:
            assert duty.authority in responsible
            assert (duty.force, duty.candidates) == (FACTS.force, ())
            assert duty.placement == FACTS.placement
            assert duty.person is None or duty.person in reporters
            assert duty.episode is None or duty.episode in decision.case.episodes
            assert duty.cites
        for change in decision.changes:
            if isinstance(change, DutyChanged) and change.state in {DutyState.ACKNOWLEDGED, DutyState.CANCELLED}:
                assert change.ended_because
                assert change.next_step_at is None


@some
@given(STEPS, st.randoms(use_true_random=False))
def test_a_history_that_comes_twice_and_out_of_order_tells_nobody_anything(steps: list[Any], order: Any) -> None:
    """What came before comes again, later and in another order, under its own ids and times: as from a broker after a failure."""
    history = played(steps)
    again = _comes_again(history, order)
    assert [duty for decision in again for duty in decision.duties] == []
    assert _open_ones(history.case) <= 1


@some
@given(STEPS, st.randoms(use_true_random=False))
def test_nor_does_it_leave_two_episodes_open_where_the_case_no_longer_remembers_what_it_read(
    steps: list[Any], order: Any
) -> None:
    history = played(steps)
    history.case = history.case.model_copy(update={"heard": ()})
    assert all(_open_ones(decision.case) <= 1 for decision in _comes_again(history, order))


def _comes_again(history: History, order: Any) -> list[Decision]:
    came = [(name, content, time) for name, content, time in history.heard if not isinstance(content, events.Due)]
    order.shuffle(came)
    before = len(history.decisions)
    for name, content, time in came:
        history.hears(content, time, name)
    return [decision for _, decision in history.decisions[before:]]


def _open_ones(case: Case) -> int:
    return sum(each.state in OPEN_STATES for each in case.episodes.values())


MOST_AT_ONCE = {Channel.TEXT: 3, Channel.EMAIL: 4, Channel.WEBHOOK: 2, Channel.INVITATION: 2}
"""What one message, or one moment that has come, brings a reader at most: the rest are steps of what nobody has answered."""


@many
@given(st.lists(st.sampled_from(KINDS).flatmap(DRAWING.events), min_size=1, max_size=4))
def test_one_message_brings_no_reader_the_same_twice_nor_more_than_the_budget_unless_a_step_says_so(
    said: list[Message],
) -> None:
    """Of a missing child whose first alerts were all taken: whoever is to hear news has been told."""
    history = History()
    history.hears(events.ChildReportedMissing(authority="northshire", channel="agency"), START)
    for duty in history.case.duties.values():
        history.hears(DutyAccepted(duty=duty.duty, step=0, authority="northshire", person=CARERS[0]), START)
    for each in said:
        history.passes(1)
        history.hears(each, history.now)
    for content, decision in history.decisions:
        first = [each for each in decision.duties if (each.act, each.because) == ("tell", Because.FIRST)]
        about = [
            (
                each.role,
                each.person,
                each.channel,
                each.wording,
                each.episode,
                each.refers_to,
                each.authority,
                _matter(decision, each),
            )
            for each in first
        ]
        assert len(set(about)) == len(about), content
        for (*_, channel), got in Counter(each[:3] for each in about).items():
            assert got <= MOST_AT_ONCE[channel], (content, about)


def _matter(decision: Decision, told: Duty) -> Any:
    """Each reminder of a date is one of its own: where the day is today, the last that is left and the day's come together."""
    duty, dated = decision.case.duties.get(told.duty), PROTOCOL.by_id[told.rule].before is not None
    return (told.duty if duty is None else duty.cause.matter, told.rule if dated else None)
