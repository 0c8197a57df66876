"""A code lies in a phone for a year: who texts it may have nothing to do with the child any more, and what it told of may be over."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.carers.policy.context import PoliceStand, Standing, Telling, TextContext
from services.carers.policy.decision import Answer, Decision
from services.carers.policy.sender_policy import decide
from services.carers.understanding.grammar import understand
from services.safeguarding.child_events import events
from services.safeguarding.duty.duties import DutyAcknowledged
from services.safeguarding.message import Message
from tests.unit.carers.corpus import CODE, EPISODE, SOMEBODY, TOLD, Case, scene_of

STANDS = TOLD.standing
ANOTHER = UUID(int=9)
OVER = [
    pytest.param(replace(STANDS, episode=ANOTHER), id="another is open"),
    pytest.param(Standing("returned", episode=ANOTHER), id="another came, and is over"),
    pytest.param(Standing(None, episode=EPISODE), id="it is over"),
    pytest.param(Standing(), id="nothing is known"),
]


def of(who: str, telling: Telling = TOLD) -> TextContext:
    return replace(scene_of(Case(who, (), "", frozenset(), human=True)), telling=telling)


def kinds(decision: Decision) -> list[type[Message]]:
    return [type(act.content) for act in decision.acts]


@pytest.mark.parametrize("who", ["former", "stranger"])
@pytest.mark.parametrize(
    "words",
    ["BACK {}", "he is back {}", "FALSE ALARM {}", "police have found her {}", "police ref 4471/26 {}", "MISSING {}",
     "saw him in town {}"],
)  # fmt: skip
def test_who_has_nothing_to_do_with_the_child_only_acknowledges_what_was_texted_to_them_and_a_person_reads_the_rest(
    who: str, words: str
) -> None:
    elsewhere = replace(TOLD, authority="westmere")
    decision = decide(understand(words.format(CODE)), of(who, elsewhere))
    assert kinds(decision) == [DutyAcknowledged, events.TextNeedsHuman]
    read = decision.acts[1]
    assert isinstance(read.content, events.TextNeedsHuman)
    assert (read.subject, read.content.reason, read.content.authority) == (TOLD.child, "unknown-sender", "westmere")
    assert decision.answer is Answer.STRANGER


@pytest.mark.parametrize("who", ["former", "stranger"])
@pytest.mark.parametrize(
    "words", ["STATUS {}", "any news? {}", "where is she {}", "wrong person {}", "stop texting me {}"]
)
def test_who_has_nothing_to_do_with_the_child_is_told_no_standing(who: str, words: str) -> None:
    known = replace(TOLD, standing=replace(STANDS, police=PoliceStand.ANSWERED))
    decision = decide(understand(words.format(CODE)), of(who, known))
    assert decision.answer in {Answer.STRANGER, None}
    assert decision.lines == ()
    assert decision.acts
    assert set(kinds(decision)) <= {events.TextNeedsHuman, events.LocationEnquiryReceived}


@pytest.mark.parametrize("who", ["former", "stranger"])
def test_a_bare_code_from_the_number_it_was_texted_to_acknowledges_whoever_they_are_now(who: str) -> None:
    for words in (f"OK {CODE}", CODE):
        decision = decide(understand(words), of(who))
        assert (kinds(decision), decision.answer) == ([DutyAcknowledged], Answer.ACKNOWLEDGED)
    flooded = replace(of(who, replace(TOLD, just_texted=True)), texts_this_hour=500, replies_this_hour=20)
    again = decide(understand(f"OK {CODE}"), flooded)
    assert (kinds(again), again.answer) == ([DutyAcknowledged], None), "two machines may answer each other"


@pytest.mark.parametrize("who", ["former", "stranger"])
def test_of_a_flood_with_a_code_in_it_a_person_is_brought_ever_fewer(who: str) -> None:
    said = understand(f"he is back {CODE}")
    brought = [
        n
        for n in range(1, 61)
        if events.TextNeedsHuman in kinds(decide(said, replace(of(who), texts_this_hour=n, answered_before=True)))
    ]
    assert brought[20:] == [21, 22, 24, 28, 36, 52]


STAFF_SAY: list[tuple[str, type[Message]]] = [
    ("BACK {}", events.ChildReturnClaimed),
    ("FALSE ALARM {}", events.MissingRetractionClaimed),
    ("police have found her {}", events.ChildLocationClaimed),
    ("saw him in town {}", events.ChildInformationReceived),
    ("police ref 4471/26 {}", events.PoliceReferenceTexted),
]


@pytest.mark.parametrize(("words", "kind"), STAFF_SAY)
def test_what_staff_say_by_a_code_counts_for_the_episode_that_they_were_told_of(
    words: str, kind: type[Message]
) -> None:
    decision = decide(understand(words.format(CODE)), of("staff"))
    assert kinds(decision) == [kind, DutyAcknowledged]
    named = getattr(decision.acts[0].content, "episode", EPISODE)
    assert (decision.acts[0].subject, named) == (TOLD.child, EPISODE)


@pytest.mark.parametrize(("words", "kind"), STAFF_SAY)
@pytest.mark.parametrize("today", OVER)
def test_what_staff_say_by_a_code_of_an_episode_that_is_not_the_open_one_a_person_reads(
    words: str, kind: type[Message], today: Standing
) -> None:
    decision = decide(understand(words.format(CODE)), of("staff", replace(TOLD, standing=today)))
    assert kinds(decision) == [events.TextNeedsHuman, DutyAcknowledged]
    assert ({act.subject for act in decision.acts}, decision.answer) == ({TOLD.child}, Answer.KEPT)
    assert kind not in kinds(decision)


def test_a_code_of_what_was_told_beside_any_episode_ends_none() -> None:
    beside = replace(TOLD, episode=None)
    assert kinds(decide(understand(f"BACK {CODE}"), of("staff", beside)))[0] is events.TextNeedsHuman


def test_a_return_that_staff_say_a_second_time_nobody_need_read() -> None:
    again = replace(TOLD, standing=Standing("returned", episode=EPISODE))
    assert kinds(decide(understand(f"BACK {CODE}"), of("staff", again))) == [
        events.ChildReturnClaimed,
        DutyAcknowledged,
    ]


@pytest.mark.parametrize("today", OVER)
def test_a_report_and_a_concern_by_staff_go_out_however_old_the_code(today: Standing) -> None:
    of_old = of("staff", replace(TOLD, standing=today))
    assert kinds(decide(understand(f"missing {CODE}"), of_old))[0] is events.ChildReportedMissing
    assert kinds(decide(understand(f"man in car waiting outside to pick her up {CODE}"), of_old))[0] in {
        events.ChildLuringSuspected,
        events.TextNeedsHuman,
    }


def test_without_a_code_a_stranger_s_text_is_about_nobody_whom_we_could_name() -> None:
    (act,) = decide(understand("he is back"), replace(of("stranger"), telling=None)).acts
    assert act.subject == SOMEBODY


@pytest.mark.parametrize("words", ["OK {}", "ok {}", "Thanks, OK {}", "{}"])
def test_a_code_that_looks_like_a_child_s_names_no_child(words: str) -> None:
    text = words.format("C3475")
    assert kinds(decide(understand(text), of("staff"))) != [DutyAcknowledged], "a person would read it"
    assert kinds(decide(understand(text, telling="C3475"), of("staff"))) == [DutyAcknowledged]
