"""A case that moves: which episode follows the child, which duties change hands, and what of two cases is one after it."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.protocol.policy.case import Case, Episode, Facts, Record
from services.protocol.policy.draft import Decision, Protocols
from services.safeguarding.child_events import care_events, events
from services.safeguarding.child_events.events import RuleDue
from services.safeguarding.duty.decisions import DutyChanged, EpisodeChanged, EpisodeState, Verdict
from services.safeguarding.duty.duties import DutyAccepted, DutyAcknowledged, DutyFailed
from tests.support.histories.one_child import CHILD, START, OneChild
from tests.support.histories.own_rules import only

UNKNOWN = "provisional-00000000-0000-4000-8000-000000000002"
ANN = "person-00000000-0000-4000-8000-00000000000a"
HOME = "placement-00000000-0000-4000-8000-000000000003"
ELSEWHERE = "placement-00000000-0000-4000-8000-000000000004"
SAID = {"authority": "northshire"}
FACTS = Facts(authority="northshire", force="north-force", placement=HOME)
MISSING = events.ChildReportedMissing(**SAID, said_by=ANN, channel="text")
LOCATED = events.ChildLocated(**SAID, proof=events.Proof.AGENCY)
BACK = events.ChildReturned(**SAID, proof=events.Proof.AGENCY)
FALSE_ALARM = events.ReportRetracted(**SAID, retracts="missing", proof=events.Proof.AGENCY)
CLOSED = events.PoliceClosed(**SAID, force="north-force", reply="r")
PLACED = care_events.PlacementChanged(**SAID)
TRANSFERRED = care_events.ChildTransferred(**SAID, to="westmere")
IDENTIFIED = care_events.ChildIdentified(**SAID, child=CHILD)
ASKED = {"id": "asked", "on": "child.reported-missing", "until": ["child.returned"]}
MOVED = {"id": "moved", "on": "episode.moved"}


class Child(OneChild):
    def __init__(self, *rules: dict[str, Any], name: str = CHILD, facts: Facts = FACTS) -> None:
        super().__init__(name, facts, only(*rules))

    @property
    def episode(self) -> Episode:
        (found,) = self.case.episodes.values()
        return found

    def is_at(self, placement: str | None, force: str | None = "north-force") -> None:
        self.facts = FACTS.model_copy(update={"placement": placement, "force": force})


def rules(decision: Decision) -> list[str]:
    return [each.rule for each in decision.duties if each.act == "tell"]


@pytest.mark.parametrize(
    ("before", "placement", "force", "followed", "told"),
    [
        (HOME, ELSEWHERE, "south-force", (ELSEWHERE, "south-force"), True),
        (HOME, ELSEWHERE, "north-force", (ELSEWHERE, "north-force"), True),
        (HOME, ELSEWHERE, None, (ELSEWHERE, "north-force"), True),
        (HOME, HOME, "south-force", (HOME, "north-force"), False),
        (HOME, None, "south-force", (HOME, "north-force"), False),
        (None, ELSEWHERE, "south-force", (ELSEWHERE, "south-force"), True),
    ],
    ids=["another force", "same force", "force not known", "same placement", "nowhere", "first placement known"],
)
def test_an_open_episode_follows_the_child_to_another_placement_and_that_is_told(
    before: str | None, placement: str | None, force: str | None, followed: tuple[str, str], told: bool
) -> None:
    child = Child(MOVED)
    child.is_at(before)
    child.hears(MISSING)
    child.is_at(placement, force)
    decision = child.hears(PLACED, 1)
    assert (child.episode.placement, child.episode.force) == followed
    assert [(each.rule, each.episode) for each in decision.duties] == [("moved", child.episode.episode)] * told


def notice_to_new_force(child: OneChild) -> Any:
    """Of the child's move to another force's area, two hours after the start."""
    child.facts = FACTS.model_copy(update={"placement": ELSEWHERE, "force": "south-force"})
    moved = child.hears(PLACED, 2).duties
    [notice] = [each for each in moved if each.force == "south-force" and each.channel == "webhook"]
    return notice


def test_a_force_that_a_child_moves_to_has_the_words_that_the_force_before_was_told() -> None:
    child = OneChild(CHILD, FACTS)
    report, again, heard = [f"words-00000000-0000-4000-8000-00000000000{each}" for each in range(1, 4)]
    child.hears(MISSING.model_copy(update={"words": (report,)}))
    child.hears(MISSING.model_copy(update={"words": (again, report)}), 0.5)
    child.hears(events.ChildInformationReceived(**SAID, words=(heard,)), 1)
    notice = notice_to_new_force(child)
    assert notice.words == (report, again, heard)


def test_a_force_that_a_located_child_moves_to_hears_that_it_is_located_once_it_has_the_report() -> None:
    child = OneChild(CHILD, FACTS)
    child.hears(MISSING)
    child.hears(LOCATED, 1)
    first = notice_to_new_force(child)
    assert (first.wording, first.refers_to) == ("missing-notice", None)
    taken = DutyAccepted(**SAID, duty=first.duty, step=0)
    [told] = child.hears(taken, 2.01).duties
    assert (told.force, told.wording, told.refers_to) == ("south-force", "located-notice", first.telling)
    lost = child.hears(MISSING, 3).duties
    assert ("withdraw", told.duty) in [(each.act, each.duty) for each in lost]


def test_a_force_that_a_missing_child_moves_to_hears_nothing_of_whereabouts() -> None:
    child = OneChild(CHILD, FACTS)
    child.hears(MISSING)
    first = notice_to_new_force(child)
    told = child.hears(DutyAccepted(**SAID, duty=first.duty, step=0), 2.01).duties
    assert "located-notice" not in {each.wording for each in told}


def test_a_force_of_both_placements_is_told_of_the_new_one_and_has_no_second_notice() -> None:
    child = OneChild(CHILD, FACTS)
    child.hears(MISSING.model_copy(update={"words": ("words-00000000-0000-4000-8000-000000000001",)}))
    child.facts = FACTS.model_copy(update={"placement": ELSEWHERE, "host_authority": "eastmere"})
    moved = child.hears(PLACED, 1).duties
    [told] = [each for each in moved if each.role == "police.control-room"]
    assert (told.wording, told.force, told.placement, told.words) == ("missing-update", "north-force", ELSEWHERE, ())
    [host] = [each for each in moved if each.role == "host.duty-desk" and each.wording == "missing-notice"]
    assert host.placement == ELSEWHERE


@pytest.mark.parametrize("before", [HOME, None], ids=["the placement was known", "nor was the placement"])
@pytest.mark.parametrize("rung", [False, True])
def test_a_force_that_is_learnt_after_the_report_has_its_notice_and_nobody_is_to_ring_police_any_more(
    before: str | None, rung: bool
) -> None:
    child = OneChild(CHILD, FACTS.model_copy(update={"placement": before, "force": None}))
    (notice,) = [each for each in child.hears(MISSING).duties if each.rule == "tell-police-missing"]
    child.hears(DutyFailed(**SAID, duty=notice.duty, step=0, reason="nobody-in-role"), 0.01)
    if rung:
        child.hears(DutyAcknowledged(**SAID, duty=notice.duty, step=1, how="phoned"), 0.5)
    child.facts = FACTS
    learnt = child.hears(events.ChildRecordChanged(**SAID), 1).duties
    to_police = [each for each in learnt if each.role == "police.control-room" and each.act == "tell"]
    assert [(each.wording, each.force) for each in to_police] == [("missing-notice", "north-force")]
    assert not child.case.duties[notice.duty].goes_on
    assert [each for each in child.hears(events.ChildRecordChanged(**SAID), 2).duties if each.act == "tell"] == []
    back = child.hears(BACK, 3).duties
    assert [
        each.force for each in back if each.wording == "returned-notice" and each.role == "police.control-room"
    ] == ["north-force"]


def test_of_a_transfer_to_another_placement_of_one_force_that_force_is_told_once() -> None:
    child = OneChild(CHILD, FACTS)
    child.hears(MISSING)
    child.facts = FACTS.model_copy(update={"placement": ELSEWHERE})
    moved = child.hears(TRANSFERRED, 1).duties
    assert [each.rule for each in moved if each.role == "police.control-room"] == ["police-hear-of-new-authority"]


@pytest.mark.parametrize(
    ("happens", "rule"),
    [(TRANSFERRED, "receiving-worker-hears-of-episode"), (IDENTIFIED, "tell-social-worker-who-it-is")],
    ids=["transferred", "identified"],
)
def test_at_night_a_social_worker_hears_of_it_at_nine_and_nobody_is_told_that_they_did_not_answer(
    happens: Any, rule: str
) -> None:
    unknown, child = OneChild(UNKNOWN, FACTS), OneChild(CHILD, FACTS)
    is_identified = happens is IDENTIFIED
    (unknown if is_identified else child).hears(MISSING)
    decision = child.hears(happens, 1, unknown.case if is_identified else None)
    assert rule not in rules(decision)
    [due_at] = [each.due_at for each in decision.deadlines if getattr(each.content, "rule", "") == rule]
    assert due_at == START + timedelta(hours=15), "at nine"


def test_an_episode_that_is_over_follows_nobody() -> None:
    child = Child(MOVED)
    child.hears(MISSING)
    child.hears(BACK, 1)
    child.is_at(ELSEWHERE, "south-force")
    assert (rules(child.hears(PLACED, 2)), child.episode.placement) == ([], HOME)


def test_with_a_transfer_each_episode_that_is_not_over_and_each_unanswered_duty_change_hands() -> None:
    child = Child(ASKED, MOVED)
    for hour, said in enumerate((MISSING, FALSE_ALARM, MISSING, BACK, CLOSED, MISSING, BACK, MISSING)):
        child.hears(said, hour)
    *_, ended = child.case.duties.values()
    child.hears(DutyAcknowledged(**SAID, duty=ended.duty, step=0, how="text"), 8)
    child.hears(events.ReportRetracted(**SAID, retracts="missing", proof=events.Proof.AGENCY), 9)
    (answered,) = child.hears(MISSING, 10).duties
    child.is_at(ELSEWHERE, "south-force")
    moved = child.hears(TRANSFERRED, 11)
    authorities = {each.state: each.authority for each in child.case.episodes.values()}
    assert authorities == {
        EpisodeState.RETRACTED: "northshire",
        EpisodeState.CLOSED: "northshire",
        EpisodeState.RETURNED: "westmere",
        EpisodeState.MISSING: "westmere",
    }
    changed = [each for each in moved.changes if isinstance(each, DutyChanged)]
    assert answered.duty in {each.duty for each in changed}
    assert ended.duty not in {each.duty for each in changed}
    assert {each.authority for each in changed} == {"westmere"}
    assert rules(moved) == ["moved"], "the episode has followed in the same breath"
    kept = child.case.record
    assert (kept.authority, kept.former_authority) == ("westmere", "northshire")


@pytest.mark.parametrize(
    ("by", "how", "rule", "state"),
    [
        ("northshire", "page", {}, "overdue"),
        ("northshire", "text", {"deed": "review", "rests": "1h", "until": ["review.held"]}, "overdue"),
        ("westmere", "page", {}, "acknowledged"),
        ("northshire", "phoned", {}, "acknowledged"),
        ("northshire", "force", {"tell": "police.control-room", "by": "webhook"}, "acknowledged"),
    ],
)
def test_after_a_transfer_no_professional_of_the_authority_before_ends_or_rests_a_duty(
    by: str, how: str, rule: dict[str, Any], state: str
) -> None:
    child = Child({"id": "placed", "on": "placement.changed"} | rule)
    (told,) = child.hears(PLACED).duties
    child.hears(TRANSFERRED, 1)
    answer = {"authority": by, "duty": told.duty, "step": 0, "how": how}
    child.hears(DutyAcknowledged.model_validate(answer), 2)
    duty = child.case.duties[told.duty]
    assert (duty.state, duty.rest) == (state, None)


@pytest.mark.parametrize(("by", "ends"), [("northshire", True), ("westmere", False)])
def test_what_the_authority_before_is_asked_itself_it_answers_and_nobody_else(by: str, ends: bool) -> None:
    child = Child({"id": "former", "on": "child.transferred", "whose": "former"})
    (told,) = child.hears(TRANSFERRED).duties
    answer = {"authority": by, "duty": told.duty, "step": 0, "how": "page"}
    child.hears(DutyAcknowledged.model_validate(answer), 1)
    assert (told.authority, child.case.duties[told.duty].goes_on) == ("northshire", not ends)


def test_a_duty_of_the_former_authority_stays_with_it_through_the_next_transfer() -> None:
    child = Child({"id": "former", "on": "child.transferred", "whose": "former"})
    (first,) = child.hears(TRANSFERRED).duties
    child.hears(care_events.ChildTransferred(authority="westmere", to="eastmere"), 1)
    assert child.case.duties[first.duty].authority == "northshire"
    assert child.case.duties[first.duty].revision == 1


def test_until_the_register_names_the_receiver_it_is_responsible_all_the_same_beside_any_episode_too() -> None:
    child = Child({"id": "placed", "on": "placement.changed"})
    child.hears(TRANSFERRED)
    for register, responsible in (("northshire", "westmere"), ("westmere", "westmere"), ("eastmere", "eastmere")):
        child.facts = FACTS.model_copy(update={"authority": register})
        (duty,) = child.hears(PLACED, 1).duties
        assert (duty.authority, duty.episode) == (responsible, None)


def test_in_an_exercise_a_transfer_is_told_within_its_episode_and_hands_nothing_over() -> None:
    child = Child({"id": "told", "on": "child.transferred"})
    child.hears(MISSING, exercise=True)
    decision = child.hears(TRANSFERRED, 1, exercise=True)
    assert [(each.rule, each.episode) for each in decision.duties] == [("told", child.episode.episode)]
    assert (child.episode.authority, child.case.record.authority) == ("northshire", None)


@pytest.mark.parametrize(("name", "verdict"), [(CHILD, Verdict.ALREADY_SO), (UNKNOWN, Verdict.UNVERIFIED)])
def test_who_is_identified_as_somebody_else_than_the_case_s_own_child_is_settled_by_a_person(
    name: str, verdict: Verdict
) -> None:
    child = Child({"id": "settle", "on": "retraction.unverified"}, name=name)
    decision = child.hears(IDENTIFIED)
    assert (decision.decided[0].verdict, decision.decided[0].episode) == (verdict, None)
    assert rules(decision) == ["settle"] * (verdict == Verdict.UNVERIFIED)


def opened(*hours: float) -> Record:
    return Record(opened=tuple(START + timedelta(hours=each) for each in hours))


def test_of_two_cases_each_episode_is_counted_once_and_in_its_order() -> None:
    known, nobody = Child(ASKED), Child(ASKED, name=UNKNOWN)
    for hour, said in ((2.0, MISSING), (3.0, BACK), (6.0, MISSING)):
        known.hears(said, hour)
    for hour, said in ((1.0, MISSING), (2.5, BACK), (7.0, MISSING)):
        nobody.hears(said, hour)
    known.hears(IDENTIFIED, 8, joined=nobody.case)
    assert known.case.record.opened == opened(1, 2, 6).opened, "the newcomer's open one has become part of another"
    (merged,) = [each for each in known.case.episodes.values() if each.state == EpisodeState.MERGED]
    assert (merged.opened_at, merged.merged_into) == (START + timedelta(hours=7), _open(known.case).episode)


def _open(case: Case) -> Episode:
    (found,) = [each for each in case.episodes.values() if each.state == EpisodeState.MISSING]
    return found


def test_whose_child_it_is_is_so_of_the_newcomer_s_episode_too_and_who_it_may_have_been_is_forgotten() -> None:
    nobody = Child(ASKED, name=UNKNOWN, facts=FACTS.model_copy(update={"authority": "eastmere"}))
    nobody.hears(MISSING.model_copy(update={"candidates": (CHILD,)}))
    known = Child(ASKED, {"id": "known", "on": "child.identified"})
    decision = known.hears(IDENTIFIED, 1, joined=nobody.case)
    (changed,) = [each for each in decision.changes if isinstance(each, EpisodeChanged)]
    assert (changed.authority, changed.candidates, changed.state) == ("northshire", (), "missing")
    noted = decision.decided[0]
    assert (noted.verdict, noted.episode) == (Verdict.MERGED, known.episode.episode)
    assert [(each.rule, each.episode) for each in decision.duties] == [("known", known.episode.episode)]


def test_in_an_exercise_nothing_real_is_taken_from_the_other_case() -> None:
    known = Child()
    other = Case(child=UNKNOWN, watched_since=START, leave_expires_on=date(2027, 3, 1), record=opened(1))
    known.hears(IDENTIFIED, 1, joined=other, exercise=True)
    assert (known.case.watched_since, known.case.leave_expires_on) == (None, None)
    assert known.case.record == Record()


def newer(*changed: dict[str, Any], closing: tuple[str, ...] = ("police-closed",)) -> Protocols:
    before = only(ASKED | STEPS, WAITS, SERIES, BY_DAY)
    now = only(*changed, hash="newer", closing=closing)
    return Protocols(now.current, {before.current.hash: before.current})


STEPS = {"otherwise": [{"after": "10m", "tell": "duty.senior-manager", "by": "text", "repeat": "10m"}]}
WAITS = {"id": "waits", "on": "child.reported-missing", "period": "5h", "until": ["child.located"]}
SERIES = {"id": "comes-again", "on": "child.reported-missing", "period": "5h", "every": "24h"}
BY_DAY = {"id": "by-day", "on": "child.reported-missing", "period": "5h", "hours": "working"}


def of_rule(decision: Decision) -> dict[str, tuple[float, int]]:
    return {
        each.content.rule: ((each.due_at - START) / timedelta(hours=1), each.version)
        for each in decision.deadlines
        if isinstance(each.content, RuleDue)
    }


def test_an_episode_that_moves_to_a_newer_protocol_takes_along_what_still_waits_and_leaves_what_does_not() -> None:
    child = Child(ASKED | STEPS, WAITS, SERIES, BY_DAY)
    child.hears(MISSING)
    gone = {"id": "another", "on": "child.reported-missing", "period": "9h"}
    over = {"id": "over", "on": "child.reported-missing", "period": "2h"}
    child.protocols = newer(
        WAITS | {"period": "7h"}, SERIES | {"period": "7h"}, BY_DAY, gone, over, ASKED | {"id": "unasked"}
    )
    decision = child.hears(care_events.EpisodeProtocolMoved(**SAID, episode=child.episode.episode), 2)
    assert of_rule(decision) == {"waits": (7, 2), "comes-again": (5, 2), "by-day": (15, 2), "another": (9, 1)}
    assert {each.rule: each.protocol for each in child.case.waiting.values()} == dict.fromkeys(
        ("waits", "comes-again", "by-day", "another"), "newer"
    )
    (duty,) = child.case.duties.values()
    assert (duty.rule, duty.protocol, duty.passed) == ("asked", "own", 0), "a rule that is no more goes on as it was"
    assert decision.duties == []
    again = child.hears(care_events.EpisodeProtocolMoved(**SAID, episode=child.episode.episode), 3)
    noted = [(each.verdict, each.episode) for each in (decision.decided[0], *again.decided)]
    assert noted == [(each, child.episode.episode) for each in (Verdict.CHANGED, Verdict.ALREADY_SO)]


def test_what_was_stood_down_or_is_of_another_episode_does_not_move() -> None:
    child = Child(ASKED, WAITS)
    child.hears(MISSING)
    child.hears(events.ChildLocated(**SAID, proof=events.Proof.AGENCY), 1)
    child.protocols = newer(ASKED, WAITS)
    decision = child.hears(care_events.EpisodeProtocolMoved(**SAID, episode=child.episode.episode), 2)
    assert of_rule(decision) == {}
    assert [each.protocol for each in child.case.waiting.values()] == ["own"]


@pytest.mark.parametrize(("minutes", "passed"), [(9, 0), (10, 1), (11, 1)])
def test_a_duty_that_moves_has_passed_the_steps_whose_minutes_are_over(minutes: int, passed: int) -> None:
    child = Child(ASKED)
    child.hears(MISSING)
    child.protocols = newer(ASKED | STEPS)
    child.hears(care_events.EpisodeProtocolMoved(**SAID, episode=child.episode.episode), minutes / 60)
    (duty,) = child.case.duties.values()
    assert (duty.protocol, duty.passed, duty.next_at) == ("newer", passed, START + timedelta(minutes=10))


def test_an_episode_closes_by_the_protocol_by_which_it_goes() -> None:
    child = Child(ASKED)
    child.hears(MISSING)
    child.protocols = newer(ASKED, closing=("safe-and-well-check",))
    child.hears(BACK, 1)
    states = []
    for hour, said in enumerate((events.SafeAndWellCheckRecorded(**SAID), CLOSED), 2):
        child.hears(said, hour)
        states.append(child.episode.state)
    assert states == [EpisodeState.RETURNED, EpisodeState.CLOSED]


def told_of_child(decision: Decision) -> list[str]:
    """Those who are told of an absence, or asked, for what the child is."""
    return [each for each in rules(decision) if each in OF_CHILD]


OF_CHILD = (
    "senior-manager-hears-of-young-child",
    "tell-reviewing-officer-missing",
    "social-worker-decides-about-parents-today",
    "duty-worker-decides-about-parents-tonight",
)
YOUNG = FACTS.model_copy(update={"adult_on": date(2033, 1, 1), "unaccompanied": False})
TOLD = [OF_CHILD[0], OF_CHILD[3]]
"""By night: the reviewing officer hears at nine."""


def test_who_must_hear_of_this_very_child_hears_once_it_is_known_who_is_missing() -> None:
    nobody = OneChild(UNKNOWN, FACTS)
    assert told_of_child(nobody.hears(MISSING)) == []
    known = OneChild(CHILD, YOUNG)
    assert sorted(told_of_child(known.hears(IDENTIFIED, 1, joined=nobody.case))) == sorted(TOLD)
    by_day = OneChild(CHILD, YOUNG)
    assert {OF_CHILD[1], OF_CHILD[2]} <= set(told_of_child(by_day.hears(IDENTIFIED, 15.5, joined=nobody.case)))


def test_who_heard_of_a_child_that_was_reported_by_name_does_not_hear_again_when_another_report_is_of_it() -> None:
    nobody, known = OneChild(UNKNOWN, FACTS), OneChild(CHILD, YOUNG)
    nobody.hears(MISSING)
    assert sorted(told_of_child(known.hears(MISSING, 0.5))) == sorted(TOLD)
    assert told_of_child(known.hears(IDENTIFIED, 1, joined=nobody.case)) == []


def test_of_an_absence_that_is_over_when_it_is_known_who_was_missing_they_hear_nothing() -> None:
    nobody = OneChild(UNKNOWN, FACTS)
    nobody.hears(MISSING)
    nobody.hears(BACK, 0.5)
    assert told_of_child(OneChild(CHILD, YOUNG).hears(IDENTIFIED, 1, joined=nobody.case)) == []


def test_they_hear_of_a_child_whom_nobody_had_reported_once_it_is_not_back() -> None:
    child = OneChild(CHILD, YOUNG)
    assert told_of_child(child.hears(BACK)) == []
    not_back = child.hears(events.ReportRetracted(**SAID, retracts="return"), 1)
    assert sorted(told_of_child(not_back)) == sorted(TOLD)


def to_host(decision: Decision) -> list[str]:
    return [each.wording for each in decision.duties if each.role == "host.duty-desk" and each.act == "tell"]


@pytest.mark.parametrize(
    ("host", "receiver", "first", "then"),
    [
        ("northshire", "westmere", [], ["missing-notice"]),
        ("eastmere", "westmere", ["missing-notice"], []),
        ("westmere", "westmere", ["missing-notice"], []),
    ],
    ids=["the giver", "a third", "the receiver"],
)
def test_the_authority_of_the_area_hears_once_that_the_child_is_missing_and_how_it_ends(
    host: str, receiver: str, first: list[str], then: list[str]
) -> None:
    child = OneChild(CHILD, FACTS.model_copy(update={"host_authority": host}))
    for hours, (said, told) in enumerate(((MISSING, first), (TRANSFERRED.model_copy(update={"to": receiver}), then))):
        decision = child.hears(said, hours)
        assert to_host(decision) == told
        for each in decision.duties:
            if each.role == "host.duty-desk":
                child.hears(DutyAccepted(**SAID, duty=each.duty, step=0), hours)
    assert to_host(child.hears(BACK, 2)) == ["returned-notice"]


def test_the_authority_of_a_new_area_hears_of_a_child_who_is_transferred_and_moves_at_once() -> None:
    child = OneChild(CHILD, FACTS.model_copy(update={"host_authority": "eastmere"}))
    assert to_host(child.hears(MISSING)) == ["missing-notice"]
    child.facts = FACTS.model_copy(update={"host_authority": "westmere", "placement": ELSEWHERE, "force": "west-force"})
    assert to_host(child.hears(TRANSFERRED.model_copy(update={"to": "southmere"}), 1)) == ["missing-notice"]


def test_the_authority_of_the_area_hears_of_no_transfer_of_a_child_at_home() -> None:
    child = OneChild(CHILD, FACTS.model_copy(update={"host_authority": "northshire"}))
    assert to_host(child.hears(TRANSFERRED)) == []
