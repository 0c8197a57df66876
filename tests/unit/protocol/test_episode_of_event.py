"""A word that names an episode is about that one: it neither ends nor changes another that has opened since."""

from typing import Any
from uuid import UUID

import pytest

from services.protocol.policy.case import Facts
from services.protocol.policy.draft import Decision
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.safeguarding.child_events import events
from services.safeguarding.duty.decisions import EpisodeState, Verdict
from services.safeguarding.message import Message
from tests.support.histories.one_child import CHILD, OneChild
from tests.support.histories.own_rules import only

SAID = {"authority": "northshire"}
MISSING = events.ChildReportedMissing(**SAID)
BACK = events.ChildReturned(**SAID, proof=events.Proof.AGENCY)
EVERY_WORD = only(*({"id": each.replace(".", "-"), "on": each} for each in Trigger))
UNKNOWN = UUID(int=5)


class Child(OneChild):
    """Missing, back after five hours, and missing again since the fifteenth."""

    def __init__(self) -> None:
        super().__init__(CHILD, Facts(authority="northshire", force="north-force"), EVERY_WORD)
        self.hears(MISSING)
        self.hears(BACK, 5)
        self.hears(MISSING, 15)
        self.first, self.second = self.case.episodes

    def states(self) -> list[EpisodeState]:
        return [each.state for each in self.case.episodes.values()]


def words(decision: Decision) -> list[str]:
    return [each.rule for each in decision.duties if each.act == "tell"]


def verdict(decision: Decision) -> tuple[Verdict, UUID | None]:
    return decision.decided[0].verdict, decision.decided[0].episode


UNTOUCHED = [EpisodeState.RETURNED, EpisodeState.MISSING]
SAYS: list[tuple[type[Message], dict[str, Any], str, EpisodeState]] = [
    (events.ChildReturned, {"proof": "agency"}, "return-unverified", EpisodeState.RETURNED),
    (events.ChildLocated, {"proof": "agency"}, "return-unverified", EpisodeState.LOCATED),
    (
        events.ReportRetracted,
        {"retracts": "missing", "proof": "agency"},
        "retraction-unverified",
        EpisodeState.RETRACTED,
    ),
]


@pytest.mark.parametrize(("kind", "about", "unverified", "becomes"), SAYS)
def test_of_an_episode_that_is_over_nothing_is_said_of_the_next(
    kind: type[Message], about: dict[str, Any], unverified: str, becomes: EpisodeState
) -> None:
    child = Child()
    late = child.hears(kind.model_validate(SAID | about | {"episode": child.first}), 16, came_about=5.5)
    assert (words(late), verdict(late)) == ([], (Verdict.TOO_OLD, child.first))
    assert child.states() == UNTOUCHED


@pytest.mark.parametrize("named", ["first", "unknown"])
@pytest.mark.parametrize(("kind", "about", "unverified", "becomes"), SAYS)
def test_what_names_another_and_came_about_since_a_person_reads_and_nobody_is_stood_down(
    kind: type[Message], about: dict[str, Any], unverified: str, becomes: EpisodeState, named: str
) -> None:
    child = Child()
    episode = child.first if named == "first" else UNKNOWN
    heard = child.hears(kind.model_validate(SAID | about | {"episode": episode}), 16)
    assert (words(heard), verdict(heard)) == ([unverified], (Verdict.UNVERIFIED, child.second))
    assert child.states() == UNTOUCHED


@pytest.mark.parametrize("names_it", [False, True])
@pytest.mark.parametrize(("kind", "about", "unverified", "becomes"), SAYS)
def test_what_names_the_open_one_or_none_is_about_the_open_one(
    kind: type[Message], about: dict[str, Any], unverified: str, becomes: EpisodeState, names_it: bool
) -> None:
    child = Child()
    child.hears(kind.model_validate(SAID | about | {"episode": child.second if names_it else None}), 16)
    assert child.states() == [EpisodeState.RETURNED, becomes]


def test_a_return_to_an_episode_that_is_over_is_so_already_where_none_is_open() -> None:
    child = Child()
    child.hears(BACK, 16)
    again = child.hears(BACK.model_copy(update={"episode": child.first}), 17)
    assert (words(again), again.decided[0].verdict) == ([], Verdict.ALREADY_SO)


CHECK = events.SafeAndWellCheckRecorded(**SAID)


def checked(decision: Decision) -> list[UUID]:
    return [each.episode for each in decision.case.episodes.values() if each.met]


def test_a_check_counts_for_the_episode_that_it_names_and_for_those_before() -> None:
    child = Child()
    assert checked(child.hears(CHECK.model_copy(update={"episode": child.first}), 16)) == [child.first]
    child = Child()
    assert checked(child.hears(CHECK.model_copy(update={"episode": child.second}), 16)) == [child.first, child.second]
    child = Child()
    child.hears(BACK, 16)
    late = child.hears(CHECK.model_copy(update={"episode": child.first}), 17)
    assert checked(late) == [child.first], "the next return has no check yet"


@pytest.mark.parametrize("named", ["first", "unknown"])
def test_a_check_of_an_episode_that_is_closed_is_none_of_the_open_one(named: str) -> None:
    child = Child()
    closed = child.case.episodes[child.first].model_copy(update={"state": EpisodeState.CLOSED})
    child.case = child.case.model_copy(update={"episodes": {**child.case.episodes, child.first: closed}})
    episode = child.first if named == "first" else UNKNOWN
    late = child.hears(CHECK.model_copy(update={"episode": episode}), 16)
    assert (checked(late), late.decided[0].verdict) == ([], Verdict.TOO_OLD)
    assert child.case.episodes[child.second].met == frozenset()


def test_an_interview_that_names_an_episode_counts_up_to_that_one_and_for_none_that_opened_later() -> None:
    child = Child()
    child.hears(BACK, 20)
    done = {"state": "completed", "episode": child.first}
    assert words(child.hears(events.ReturnInterviewRecorded.model_validate(SAID | done), 21)) == [
        "return-interview-offered",
        "return-interview-done",
    ]
    assert [each.interview_offered for each in child.case.episodes.values()] == [True, False]
    child.hears(events.ReturnInterviewRecorded.model_validate(SAID | done | {"episode": child.second}), 22)
    assert [each.interview_offered for each in child.case.episodes.values()] == [True, True]


def test_an_interview_of_an_episode_nobody_knows_counts_for_none() -> None:
    child = Child()
    unknown = events.ReturnInterviewRecorded(**SAID, state="offered", episode=UNKNOWN)
    heard = child.hears(unknown, 16)
    assert (words(heard), verdict(heard)) == ([], (Verdict.TOO_OLD, None))


@pytest.mark.parametrize(("names", "known"), [(True, [True, False]), (False, [False, True])])
def test_a_reference_that_is_passed_on_is_of_the_episode_that_it_names_or_of_the_newest(
    names: bool, known: list[bool]
) -> None:
    child = Child()
    child.hears(events.PoliceReferenceTexted(**SAID, episode=child.first if names else None), 16)
    assert [each.reference_known for each in child.case.episodes.values()] == known
