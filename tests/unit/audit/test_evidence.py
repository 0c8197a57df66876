"""The same facts are the same evidence, whether each was a message of its own or several travelled together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from markupsafe import escape

from services.audit.evidence_pack import Pack, detail, plain
from services.audit.policy.chain import Entry
from services.audit.policy.evidence import Evidence, access_of, accounts_in, evidence_of
from services.platform.messages.envelope import compose
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.duty.decisions import (
    AttemptResult,
    DeliveriesAttempted,
    DeliveryAttempted,
    MessageDecided,
    ProtocolDecided,
    Verdict,
)
from services.safeguarding.duty.duties import DutyAccepted, DutyDelivered, DutyFailed, DutyOutcomes, part_ids, parts_of
from services.safeguarding.identifiers import new_id, telling
from services.safeguarding.message import Message
from services.safeguarding.operators import Access, AccessRecorded, OperatorAct, OperatorActed, OperatorRole
from services.safeguarding.roles import Role
from tests.support.in_process.console import duty_changed, episode_changed, step

CHILD = new_id("child")
BEGAN = datetime(2026, 11, 24, 22, 15, tzinfo=UTC)
EPISODE, ANOTHER = uuid4(), uuid4()
POLICE, WORKER, OTHERS = uuid4(), uuid4(), uuid4()
Said = tuple[str, Message]


def recorded(said: Sequence[Said]) -> list[Entry]:
    entries = []
    for position, (name, content) in enumerate(said, start=1):
        at = BEGAN + timedelta(seconds=position)
        raw = compose(content, said_by="test", subject=CHILD, at=at, message_id=name)
        episode: UUID | None = getattr(content, "episode", None)
        entries.append(Entry(CHILD, position, at, content.kind, at, episode, raw, b"", b""))
    return entries


def verdict(about: str, about_id: str, verdict: Verdict, duty: UUID, episode: UUID | None = EPISODE) -> ProtocolDecided:
    return ProtocolDecided(
        authority="kestrel", episode=episode, about=about, about_id=about_id, verdict=verdict,
        rule="tell-police-missing", protocol="p 1", cites=("S13",), duty=duty,
    )  # fmt: skip


def attempt(duty: UUID) -> DeliveryAttempted:
    return DeliveryAttempted(
        authority="kestrel", delivery=telling(duty, 0), duty=duty, step=0, attempt=1, medium="text",
        result=AttemptResult.ACCEPTED, took_ms=3, body_hash="00", purpose="duty", looked_up=("mobile",),
    )  # fmt: skip


def story() -> list[Said]:
    """A report and what came of it, and in between what belongs to another episode."""
    outcomes = DutyOutcomes(
        authority="kestrel",
        accepted=tuple(DutyAccepted(duty=each, step=0, authority="kestrel") for each in (POLICE, WORKER)),
        delivered=(DutyDelivered(duty=WORKER, step=0, authority="kestrel", episode=EPISODE),),
        failed=(DutyFailed(duty=WORKER, step=0, authority="kestrel", reason="undeliverable"),),
    )
    police, worker, late, dead = part_ids(outcomes, "outcomes")
    told = (Verdict.TOLD, POLICE), (Verdict.TOLD, WORKER), (Verdict.CONDITION_NOT_MET, WORKER)
    return [
        ("report", ChildReportedMissing(authority="kestrel")),
        (
            "decided 1",
            MessageDecided(
                authority="kestrel",
                about="child.reported-missing.v1",
                about_id="report",
                verdicts=tuple(verdict("child.reported-missing.v1", "report", *each) for each in told),
                duties=(
                    duty_changed(EPISODE, step(0, Role.POLICE_CONTROL_ROOM), duty=POLICE, next_step_at=BEGAN),
                    duty_changed(EPISODE, step(0, Role.DUTY_WORKER), duty=WORKER),
                ),
            ),
        ),
        ("changed 1", episode_changed(EPISODE)),
        ("attempts", DeliveriesAttempted(authority="kestrel", attempts=(attempt(POLICE), attempt(WORKER)))),
        (
            "elsewhere",
            DeliveriesAttempted(authority="kestrel", attempts=(attempt(OTHERS),)),
        ),
        ("decided 0", MessageDecided(
            authority="kestrel", about="-", about_id="long ago",
            verdicts=(verdict("-", "long ago", Verdict.CHANGED, OTHERS, ANOTHER),),
            duties=(duty_changed(ANOTHER, duty=OTHERS),),
        )),
        ("changed 0", episode_changed(ANOTHER)),
        ("outcomes", outcomes),
        (
            "decided 2",
            MessageDecided(
                authority="kestrel",
                about=outcomes.kind,
                about_id="outcomes",
                verdicts=(
                    verdict("duty.accepted.v1", police, Verdict.CHANGED, POLICE),
                    verdict("duty.accepted.v1", worker, Verdict.CHANGED, WORKER),
                    verdict("duty.delivered.v1", late, Verdict.CHANGED, WORKER),
                    verdict("duty.failed.v1", dead, Verdict.CHANGED, WORKER),
                ),
                duties=(
                    duty_changed(EPISODE, step(0, Role.POLICE_CONTROL_ROOM, "accepted"), duty=POLICE, revision=2),
                    duty_changed(EPISODE, step(0, Role.DUTY_WORKER, "failed"), duty=WORKER, revision=4),
                ),
            ),
        ),
        ("changed 2", episode_changed(EPISODE, revision=2, state="located")),
    ]  # fmt: skip


def one_by_one(said: Sequence[Said]) -> list[Said]:
    """As it was recorded before messages held several facts."""
    return [
        (name, part)
        for each, content in said
        for name, part in zip(part_ids(content, each), parts_of(content), strict=True)
    ]


def facts(evidence: Evidence) -> list[tuple[str, dict[str, Any]]]:
    return [(fact.kind, fact.content) for each in evidence.messages for fact in each.facts]


def test_an_old_record_and_a_new_one_of_the_same_facts_are_the_same_evidence() -> None:
    new = evidence_of(recorded(story()), EPISODE)
    old = evidence_of(recorded(one_by_one(story())), EPISODE)
    assert (new.episode, new.duties) == (old.episode, old.duties)
    assert facts(new) == facts(old)
    assert [each.revision for each in new.duties] == [2, 4]
    assert len(old.messages) == len(facts(old)) > len(new.messages)


def test_what_holds_facts_of_another_episode_alone_stays_out() -> None:
    mine = evidence_of(recorded(story()), EPISODE)
    assert [each.id for each in mine.messages] == [
        name for name, _ in story() if name not in {"elsewhere", "decided 0", "changed 0"}
    ]
    others = evidence_of(recorded(story()), ANOTHER)
    assert [each.id for each in others.messages] == ["elsewhere", "decided 0", "changed 0"]
    assert [each.duty for each in others.duties] == [OTHERS]


@pytest.mark.parametrize("alone", [True, False], ids=["one by one", "together"])
def test_the_page_shows_every_fact(alone: bool) -> None:
    said = one_by_one(story()) if alone else story()
    entries = recorded(said)
    pack = Pack(EPISODE, CHILD, BEGAN, evidence_of(entries, EPISODE), entries, [], None, [], [])
    page = pack.as_page()
    shown = [(plain(fact.kind), detail(fact)) for each in pack.evidence.messages for fact in each.facts]
    for kind, count in Counter(kind for kind, _ in shown).items():
        assert page.count(f'<span class="what">{kind}</span>') == count
    for name, value in (pair for _, pairs in shown for pair in pairs):
        assert f'<span class="of">{name}</span> <span>{escape(value)}</span>' in page
    assert ("looked up", "mobile") in {pair for _, pairs in shown for pair in pairs}


def test_a_duty_that_nobody_has_answered_is_called_unanswered_as_its_alert_calls_it() -> None:
    said = [("changed", episode_changed(EPISODE)), ("duty", duty_changed(EPISODE, duty=POLICE, state="overdue"))]
    pack = Pack(EPISODE, CHILD, BEGAN, evidence_of(entries := recorded(said), EPISODE), entries, [], None, [], [])
    page = pack.as_page()
    assert "<td>unanswered" in page
    assert '<span class="of">state</span> <span>unanswered</span>' in page
    assert "overdue" not in page


def test_beside_an_episode_lie_the_sign_ins_of_those_who_acted_in_it() -> None:
    account = new_id("account")
    acted = OperatorActed(
        authority="kestrel", act=OperatorAct.NOTED, account=account, role=OperatorRole.DUTY_MANAGER, episode=EPISODE
    )
    found = evidence_of(recorded([*story(), ("noted", acted)]), EPISODE)
    assert accounts_in(found) == [account]
    came = recorded(
        [(what, AccessRecorded(what=what, account=account)) for what in (Access.SIGNED_IN, Access.SIGNED_OUT)]
    )
    chain = [came[0], replace(came[1], happened_at=BEGAN - timedelta(hours=25))]
    assert [each.facts[0].content["what"] for each in access_of(chain, found)] == [Access.SIGNED_IN]
