"""Whatever became of those who were asked before, the sentence to whoever is asked next is so."""

from datetime import UTC, date, datetime, timedelta
from itertools import product
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from services.protocol.loader import Library, files
from services.protocol.policy.case import Cause, DutyOfCase, Episode, Telling
from services.protocol.policy.draft import Draft
from services.protocol.policy.duties.presuppositions import asked_before, facts_of
from services.protocol.policy.rule_language.grammar import Protocol, Rule
from services.safeguarding.duty.facts import PRESUPPOSED, Fact, choose_sentence
from services.safeguarding.roles import Channel, Role, Wording

AT = datetime(2026, 11, 24, 18, tzinfo=UTC)
EPISODE = UUID(int=7)
PERSON = "person-00000000-0000-4000-8000-00000000000b"
OUTCOMES: dict[str, dict[str, Any]] = {
    "asked": {"state": "delivered", "person": PERSON},
    "on its way": {"state": "told"},
    "not reached": {"state": "failed", "person": PERSON},
    "nobody in role": {"state": "failed"},
    "claimed": {"state": "accepted", "person": PERSON, "claimed": True},
    "phoned": {"state": "acknowledged", "person": PERSON},
}
GIVEN = {Fact.CHILD_NOT_BACK, Fact.NO_REFERENCE, Fact.NOT_GRADED}
"""What `services check` proves of a rule's `when` and `until`."""


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return Library(files()).current("kestrel", date(2026, 11, 24))


def tellings_of(rule: Rule, outcome: dict[str, Any], now: int) -> tuple[Telling, ...]:
    """The rule's own and those of its steps, up to and with the one that is made now."""
    told = [(rule.tell, rule.by or Channel.EMAIL, rule.message)]
    told += [
        (each.tell or rule.tell, each.by or rule.by or Channel.EMAIL, each.message or rule.message)
        for each in rule.otherwise
    ]
    made = {"told_at": AT, "changed_at": AT}
    return tuple(
        Telling(
            step=step,
            role=role,
            channel=channel,
            wording=wording,
            **made,
            **(outcome if step < now else {"state": "told"}),
        )
        for step, (role, channel, wording) in enumerate(told[: now + 1])
    )


def facts_as_made(
    rule: Rule, outcome: str, now: int, *, reference: bool
) -> tuple[Telling, frozenset[Fact], Role | None]:
    tellings = tellings_of(rule, OUTCOMES[outcome], now)
    episode = Episode(
        episode=EPISODE, protocol="p", authority="kestrel", opened_at=AT, last_report_at=AT, reference_known=reference
    )
    duty = DutyOfCase(
        duty=UUID(int=8), rule=rule.id, protocol="p", episode=EPISODE, cause=Cause(id="x", time=AT), role=rule.tell,
        channel=tellings[0].channel, wording=rule.message, created_at=AT, counted_from=AT, told=len(tellings), tellings=tellings,
    )  # fmt: skip
    draft = cast("Draft", SimpleNamespace(episode_of=lambda _: episode, rule_of=lambda _: rule))
    return tellings[-1], facts_of(draft, duty, tellings[-1]), asked_before(duty, tellings[-1])


def test_no_telling_of_any_rule_says_what_is_not_so(protocol: Protocol) -> None:
    tried = 0
    for rule, outcome, reference in product(protocol.rules, OUTCOMES, (False, True)):
        for now in range(len(rule.otherwise) + 1):
            telling, facts, _ = facts_as_made(rule, outcome, now, reference=reference)
            said = choose_sentence(telling.wording, facts, PRESUPPOSED)
            assert PRESUPPOSED[said].holds <= facts | GIVEN, (rule.id, now, outcome, said)
            tried += 1
    assert tried > 5000


@pytest.mark.parametrize(
    ("rule", "step", "outcome", "reference", "said", "asked"),
    [
        ("tell-duty-worker-missing", 2, "asked", False, "not-acknowledged", Role.DUTY_WORKER),
        ("tell-duty-worker-missing", 2, "nobody in role", False, "nobody-in-role", Role.DUTY_WORKER),
        ("tell-duty-worker-missing", 2, "claimed", False, "said-to-be-taken", Role.DUTY_WORKER),
        ("tell-police-missing", 2, "asked", False, "police-not-acknowledged", Role.POLICE_CONTROL_ROOM),
        ("tell-police-missing", 2, "asked", True, "police-reference-held", Role.POLICE_CONTROL_ROOM),
        ("tell-police-missing", 2, "nobody in role", False, "police-not-reached", Role.POLICE_CONTROL_ROOM),
        (
            "tell-police-location-enquiry",
            1,
            "nobody in role",
            False,
            "police-note-not-reached",
            Role.POLICE_CONTROL_ROOM,
        ),
        ("invite-health", 2, "asked", False, "strategy-not-answered-by-health", Role.CHILD_HEALTH_PRACTITIONER),
        ("invite-health", 2, "nobody in role", False, "health-not-known", Role.CHILD_HEALTH_PRACTITIONER),
        ("invite-police", 2, "nobody in role", False, "police-not-known", Role.POLICE_MISSING_COORDINATOR),
        ("invite-guardian", 1, "nobody in role", False, "nobody-in-role", Role.CHILD_GUARDIAN),
        ("invite-guardian", 1, "not reached", False, "contact-unreachable", Role.CHILD_GUARDIAN),
    ],
)
def test_what_is_said_depends_on_what_became_of_those_before(
    protocol: Protocol, rule: str, step: int, outcome: str, reference: bool, said: str, asked: Role
) -> None:
    telling, facts, before = facts_as_made(protocol.by_id[rule], outcome, step, reference=reference)
    assert choose_sentence(telling.wording, facts, PRESUPPOSED) == said
    assert before is asked


def quorum(matter: str, at: datetime, wording: str = "strategy-quorum-reached") -> str:
    duty = DutyOfCase(
        duty=UUID(int=8), rule="x", protocol="p", cause=Cause(id="x", time=at, matter=matter), role=Role.DUTY_WORKER,
        channel=Channel.TEXT, wording=Wording(wording), created_at=at, counted_from=at,
        tellings=(made := Telling(step=0, role=Role.DUTY_WORKER, channel=Channel.TEXT, wording=Wording(wording), told_at=at, changed_at=at),),
    )  # fmt: skip
    draft = cast("Draft", SimpleNamespace(episode_of=lambda _: None, rule_of=lambda _: SimpleNamespace(deed=None)))
    return choose_sentence(made.wording, facts_of(draft, duty, made), PRESUPPOSED)


@pytest.mark.parametrize(
    ("seats", "at", "said"),
    [
        ("police health social-care", AT, "strategy-quorum-reached"),
        ("police social-care", AT, "strategy-quorum-by-night"),
        ("", AT - timedelta(hours=6), "strategy-quorum-reached"),
        ("", AT + timedelta(hours=6), "strategy-quorum-by-night"),
    ],
)
def test_health_is_said_to_have_accepted_only_if_it_has(seats: str, at: datetime, said: str) -> None:
    assert quorum(seats, at) == said


@pytest.mark.parametrize(("doubled", "said"), [("health", "strategy-accepted-twice"), ("", "strategy-without-quorum")])
def test_whoever_convenes_hears_if_somebody_has_accepted_several_at_one_time(doubled: str, said: str) -> None:
    assert quorum(doubled, AT, "strategy-without-quorum") == said


def test_each_wording_has_its_line_and_every_path_ends_in_one_that_presupposes_nothing() -> None:
    assert set(PRESUPPOSED) == {str(each) for each in Wording}
    for key in PRESUPPOSED:
        path = [key]
        while (instead := PRESUPPOSED[path[-1]].otherwise) is not None:
            assert instead not in path, path
            path.append(instead)
        assert len(path) == 1 or not PRESUPPOSED[path[-1]].holds, path
