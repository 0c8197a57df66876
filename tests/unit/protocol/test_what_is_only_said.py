"""Said, and not proved: which proof counts by which channel, what a claim is while it stands, and an authority that takes a carer's word."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from services.protocol.policy.case import Facts
from services.protocol.policy.draft import Decision, Protocols
from services.protocol.policy.readings.endings import STANDS_FOR
from services.protocol.policy.rule_language.grammar import StandDown
from services.safeguarding.child_events import events
from services.safeguarding.child_events.events import Proof
from services.safeguarding.duty.decisions import EpisodeChanged, EpisodeState, Verdict
from services.safeguarding.duty.duties import PoliceNotify
from services.safeguarding.message import Message
from tests.support.histories.one_child import CHILD, CURRENT, START, OneChild

ANN = "person-00000000-0000-4000-8000-00000000000a"
BEN = "person-00000000-0000-4000-8000-00000000000b"
SAID: dict[str, Any] = {"authority": "northshire"}
ANN_TEXTS = SAID | {"channel": "text", "said_by": ANN}
FACTS = Facts(authority="northshire", force="north-force", carers=(ANN,))
MISSING = events.ChildReportedMissing(**ANN_TEXTS)
BACK_CLAIMED = events.ChildReturnClaimed(**ANN_TEXTS)
NEVER_CLAIMED = events.MissingRetractionClaimed(**ANN_TEXTS)
FOUND_CLAIMED = events.ChildLocationClaimed(**ANN_TEXTS)
CLAIMS = (BACK_CLAIMED, NEVER_CLAIMED, FOUND_CLAIMED)
NOT_BACK = events.ReportRetracted(**ANN_TEXTS, retracts="return")
BACK = events.ChildReturned(**ANN_TEXTS, proof=Proof.HANDSET)
ON_WORD = Protocols(CURRENT.model_copy(update={"stand_down": StandDown.model_validate({"by-text": "word"})}))
MINUTES = 1 / 60
TEN = STANDS_FOR.total_seconds() / 3600
FITS = {
    ("text", Proof.HANDSET), ("force", Proof.FORCE), ("agency", Proof.AGENCY), ("console", Proof.PERSON),
    ("page", Proof.PERSON),
}  # fmt: skip
CHANNELS = ("text", "agency", "force", "console", "page", "mail")


def a_child(*history: Message, facts: Facts = FACTS, protocols: Protocols | None = None) -> OneChild:
    child = OneChild(CHILD, facts, protocols)
    for number, each in enumerate(history):
        child.hears(each, number * MINUTES)
    return child


def state(child: OneChild) -> EpisodeState:
    (episode,) = child.case.episodes.values()
    return episode.state


def wordings(decision: Decision) -> set[str]:
    return {str(each.wording) for each in decision.duties}


def open_about(child: OneChild, hour: float) -> set[str]:
    """The rules of what goes on or waits since what was said then."""
    since = START + timedelta(hours=hour)
    waiting = {each.rule for each in child.case.waiting.values() if each.cause.time == since and not each.stood_down}
    return waiting | {each.rule for each in child.case.duties.values() if each.cause.time == since and each.goes_on}


def rules(decision: Decision) -> list[str]:
    return [each.rule for each in decision.duties]


@pytest.mark.parametrize(("channel", "proof"), list(product(CHANNELS, [None, *Proof])))
@pytest.mark.parametrize(
    ("kind", "more", "ends"),
    [
        (events.ChildReturned, {}, EpisodeState.RETURNED),
        (events.ReportRetracted, {"retracts": "missing"}, EpisodeState.RETRACTED),
        (events.ChildLocated, {}, EpisodeState.LOCATED),
    ],
)
def test_each_channel_carries_one_proof_and_any_other_counts_as_none(
    channel: str, proof: Proof | None, kind: type[Message], more: dict[str, Any], ends: EpisodeState
) -> None:
    said = kind.model_validate(SAID | {"channel": channel, "said_by": ANN, "proof": proof} | more)
    child = a_child(MISSING, said)
    assert state(child) == (ends if (channel, proof) in FITS else EpisodeState.MISSING)


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_changes_no_duty_and_no_state(claim: Message) -> None:
    child = a_child(MISSING)
    before = child.case
    decision = child.hears(claim, 0.1)
    assert state(child) == EpisodeState.MISSING
    assert {name: child.case.duties[name] for name in before.duties} == before.duties
    assert all(child.case.waiting[name] == each for name, each in before.waiting.items())
    assert {each.act for each in decision.duties} == {"tell"}
    assert not any(isinstance(each, EpisodeChanged) and each.state != "missing" for each in decision.changes)


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize(("later", "heard"), [(TEN - MINUTES, False), (TEN, True)])
def test_the_same_claim_is_heard_once_in_ten_minutes(claim: Message, later: float, heard: bool) -> None:
    child = a_child(MISSING)
    told = wordings(child.hears(claim, 1))
    again = child.hears(claim, 1 + later)
    assert (wordings(again) == told) is heard
    assert (Verdict.ALREADY_SO in {each.verdict for each in again.decided}) is not heard


def test_another_claim_is_heard_although_one_stands() -> None:
    child = a_child(MISSING, BACK_CLAIMED)
    assert wordings(child.hears(NEVER_CLAIMED, 0.1)) == {"retraction-claimed-notice"}


def test_where_else_somebody_is_said_to_be_found_within_ten_minutes_is_told_as_new() -> None:
    words = ("words-00000000-0000-4000-8000-000000000001",)
    elsewhere = events.ChildLocationClaimed(**(ANN_TEXTS | {"said_by": BEN}), words=words)
    child = a_child(MISSING, FOUND_CLAIMED)
    assert wordings(child.hears(elsewhere, 0.1)) == {"missing-update"}


def test_after_a_newer_report_what_was_claimed_stands_no_longer_and_may_be_claimed_at_once() -> None:
    child = a_child(MISSING, BACK_CLAIMED, MISSING)
    (episode,) = child.case.episodes.values()
    assert episode.claims == ()
    assert "tell-police-return-claimed" in rules(child.hears(BACK_CLAIMED, 0.1))


@pytest.mark.parametrize("older", [MISSING, NOT_BACK], ids=["a report", "not back after all"])
@pytest.mark.parametrize("claim", CLAIMS)
def test_a_report_that_comes_late_settles_no_newer_claim(older: Message, claim: Message) -> None:
    child = a_child(MISSING)
    child.hears(NEVER_CLAIMED if claim is BACK_CLAIMED else BACK_CLAIMED, 0.25)
    child.hears(claim, 0.3)
    before, asked = open_about(child, 0.25), open_about(child, 0.3)
    child.hears(older, 0.4, came_about=0.27)
    assert open_about(child, 0.3) == asked
    assert open_about(child, 0.25) < before, "what was said before it is settled"
    assert child.hears(claim, 0.41).duties == [], "told just now, and it stands"


def test_who_is_asked_to_go_where_a_child_is_said_to_be_is_asked_still_when_it_is_reported_again() -> None:
    child = a_child(MISSING, FOUND_CLAIMED)
    child.hears(events.ChildReportedMissing(**(ANN_TEXTS | {"said_by": BEN})), 0.1)
    assert "child-said-to-be-found-is-gone-to" in open_about(child, MINUTES)


@pytest.mark.parametrize("said_by", [ANN, None])
def test_that_a_child_is_not_back_after_all_settles_a_claim_whoever_says_so(said_by: str | None) -> None:
    child = a_child(MISSING, BACK_CLAIMED)
    not_back = events.ReportRetracted(**(ANN_TEXTS | {"said_by": said_by}), retracts="return")
    assert "missing-update" in wordings(child.hears(not_back, 0.1))
    stood_down = {each.rule for each in child.case.waiting.values() if each.stood_down}
    assert {"carer-is-asked-to-confirm", "carer-is-rung-to-confirm"} <= stood_down
    assert child.hears(not_back, 0.2).duties == []


def test_a_stranger_who_says_that_a_child_is_not_back_starts_the_search_again() -> None:
    child = a_child(MISSING, BACK)
    child.hears(events.ReportRetracted(**SAID, channel="text", retracts="return"), 1)
    assert state(child) == EpisodeState.MISSING


def test_a_claim_about_an_episode_that_is_over_is_told_to_nobody() -> None:
    child = a_child(MISSING, BACK)
    for claim in (BACK_CLAIMED, FOUND_CLAIMED):
        assert child.hears(claim, 1).duties == []
    assert rules(child.hears(NEVER_CLAIMED, 1)) == ["verify-retraction"]


def test_home_office_and_partners_hear_of_what_is_proven_alone() -> None:
    child = a_child(MISSING)
    roles = {str(duty.role) for claim in CLAIMS for duty in child.hears(claim, 1).duties}
    assert {each for each in roles if not each.startswith(("duty.", "carer"))} == {"police.control-room"}


@pytest.mark.parametrize(
    ("claim", "ends"),
    [
        (BACK_CLAIMED, EpisodeState.RETURNED),
        (NEVER_CLAIMED, EpisodeState.RETRACTED),
        (FOUND_CLAIMED, EpisodeState.LOCATED),
    ],
)
@pytest.mark.parametrize(
    ("facts", "said_by", "proven"),
    [
        (FACTS, ANN, True),
        (FACTS, BEN, False),
        (FACTS, None, False),
        (FACTS.model_copy(update={"carers": None}), ANN, False),
    ],
    ids=["own carer", "another", "a stranger", "nobody knows who cares"],
)
def test_where_the_authority_s_rules_say_so_the_word_of_the_child_s_own_carer_is_enough(
    claim: Message, ends: EpisodeState, facts: Facts, said_by: str | None, proven: bool
) -> None:
    child = a_child(MISSING, facts=facts, protocols=ON_WORD)
    child.hears(claim.model_copy(update={"said_by": said_by}), 0.1)
    assert state(child) == (ends if proven else EpisodeState.MISSING)


@pytest.mark.parametrize(("protocols", "on_word"), [(ON_WORD, True), (None, False)])
def test_carers_learn_whether_their_word_is_enough(protocols: Protocols | None, on_word: bool) -> None:
    child = OneChild(CHILD, FACTS, protocols)
    (changed,) = [each for each in child.hears(MISSING).changes if isinstance(each, EpisodeChanged)]
    assert changed.ends_on_word is on_word
    child.hears(events.ChildReturned(**ANN_TEXTS, proof=Proof.WORD), 0.1)
    assert state(child) == (EpisodeState.RETURNED if on_word else EpisodeState.MISSING)


def test_a_return_nobody_reported_opens_an_episode_that_is_over_and_starts_its_clocks() -> None:
    child = OneChild(CHILD, FACTS)
    decision = child.hears(BACK, 0)
    (episode,) = child.case.episodes.values()
    assert (episode.state, episode.unreported, episode.opened_at) == ("returned", True, episode.returned_at)
    (police,) = [each for each in decision.duties if isinstance(each, PoliceNotify)]
    assert (police.missing_since, police.returned_at) == (None, episode.returned_at)
    assert {"return-unreported", "returned-notice"} <= wordings(decision)
    waiting = {each.rule for each in child.case.waiting.values()}
    assert {"safe-and-well-check-outstanding", "return-interview-not-offered"} <= waiting
    assert child.case.record.opened == (episode.opened_at,)


@pytest.mark.parametrize(("hours", "opens"), [(12, False), (12 + MINUTES, True)])
def test_a_return_is_said_again_for_half_a_day_and_after_that_is_of_another_absence(hours: float, opens: bool) -> None:
    child = a_child(MISSING)
    child.hears(BACK, 1)
    assert bool(child.hears(BACK, 1 + hours).duties) is opens
    assert len(child.case.episodes) == (2 if opens else 1)


def test_of_an_episode_that_it_names_a_return_is_never_of_another() -> None:
    child = a_child(MISSING)
    child.hears(BACK, 1)
    (name,) = child.case.episodes
    by_force = events.ChildReturned(**SAID, channel="force", proof=Proof.FORCE, episode=name)
    assert child.hears(by_force, 50).duties == []


def test_in_an_exercise_nobody_is_back_who_was_not_missing() -> None:
    child = OneChild(CHILD, FACTS)
    for each in (BACK, BACK_CLAIMED):
        assert child.hears(each, 1, exercise=True).duties == []
    assert child.case.episodes == {}


def test_a_claim_of_a_child_whom_nobody_reported_opens_nothing_and_comes_to_a_person() -> None:
    child = OneChild(CHILD, FACTS)
    child.hears(BACK_CLAIMED)
    assert child.case.episodes == {}
    assert child.waiting.rule == "return-nobody-reported-is-asked-about"
    child.hears(BACK, 0.1)
    assert all(
        each.stood_down for each in child.case.waiting.values() if each.rule == "return-nobody-reported-is-asked-about"
    )
