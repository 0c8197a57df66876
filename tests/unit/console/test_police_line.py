"""What the top of a case says of police, by facts: played over every standing of a notice and every answer to it."""

from datetime import datetime, timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import pytest

from services.console.policy.status import PoliceLine, RecordedMessage, Stand, police_line, stand_of
from services.console.web.templates import Words
from services.safeguarding.child_events.events import PoliceReferenceTexted
from services.safeguarding.duty.decisions import AttemptResult, DeliveryAttempted, DutyChanged, EpisodeChanged
from services.safeguarding.duty.duties import DutyAcknowledged, DutyFailed
from services.safeguarding.identifiers import new_id, telling
from services.safeguarding.message import Message
from services.safeguarding.operators import OperatorAct, OperatorActed, OperatorRole
from services.safeguarding.roles import Role, Wording
from tests.support.in_process.console import REPORTED_AT, duty_changed, episode_changed, step

POLICE, WORKER = Role.POLICE_CONTROL_ROOM, Role.DUTY_WORKER
EPISODE = episode_changed(uuid4())
LATER = REPORTED_AT + timedelta(minutes=20)
WORDS = Words()


def notice(*steps: Any, **more: Any) -> DutyChanged:
    return duty_changed(EPISODE.episode, *steps, **more)


def entry(content: Message, at: datetime = REPORTED_AT, name: str = "") -> RecordedMessage[Message]:
    return RecordedMessage(name or str(uuid4()), "child-1", at, exercise=False, content=content)


def about(duty: DutyChanged, number: int = 0) -> dict[str, Any]:
    return {"authority": "kestrel", "duty": duty.duty, "step": number, "episode": EPISODE.episode}


def said(line: PoliceLine | None, words: str = "", who: str | None = None) -> str:
    assert line is not None
    return WORDS.police(line, "22:15", words, who)


@pytest.mark.parametrize(
    ("duties", "stand"),
    [
        ([], Stand.NOT_TOLD),
        ([notice(step(0, POLICE))], Stand.NOT_TOLD),
        ([notice(step(0, POLICE, "failed"))], Stand.NOT_TOLD),
        ([notice(step(0, POLICE, "failed"), step(1, WORKER, "acknowledged"))], Stand.NOT_TOLD),
        ([notice(step(0, POLICE, "failed"), step(1, WORKER), step(2, POLICE, at=LATER))], Stand.NOT_TOLD),
        ([notice(step(0, POLICE, "failed")), notice(step(0, WORKER, "acknowledged"))], Stand.NOT_TOLD),
        ([notice(step(0, POLICE, "accepted"), step(1, WORKER, "acknowledged"), state="accepted")], Stand.SENT),
        ([notice(step(0, POLICE, "acknowledged"), state="acknowledged")], Stand.HAVE),
        ([notice(step(0, POLICE, "failed"), step(1, WORKER, "acknowledged"), state="acknowledged")], Stand.HAVE),
        ([notice(step(0, POLICE, "acknowledged"), wording=Wording("missing-update"))], Stand.NOT_TOLD),
        ([notice(step(0, POLICE, "accepted")).model_copy(update={"force": "another-police"})], Stand.NOT_TOLD),
        ([notice(step(0, POLICE, "accepted"), state="cancelled")], Stand.NOT_TOLD),
    ],
    ids=[
        "nothing sent", "not taken in time", "refused", "somebody will ring", "sent again", "the worker has theirs",
        "taken", "answered", "rung", "of an update alone", "by a force before", "withdrawn",
    ],
)  # fmt: skip
def test_only_what_police_took_or_said_counts(duties: list[DutyChanged], stand: Stand) -> None:
    assert stand_of(EPISODE, duties, LATER, passed_on=False) is stand


def test_within_the_first_minute_it_is_being_sent_and_no_longer() -> None:
    begun = [notice(step(0, POLICE))]
    assert stand_of(EPISODE, begun, REPORTED_AT + timedelta(seconds=59), passed_on=False) is Stand.SENDING
    assert stand_of(EPISODE, begun, REPORTED_AT + timedelta(seconds=60), passed_on=False) is Stand.NOT_TOLD
    assert stand_of(EPISODE, [notice(step(0, POLICE, "failed"))], REPORTED_AT, passed_on=False) is Stand.NOT_TOLD


@pytest.mark.parametrize("state", ["returned", "closed", "retracted", "merged"])
def test_nothing_is_said_of_a_child_whom_nobody_seeks(state: str) -> None:
    assert stand_of(episode_changed(uuid4(), state=state), [], LATER, passed_on=False) is None


def test_list_and_page_never_differ() -> None:
    """Every state of a telling to police, of one to the worker after it, of the duty; with a reference and without."""
    states = ["told", "accepted", "delivered", "acknowledged", "failed", "withdrawn"]
    played = 0
    for first, second, duty_state, passed_on, now in product(
        states, [None, *states], ["open", "accepted", "acknowledged", "overdue", "cancelled"], (False, True),
        (REPORTED_AT, LATER),
    ):  # fmt: skip
        steps = [step(0, POLICE, first), *([step(1, WORKER, second)] if second else [])]
        duty = notice(*steps, state=duty_state)
        entries = [entry(PoliceReferenceTexted(authority="kestrel", words=(new_id("words"),)))] if passed_on else []
        listed = stand_of(EPISODE, [duty], now, passed_on=passed_on)
        line = police_line(EPISODE, [duty], entries, now)
        assert line is not None
        assert line.stand is listed
        told = said(line)
        assert told.startswith("Police say they have it") == (listed is Stand.HAVE)
        assert ("DO NOT HAVE" in told) == (listed is Stand.NOT_TOLD)
        played += 1
    assert played > 800


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (DutyFailed(**about(notice()), reason="untrusted-certificate"), "Certificate refused 22:15"),
        (DutyFailed(**about(notice()), reason="refused"), "Their system refused it 22:15"),
        (DutyFailed(**about(notice()), reason="no-address"), "No way to reach the force is known"),
        (AttemptResult.RETRY, "Their system gave no usable answer at 22:15"),
        (None, "Their system has not taken what was sent 22:15"),
    ],
)
def test_the_cause_is_in_words(found: DutyFailed | AttemptResult | None, sentence: str) -> None:
    duty = notice(step(0, POLICE, "failed" if isinstance(found, DutyFailed) else "told"))
    facts = list[Message]()
    if isinstance(found, DutyFailed):
        facts = [found.model_copy(update={"duty": duty.duty})]
    elif found is not None:
        facts = [_attempt(duty, found)]
    line = police_line(EPISODE, [duty], [entry(each) for each in facts], LATER)
    assert said(line) == f"POLICE DO NOT HAVE THIS. {sentence}."


def _attempt(duty: DutyChanged, result: AttemptResult) -> DeliveryAttempted:
    return DeliveryAttempted(
        authority="kestrel", duty=duty.duty, step=0, delivery=telling(duty.duty, 0), attempt=1, medium="webhook",
        result=result, took_ms=3, body_hash="00",
    )  # fmt: skip


def test_without_a_known_force_the_line_says_so() -> None:
    nowhere = EPISODE.model_copy(update={"force": None})
    line = police_line(nowhere, [notice(step(0, POLICE, "failed"))], [], LATER)
    assert "No police force is known" in said(line)


def test_green_says_who_how_and_when() -> None:
    duty = notice(step(0, POLICE, "acknowledged"), state="acknowledged")
    answer = DutyAcknowledged(**about(duty), how="force", words=("words-" + str(uuid4()),))
    line = police_line(EPISODE, [duty], [entry(answer)], LATER)
    assert said(line, "PC Lee, 4411") == "Police say they have it: PC Lee, 4411, 22:15, by the force's reply."


def test_whoever_holds_the_mails_link_proves_nothing_until_a_code_has_opened_the_notice() -> None:
    duty = notice(step(0, POLICE, "acknowledged"), state="acknowledged")
    bare = entry(DutyAcknowledged(**about(duty), how="page", unread=True))
    opened = entry(DutyAcknowledged(**about(duty), how="page"), LATER)
    line = police_line(EPISODE, [duty], [bare], LATER)
    assert line is not None
    assert line.stand is Stand.CLAIMED
    assert "nobody there has opened it" in said(line, "PC Lee, 4411")
    line = police_line(EPISODE, [duty], [opened, bare], LATER)
    assert line is not None
    assert (line.stand, line.at) == (Stand.HAVE, LATER)


def test_a_call_names_who_recorded_it() -> None:
    duty = notice(step(0, POLICE, "failed"), step(1, WORKER, "acknowledged"), state="acknowledged")
    rung = entry(DutyAcknowledged(**about(duty, 1), how="phoned"), name="m1")
    account = new_id("account")
    act = OperatorActed(authority="kestrel", act=OperatorAct.PHONED, account=account, role=OperatorRole.DUTY_MANAGER,
                        said=("m1",))  # fmt: skip
    line = police_line(EPISODE, [duty], [entry(act), rung], LATER)
    assert line is not None
    assert line.said_by == account
    assert said(line, "PC Lee", "Kim") == "Police say they have it: PC Lee, 22:15, on a call that Kim recorded."


def test_a_reference_that_somebody_passed_on_is_a_claim_with_its_speaker() -> None:
    duty = notice(step(0, POLICE, "failed"))
    person = new_id("person")
    given = entry(PoliceReferenceTexted(authority="kestrel", said_by=person, words=(new_id("words"),)))
    line = police_line(EPISODE, [duty], [given], LATER)
    assert line is not None
    assert (line.stand, line.said_by) == (Stand.PASSED_ON, person)
    assert said(line, "0412", "Ash") == (
        "Police have not taken our notice. At 22:15 Ash passed on a reference of theirs: 0412."
    )


def test_a_case_can_be_merged_with_one_that_police_have() -> None:
    theirs, other = notice(step(0, POLICE, "acknowledged")), notice(step(0, POLICE, "failed"))
    episode: EpisodeChanged = EPISODE
    assert stand_of(episode, [theirs, other], LATER, passed_on=False) is Stand.HAVE
