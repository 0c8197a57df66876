"""What an operator may do, when, and which messages say that it was done."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.console.policy.access import MAY, May, Operator
from services.console.policy.acts import ACT_SPECS, About, Held, possible_acts, read_form, steps_to_choose
from services.console.policy.status import RecordedMessage
from services.console.web.templates import Words
from services.options.shift_exchange.acts import SHIFT_ACTS
from services.safeguarding.child_events import care_events, discussion_events, events
from services.safeguarding.deeds import Answers, Fault, Faults
from services.safeguarding.duty.decisions import OVER, EpisodeState
from services.safeguarding.duty.duties import DutyAcknowledged, DutySendAgain, StrategyDiscussionChanged
from services.safeguarding.identifiers import new_id
from services.safeguarding.operators import OperatorAct, OperatorRole
from services.safeguarding.roles import Deed, Role
from tests.support.in_process.console import REPORTED_AT, duty_changed, episode_changed, step

NOW = datetime(2026, 11, 24, 22, 30, tzinfo=UTC)
ACT = UUID(int=7)
EPISODE = uuid4()
ME = Operator(new_id("account"), "Me", OperatorRole.SOCIAL_WORKER, frozenset({"kestrel"}))
WITHOUT_A_FORM = {
    OperatorAct.CHILD_VIEWED,
    OperatorAct.CHILD_FOUND,
    OperatorAct.CONNECTION_TESTED,
    OperatorAct.HOLD_MADE,
    OperatorAct.HOLD_ENDED,
    OperatorAct.ERASURE_ASKED,
    OperatorAct.ERASURE_WITHDRAWN,
    OperatorAct.ERASURE_APPROVED,
    OperatorAct.RETURN_DRAWN,
    OperatorAct.DEAD_LETTER_REDRIVEN,
    OperatorAct.EXERCISE_STARTED,
    OperatorAct.REPORTED,
}


def about_episode(state: str = "missing", **more: Any) -> About:
    about = About(new_id("child"), "kestrel", exercise=False, episode=episode_changed(EPISODE, state=state), viewer=ME)
    return replace(about, **more)


def about_duty(*steps: Any, state: str = "open", deed: Deed | None = None, **more: Any) -> About:
    duty = duty_changed(EPISODE, *steps, state=state, deed=deed)
    return replace(about_episode(), duty=duty, **more)


def discussion(state: str = "planned") -> StrategyDiscussionChanged:
    return StrategyDiscussionChanged.model_validate(
        {
            "authority": "kestrel",
            "episode": EPISODE,
            "discussion": 2,
            "sequence": 3,
            "state": state,
            "starts_at": NOW,
            "quorum": "reached",
        }
    )


POLICE, WORKER = step(0, Role.POLICE_CONTROL_ROOM, "failed"), step(1, Role.DUTY_WORKER)


def acts(about: About) -> set[OperatorAct | Deed]:
    return {each.act for each in possible_acts(about)}


def said(act: OperatorAct | Deed, about: About, **form: str) -> list[Any]:
    spec = ACT_SPECS[act]
    answers = read_form(spec, about, ACT, form, NOW)
    kept: dict[str, tuple[str, ...]] = {
        name: (f"words-{UUID(int=len(words))}",) for name, words in answers.said.items()
    }
    return list(spec.messages(about, replace(answers, words=kept)))


def faults_of(act: OperatorAct | Deed, about: About, **form: str) -> dict[str, Fault]:
    with pytest.raises(Faults) as found:
        read_form(ACT_SPECS[act], about, ACT, form, NOW)
    return found.value.by_field


@pytest.mark.parametrize("act", sorted({*OperatorAct, *Deed} - WITHOUT_A_FORM))
def test_every_act_has_its_form_and_the_words_of_its_page(act: OperatorAct | Deed) -> None:
    words = Words()
    assert {"title", "follows", "button"} <= set(words.form(act))
    spec = ACT_SPECS.get(act) or SHIFT_ACTS.get(act)  # type: ignore[arg-type]
    for field in () if spec is None else spec.asks:
        assert set(field.choices) <= set(words.field(field.name)["choices"])


def test_what_may_be_done_about_a_missing_child() -> None:
    assert acts(about_episode()) == {
        OperatorAct.RETURNED,
        OperatorAct.LOCATED,
        OperatorAct.REPORT_RETRACTED,
        Deed("police-reference"),
        Deed("police-grade"),
        Deed("police-closed"),
        Deed("parents-decision"),
        OperatorAct.INFORMED,
        OperatorAct.NOTED,
        OperatorAct.CHILD_REVEALED,
    }


def test_a_located_child_may_have_been_seen_by_police_and_is_not_interviewed_before_the_return() -> None:
    assert acts(about_episode("located")) == {
        OperatorAct.RETURNED,
        OperatorAct.REPORT_RETRACTED,
        Deed("police-reference"),
        Deed("police-grade"),
        Deed("police-closed"),
        Deed("parents-decision"),
        Deed("safe-and-well-check"),
        OperatorAct.INFORMED,
        OperatorAct.NOTED,
        OperatorAct.CHILD_REVEALED,
    }


def test_a_check_or_an_interview_that_is_recorded_is_asked_for_no_more() -> None:
    about = about_episode("returned")
    assert about.episode is not None
    done = about.episode.model_copy(update={"open_conditions": ("police-closed",)})
    assert not {Deed("safe-and-well-check"), Deed("return-interview")} & acts(replace(about, episode=done))


def test_what_may_be_done_about_a_child_who_is_back() -> None:
    assert acts(about_episode("returned")) == {
        OperatorAct.RETURN_RETRACTED,
        Deed("police-reference"),
        Deed("police-closed"),
        Deed("safe-and-well-check"),
        Deed("return-interview"),
        OperatorAct.INFORMED,
        OperatorAct.NOTED,
        OperatorAct.CHILD_REVEALED,
    }


@pytest.mark.parametrize("state", sorted(OVER))
def test_nothing_may_be_done_about_an_episode_that_is_over_but_to_note_and_to_ask_who_it_was(
    state: EpisodeState,
) -> None:
    assert acts(about_episode(state)) == {OperatorAct.CHILD_REVEALED, OperatorAct.NOTED}


def test_while_an_act_is_held_it_can_be_undone_and_no_other_may_end_the_search() -> None:
    held = acts(about_episode(held=(Held(ACT, events.ChildReturned(authority="kestrel"), "returned", ME.account),)))
    assert OperatorAct.UNDONE in held
    assert not held & {OperatorAct.RETURNED, OperatorAct.LOCATED, OperatorAct.REPORT_RETRACTED}


def test_what_has_gone_out_and_is_not_shown_yet_is_neither_undone_nor_contradicted() -> None:
    said = Held(ACT, events.ChildReturned(authority="kestrel"), "returned", ME.account, is_out=True)
    found = acts(about_episode(held=(said,)))
    assert not found & {OperatorAct.UNDONE, OperatorAct.RETURNED, OperatorAct.LOCATED, OperatorAct.REPORT_RETRACTED}


def test_only_an_unknown_child_is_identified() -> None:
    assert OperatorAct.IDENTIFIED not in acts(about_episode())
    assert OperatorAct.IDENTIFIED in acts(replace(about_episode(), child=new_id("provisional")))
    assert OperatorAct.IDENTIFIED not in acts(replace(about_episode("closed"), child=new_id("provisional")))


def test_i_have_it_answers_the_newest_telling_that_is_not_for_police() -> None:
    about = about_duty(WORKER, step(2, Role.DUTY_SENIOR_MANAGER), step(3, Role.POLICE_CONTROL_ROOM))
    [taken] = said(OperatorAct.TAKEN, about)
    assert (taken.step, taken.how) == (2, "console")
    assert OperatorAct.TAKEN not in acts(about_duty(POLICE))


@pytest.mark.parametrize(
    ("nature", "kind"),
    [("sighting", "child.information-received.v1"), ("luring", "child.luring-suspected.v1")],
)
def test_news_is_told_as_what_it_is_with_every_word_of_it(nature: str, kind: str) -> None:
    [told] = said(OperatorAct.INFORMED, about_episode(), nature=nature, last_seen_place="Leeds", reason="By an aunt")
    assert (told.kind, len(told.words)) == (kind, 2)


@pytest.mark.parametrize(
    ("happened_at", "fault"),
    [
        ("2026-11-24T22:31", Fault.FUTURE),
        ("2026-11-24T22:00", Fault.EARLY),
        ("2020-11-24T22:00", Fault.FAR),
        ("late", Fault.NO_MOMENT),
    ],
)
def test_the_time_of_a_return_is_after_the_report_and_has_been(happened_at: str, fault: Fault) -> None:
    form = {"happened_at": happened_at, "reason": "x"}
    assert faults_of(OperatorAct.RETURNED, about_episode(), **form) == {"happened_at": fault}


def test_nobody_is_revealed_where_nobody_knows_which_child_it_is() -> None:
    assert OperatorAct.CHILD_REVEALED not in acts(replace(about_episode(), child=new_id("provisional")))


def test_only_a_planned_discussion_is_moved_or_called_off() -> None:
    moves = {OperatorAct.DISCUSSION_REDATED, OperatorAct.DISCUSSION_CANCELLED}
    assert moves <= acts(about_episode(discussion=discussion()))
    assert not moves & acts(about_episode(discussion=discussion("cancelled")))


def test_a_duty_that_somebody_has_answered_asks_for_nothing_more() -> None:
    assert acts(about_duty(POLICE, WORKER, state="acknowledged")) == set()


def test_police_are_never_acknowledged_for_without_saying_who_took_the_call() -> None:
    assert acts(about_duty(POLICE)) == {OperatorAct.PHONED, OperatorAct.SENT_AGAIN}
    assert [each.step for each in steps_to_choose(ACT_SPECS[OperatorAct.PHONED], about_duty(POLICE, WORKER))] == [0]
    assert [
        each.step for each in steps_to_choose(ACT_SPECS[OperatorAct.ACKNOWLEDGED_FOR], about_duty(POLICE, WORKER))
    ] == [1]
    assert faults_of(OperatorAct.PHONED, about_duty(POLICE), step="0") == {"officer": Fault.MISSING}


def test_phoned_with_a_reference_answers_for_police_and_passes_the_reference_on() -> None:
    about = about_duty(POLICE, WORKER)
    answered, reference = said(OperatorAct.PHONED, about, step="0", officer="PC Reed 4471", reference="NM-2026-118")
    assert isinstance(answered, DutyAcknowledged)
    assert (answered.how, answered.step, answered.force) == ("phoned", 0, "northmoor-police")
    assert len(answered.words) == 1
    assert isinstance(reference, events.PoliceReferenceTexted)
    assert (reference.channel, len(reference.words)) == ("console", 1)
    assert reference.words != answered.words


def test_phoned_without_a_reference_is_still_an_answer() -> None:
    [answered] = said(OperatorAct.PHONED, about_duty(POLICE), step="0", officer="PC Reed 4471")
    assert isinstance(answered, DutyAcknowledged)


def test_somebody_is_acknowledged_for_on_the_telling_that_was_chosen() -> None:
    about = about_duty(POLICE, WORKER, step(2, Role.DUTY_SENIOR_MANAGER))
    [answered] = said(OperatorAct.ACKNOWLEDGED_FOR, about, step="1", reason="She rang me")
    assert (answered.how, answered.step, answered.episode, answered.words) == ("console", 1, EPISODE, ())


def test_a_return_said_at_the_console_is_verified_and_carries_the_words() -> None:
    [returned] = said(OperatorAct.RETURNED, about_episode(), reason="Seen at the door by me")
    assert isinstance(returned, events.ChildReturned)
    assert (returned.proof, returned.channel, len(returned.words)) == ("person", "console", 1)


@pytest.mark.parametrize(
    ("act", "retracts", "state"),
    [(OperatorAct.RETURN_RETRACTED, "return", "returned"), (OperatorAct.REPORT_RETRACTED, "missing", "missing")],
)
def test_what_is_taken_back_says_which(act: OperatorAct, retracts: str, state: str) -> None:
    [taken_back] = said(act, about_episode(state), reason="It was another child")
    assert (taken_back.retracts, taken_back.proof) == (retracts, "person")


@pytest.mark.parametrize(
    ("act", "state"),
    [
        (OperatorAct.RETURNED, "missing"),
        (OperatorAct.LOCATED, "missing"),
        (OperatorAct.REPORT_RETRACTED, "missing"),
        (OperatorAct.RETURN_RETRACTED, "returned"),
        (Deed("police-closed"), "returned"),
    ],
)
def test_what_is_said_on_an_episodes_page_is_of_that_episode_and_of_no_later_one(
    act: OperatorAct | Deed, state: str
) -> None:
    [told] = said(act, about_episode(state), reason="x")
    assert told.episode == EPISODE


def test_an_interview_needs_its_outcome_and_a_refusal_its_reason() -> None:
    about = about_episode("returned")
    assert faults_of(Deed("return-interview"), about, note="x", state="over") == {"state": Fault.NOT_OFFERED}
    assert faults_of(Deed("return-interview"), about, state="declined") == {"note": Fault.MISSING}
    [interview] = said(Deed("return-interview"), about, note="x", state="declined")
    assert (interview.state, interview.channel, interview.episode) == ("declined", "console", EPISODE)


def test_a_deed_is_recorded_where_its_duty_waits_and_corrected_once_it_is_recorded() -> None:
    assert Deed("talk") in acts(about_duty(WORKER, deed=Deed("talk")))
    assert not {Deed("talk"), Deed("watch-review")} & acts(about_duty(WORKER))
    over: dict[str, Any] = {"state": "cancelled", "deed": Deed("talk")}
    assert Deed("talk") not in acts(about_duty(WORKER, **over))
    talked = care_events.WatchTalkPlanned(authority="kestrel")
    recorded = RecordedMessage(str(ACT), "child-x", NOW, exercise=False, content=talked)
    [corrected] = said(Deed("talk"), about_duty(WORKER, **over, recorded=recorded))
    assert (corrected.kind, corrected.corrects_event) == ("watch.talk-planned.v1", ACT)
    assert Deed("talk") in acts(about_duty(WORKER, **over, recorded=recorded))
    assert Deed("talk") in acts(about_episode("closed", recorded=recorded)), "on the case's own page too"


def test_a_deed_that_waits_to_go_out_can_be_undone_and_ends_no_search() -> None:
    held = (Held(ACT, events.PoliceReferenceTexted(authority="kestrel"), "police-reference", ME.account),)
    found = acts(about_episode(held=held))
    assert {OperatorAct.UNDONE, OperatorAct.RETURNED} <= found
    assert Deed("police-reference") not in found


def test_a_grade_is_of_the_force_of_the_episode() -> None:
    [graded] = said(Deed("police-grade"), about_episode(), grade="high", review_at="2026-11-25T09:30")
    assert (graded.force, graded.grade, graded.reply) == ("northmoor-police", "high", str(ACT))
    about = about_episode()
    assert about.episode is not None
    nobody_knows = replace(about, episode=about.episode.model_copy(update={"force": None}))
    assert not {Deed("police-grade"), Deed("police-closed")} & acts(nobody_knows)


def test_a_discussion_is_moved_to_a_local_time() -> None:
    about = about_episode(discussion=discussion())
    [moved] = said(OperatorAct.DISCUSSION_REDATED, about, starts_at="2027-06-01T09:30", reason="Health cannot come")
    assert isinstance(moved, discussion_events.StrategyDiscussionRedated)
    assert (moved.starts_at, moved.discussion) == (datetime(2027, 6, 1, 8, 30, tzinfo=UTC), 2)


@pytest.mark.parametrize(
    ("starts_at", "fault"),
    [
        ("", Fault.MISSING),
        ("tomorrow", Fault.NO_MOMENT),
        ("2027-06-01T09:30+00:00", Fault.NO_MOMENT),
        ("2026-11-24T22:30", Fault.PAST),
        ("2028-06-01T09:30", Fault.FAR),
        ("0001-01-01T00:00", Fault.PAST),
        ("9999-12-31T23:59", Fault.FAR),
    ],
)
def test_a_time_that_cannot_be_meant_is_named(starts_at: str, fault: Fault) -> None:
    about = about_episode(discussion=discussion())
    assert faults_of(OperatorAct.DISCUSSION_REDATED, about, starts_at=starts_at, reason="x") == {"starts_at": fault}


def test_every_act_about_a_child_needs_its_words() -> None:
    assert faults_of(OperatorAct.RETURNED, about_episode()) == {"reason": Fault.MISSING}
    assert faults_of(OperatorAct.RETURNED, about_episode(), reason="x" * 2001) == {"reason": Fault.TOO_LONG}


def test_a_telling_is_sent_again_under_the_forms_own_id() -> None:
    [asked] = said(OperatorAct.SENT_AGAIN, about_duty(POLICE, WORKER), step="0", reason="Their system was down")
    assert isinstance(asked, DutySendAgain)
    assert (asked.step, asked.asked) == (0, ACT)


def test_a_page_remembers_what_makes_its_act_meaningless() -> None:
    assert about_duty(WORKER).seen_for(OperatorAct.NOTED) == about_duty(POLICE, WORKER).seen_for(OperatorAct.NOTED)
    assert about_duty(WORKER).seen_for(OperatorAct.NOTED) != about_duty(WORKER, state="acknowledged").seen_for(
        OperatorAct.NOTED
    )
    assert about_episode("missing").seen_for(OperatorAct.NOTED) != about_episode("returned").seen_for(OperatorAct.NOTED)
    before = about_episode(discussion=discussion())
    moved = about_episode(discussion=discussion().model_copy(update={"sequence": 4}))
    for act in (OperatorAct.DISCUSSION_REDATED, OperatorAct.DISCUSSION_CANCELLED):
        assert before.seen_for(act) != moved.seen_for(act), act
    for act in (OperatorAct.NOTED, OperatorAct.RETURNED, OperatorAct.REPORT_RETRACTED):
        assert before.seen_for(act) == moved.seen_for(act), act


def test_an_auditor_may_change_nothing_and_an_operator_says_nothing_about_a_child() -> None:
    assert MAY[OperatorRole.AUDITOR] == {May.LOOK, May.READ_REASONS}
    assert not MAY[OperatorRole.OPERATOR] & {May.ANSWER, May.RECORD, May.READ_REASONS, May.REVEAL}


def test_answers_keep_only_what_was_asked() -> None:
    answers = Answers.read(ACT, ACT_SPECS[OperatorAct.RETURNED].asks, {"reason": "x", "verified": "no"}, REPORTED_AT)
    assert (answers.chosen, answers.said) == ({}, {"reason": "x"})
