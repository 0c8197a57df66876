"""What comes twice is done once, is recorded as known, and is known again by the same name after any update of ours."""

from datetime import date
from uuid import UUID

import pytest

from services.protocol.policy.case import Facts
from services.protocol.policy.decide import decide
from services.protocol.policy.draft import Decision, Happened
from services.protocol.policy.duties.tellings import message_of
from services.safeguarding.child_events import care_events, events
from services.safeguarding.duty.decisions import Verdict
from services.safeguarding.duty.duties import DutyAcknowledged
from services.safeguarding.identifiers import derived
from services.safeguarding.message import Message
from tests.support.histories.one_child import CHILD, START, OneChild
from tests.support.histories.own_rules import only

SAID = {"authority": "northshire"}
ANN = "person-00000000-0000-4000-8000-00000000000a"
FACTS = Facts(authority="northshire", force="north-force")
AT_ONCE = {"form": "urgent", "day": "1h", "night": "1h", "lasts": "1h", "warn": "5m", "answer": "5m"}
MISSING = events.ChildReportedMissing(**SAID, said_by=ANN, channel="text")


class Child(OneChild):
    def __init__(self) -> None:
        super().__init__(CHILD, FACTS)

    def hears_again(self, content: Message, name: str = "message", source: str = "") -> Decision:
        happened = Happened(content, name, CHILD, START, source=source)
        decision = decide(self.case, happened, self.facts, self.protocols, START)
        self.case = decision.case
        return decision

    def has_heard_much_since(self) -> None:
        """So that it cannot tell any more by the message alone."""
        self.case = self.case.model_copy(update={"heard": ()})


@pytest.mark.parametrize("report", [MISSING, events.ChildReportedMissing(**SAID)], ids=["texted", "from an agency"])
@pytest.mark.parametrize("added", [False, True], ids=["the report that opened", "a report that was added"])
def test_a_report_that_comes_again_is_known_of_its_episode_and_changes_nothing(report: Message, added: bool) -> None:
    child = Child()
    if added:
        child.hears(MISSING)
        report = MISSING
    child.hears_again(report)
    child.has_heard_much_since()
    before = child.case
    (episode,) = before.episodes
    again = child.hears_again(report)
    assert [(each.verdict, each.episode) for each in again.decided] == [(Verdict.ALREADY_SO, episode)]
    assert (again.duties, again.changes, child.case.episodes) == ([], [], before.episodes)


def test_a_duty_that_is_made_already_is_recorded_as_such_and_nobody_is_told_again() -> None:
    child = Child()
    child.hears(MISSING)
    (episode,) = child.case.episodes
    words = events.LocationEnquiryReceived(**SAID)
    told = child.hears_again(words).duties
    assert told
    child.has_heard_much_since()
    again = child.hears_again(words)
    noted = {(each.verdict, each.rule, each.duty, each.episode) for each in again.decided if each.duty is not None}
    assert noted == {(Verdict.ALREADY_SO, each.rule, each.duty, episode) for each in told}
    assert again.duties == []


def test_two_sources_may_use_one_name_for_what_are_two_reports() -> None:
    child = Child()
    child.hears_again(MISSING, source="/carers")
    child.hears_again(MISSING, source="/desk")
    (episode,) = child.case.episodes.values()
    assert [each.event for each in episode.reports] == ["/carers message", "/desk message"]


def test_of_two_children_two_authors_or_two_rules_no_two_duties_have_one_name() -> None:
    child, other = Child(), Child()
    other.case = other.case.model_copy(update={"child": CHILD.replace("0001", "0009")})
    told = [each.duty for one in (child, other) for name in "ab" for each in one.hears_again(MISSING, name).duties]
    assert len(set(told)) == len(told) > 4


def test_names_are_worked_out_as_they_always_were_so_that_what_comes_again_after_an_update_is_known() -> None:
    child = Child()
    child.protocols = only(
        {"id": "told", "on": "child.reported-missing"},
        {"id": "meets", "on": "review.due", "by": "invitation", "message": "strategy-discussion", "meets": AT_ONCE},
        {"id": "waits", "on": "child.reported-missing", "period": "1h"},
        {"id": "comes-again", "on": "child.reported-missing", "period": "1h", "every": "1h"},
        {"id": "of-the-child", "on": "review.due", "period": "1h", "every": "1h"},
        {
            "id": "before-it",
            "on": ["review.due", "protective-measures.recorded"],
            "before": {"date": "event.day", "by": ["1mo", "7d"]},
        },
    )
    child.hears_again(MISSING, "m", "/carers")
    child.hears_again(care_events.ReviewDue(**SAID, on=date(2027, 3, 1), review="pathway"), "r")
    child.hears_again(care_events.ProtectiveMeasuresRecorded(**SAID, supervision_until=date(2027, 3, 1)), "p")
    (episode,) = child.case.episodes
    assert episode == derived("episode", CHILD, "/carers m")
    assert {each.duty: each.refers_to for each in child.case.duties.values()} == {
        derived("duty", CHILD, "told", "/carers m", "duty.worker", "text", ""): None,
        derived("duty", CHILD, "meets", "r", "duty.worker", "invitation", ""): derived("discussion", CHILD, "r"),
    }
    assert list(child.case.waiting) == [
        derived("rule deadline", CHILD, "waits", "/carers m"),
        derived("series", CHILD, "comes-again", str(episode), "False"),
        derived("series", CHILD, "of-the-child", "", "False"),
        derived("date deadline", CHILD, "before-it", "1mo", "pathway"),
        derived("date deadline", CHILD, "before-it", "7d", "pathway"),
        derived("date deadline", CHILD, "before-it", "1mo"),
        derived("date deadline", CHILD, "before-it", "7d"),
    ]


def test_each_telling_and_each_withdrawal_is_a_message_of_its_own() -> None:
    duties = [UUID(int=1), UUID(int=2)]
    names = {message_of(duty, step, act) for duty in duties for step in (0, 1) for act in ("tell", "withdraw")}
    assert len(names) == 8


def test_each_telling_and_the_record_beside_it_say_the_same_revision() -> None:
    child = Child()
    child.protocols = only({"id": "asked", "on": "child.reported-missing", "until": ["child.returned"]})
    for hour, said in enumerate((MISSING, events.ChildReturned(**SAID, proof=events.Proof.AGENCY)), 1):
        decision = child.hears(said, hour)
        assert [each.revision for each in decision.duties] == [hour]
        assert [each.revision for each in decision.changes] == [hour, hour]


def test_what_has_been_answered_is_not_ended_a_second_time() -> None:
    child = Child()
    child.protocols = only({"id": "asked", "on": "child.reported-missing", "until": ["child.returned"]})
    (duty,) = child.hears(MISSING).duties
    child.hears(DutyAcknowledged(**SAID, duty=duty.duty, step=0, how="text"), 1)
    before = child.case.duties
    child.hears(events.ChildReturned(**SAID, proof=events.Proof.AGENCY), 2)
    assert child.case.duties == before
