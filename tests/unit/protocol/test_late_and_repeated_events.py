"""What comes again, or so late that something else has happened since: it changes nothing and tells nobody anything."""

import pytest

from services.protocol.policy.case import HEARD_KEPT, Facts
from services.protocol.policy.draft import Decision
from services.safeguarding.child_events import care_events, discussion_events, events
from services.safeguarding.duty.decisions import EpisodeState, Verdict
from services.safeguarding.message import Message
from tests.support.histories.one_child import CHILD, OneChild

UNKNOWN = "provisional-00000000-0000-4000-8000-000000000002"
SAID = {"authority": "northshire"}
FACTS = Facts(authority="northshire", force="north-force")
MISSING = events.ChildReportedMissing(**SAID, channel="agency")
SEEN = events.ChildLocated(**SAID, proof=events.Proof.AGENCY)
BACK = events.ChildReturned(**SAID, proof=events.Proof.AGENCY)
FALSE_ALARM = events.ReportRetracted(**SAID, channel="agency", retracts="missing", proof=events.Proof.AGENCY)
NOT_BACK = events.ReportRetracted(**SAID, channel="agency", retracts="return", proof=events.Proof.AGENCY)
LURED = events.ChildLuringSuspected(**SAID)
HELD = discussion_events.StrategyDiscussionHeld(**SAID, form="urgent", section_47="under-way")
CALLED_OFF = discussion_events.StrategyDiscussionCancelled(**SAID)
IDENTIFIED = care_events.ChildIdentified(**SAID, child=CHILD)


class Child(OneChild):
    def __init__(self, name: str = CHILD) -> None:
        super().__init__(name, FACTS)

    @property
    def states(self) -> list[EpisodeState]:
        return [each.state for each in self.case.episodes.values()]


def verdicts(decision: Decision) -> list[Verdict]:
    return [each.verdict for each in decision.decided]


def test_a_return_that_was_taken_back_does_not_count_when_it_is_said_once_more() -> None:
    child = Child()
    for hour, content in enumerate((MISSING, BACK, NOT_BACK)):
        child.hears(content, hour)
    told = child.hears(BACK, 3, came_about=1).duties
    assert child.states == [EpisodeState.MISSING]
    assert [each.rule for each in told] == ["verify-return"], "a person finds out which of the two holds"


def test_nor_does_what_was_seen_before_it() -> None:
    child = Child()
    for hour, content in enumerate((MISSING, SEEN, BACK, NOT_BACK)):
        child.hears(content, hour)
    assert verdicts(child.hears(SEEN, 4, came_about=1)) == [Verdict.TOO_OLD]
    assert child.states == [EpisodeState.MISSING]


@pytest.mark.parametrize("ends", [BACK, FALSE_ALARM])
@pytest.mark.parametrize(("old", "came_about"), [(MISSING, 1), (BACK, 2), (FALSE_ALARM, 2)])
def test_what_is_older_than_the_end_of_one_episode_says_nothing_of_the_next(
    ends: Message, old: Message, came_about: float
) -> None:
    child = Child()
    child.hears(MISSING)
    child.hears(ends, 2)
    child.hears(MISSING, 3)
    before = child.states
    decision = child.hears(old, 4, came_about=came_about)
    assert (verdicts(decision), decision.duties, child.states) == ([Verdict.TOO_OLD], [], before)


def test_a_report_between_two_episodes_belongs_to_the_one_that_is_open() -> None:
    child = Child()
    for hour, content in enumerate((MISSING, BACK)):
        child.hears(content, hour)
    child.hears(MISSING, 5)
    told = child.hears(MISSING, 6, came_about=3).duties
    assert "tell-police-of-new-report" in {each.rule for each in told}


def test_and_so_does_one_that_an_episode_which_came_along_has_outlasted() -> None:
    nobody, child = Child(UNKNOWN), Child()
    for hour, content in ((0, MISSING), (3, FALSE_ALARM)):
        nobody.hears(content, hour)
    child.hears(MISSING, 1)
    child.hears(IDENTIFIED, 4, nobody.case)
    told = child.hears(MISSING, 5, came_about=2).duties
    assert "tell-police-of-new-report" in {each.rule for each in told}


def test_of_one_moment_what_was_heard_first_does_not_hold_when_it_comes_again() -> None:
    child = Child()
    child.hears(MISSING, 0)
    child.hears(BACK, 1, name="back")
    child.hears(MISSING, 1)
    decision = child.hears(BACK, 2, came_about=1, name="back")
    assert (verdicts(decision), decision.duties) == ([Verdict.ALREADY_SO], [])
    assert child.states == [EpisodeState.RETURNED, EpisodeState.MISSING]


def test_of_two_episodes_that_opened_in_one_moment_the_later_one_is_meant() -> None:
    child = Child()
    for content in (MISSING, BACK, MISSING, MISSING):
        child.hears(content, 1)
    assert child.states == [EpisodeState.RETURNED, EpisodeState.MISSING]
    child.hears(BACK, 2)
    child.hears(NOT_BACK, 3)
    assert child.states == [EpisodeState.RETURNED, EpisodeState.MISSING]


def test_what_was_told_of_an_episode_that_is_forgotten_is_not_told_again_of_the_next() -> None:
    child = Child()
    child.hears(MISSING)
    assert child.hears(LURED, 1, name="lured").duties
    child.hears(FALSE_ALARM, 2)
    child.hears(MISSING, 3)
    again = child.hears(LURED, 4, came_about=1, name="lured")
    assert (verdicts(again), again.duties) == ([Verdict.ALREADY_SO], [])


def test_a_case_remembers_only_what_it_read_last() -> None:
    child = Child()
    for number in range(HEARD_KEPT + 1):
        child.hears(LURED, number)
    assert child.case.heard == tuple(f"{CHILD} {number}" for number in range(2, HEARD_KEPT + 2))


def test_what_was_read_of_a_child_nobody_knew_is_read_also_once_it_is_known_who_it_is() -> None:
    nobody, child = Child(UNKNOWN), Child()
    nobody.hears(MISSING, 0)
    nobody.hears(MISSING, 1, name="second")
    child.hears(IDENTIFIED, 2, nobody.case)
    again = child.hears(MISSING, 3, came_about=1, name="second")
    assert (verdicts(again), again.duties) == ([Verdict.ALREADY_SO], [])


def test_an_open_episode_that_came_along_is_the_child_s_also_where_a_later_one_is_over() -> None:
    nobody, child = Child(UNKNOWN), Child()
    nobody.hears(MISSING, 0)
    for hour, content in ((1, MISSING), (2, BACK)):
        child.hears(content, hour)
    child.hears(IDENTIFIED, 3, nobody.case)
    child.hears(MISSING, 4)
    assert child.states == [EpisodeState.RETURNED, EpisodeState.MISSING]


@pytest.mark.parametrize("over", [HELD, CALLED_OFF])
def test_nobody_is_invited_anew_to_a_discussion_that_is_over_when_the_return_was_a_mistake(over: Message) -> None:
    child = Child()
    invited = {each.rule for each in child.hears(MISSING, 0).duties if each.rule.startswith("invite-")}
    child.hears(over, 1)
    child.hears(BACK, 2)
    told = {each.rule for each in child.hears(NOT_BACK, 3).duties if each.act == "tell"}
    assert invited
    assert not told & invited
