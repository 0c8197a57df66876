"""Measures decisions in story time. No label holds an id of a child, a person or an episode."""

from collections.abc import Iterable
from typing import get_args

from prometheus_client import Counter, Gauge, Histogram

from services.protocol.policy.decision_record import Measurement, Milestone
from services.protocol.policy.draft import Decision
from services.safeguarding.duty.decisions import DutyChanged
from services.safeguarding.duty.duties import DutyFailed
from services.safeguarding.message import Message
from services.safeguarding.roles import Channel

SECONDS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 900, 1800, 3600, 7200, 86400)

DECIDED = Counter("protocol_decisions", "Decisions, by what set them off and how they fell", ["about", "verdict"])
TOLD = Counter("protocol_tellings", "Tellings and withdrawals said on the bus", ["authority", "wording", "act"])
CHANGED = Counter(
    "protocol_duty_changes", "Duties, by rule and the state they went into", ["authority", "rule", "state"]
)
FAILED = Counter("protocol_duty_failures", "Tellings of which no further attempt will be made, by why", ["reason"])
DECIDING = Histogram(
    "protocol_deciding_seconds",
    "The pure decision alone, without reading and writing",
    buckets=(0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1),
)
GAPS = Counter(
    "protocol_unknown_facts", "Decisions in which a fact was unknown and counted as yes", ["authority", "question"]
)
RULES_FAULTY = Gauge(
    "protocol_rules_faulty",
    "1 while the newest files of an authority's rules are at fault, and its last good ones hold",
    ["authority"],
)
POLICE_ACCEPTED = Histogram(
    "report_to_police_accepted_seconds",
    "From the report to a police system's having taken the notice",
    ["authority", "exercise"],
    buckets=SECONDS,
)
FIRST_ACKNOWLEDGED = Histogram(
    "report_to_first_acknowledged_seconds",
    "From the report to the first person who said that they have it",
    ["authority", "exercise"],
    buckets=SECONDS,
)
TAKEN = Histogram(
    "telling_taken_seconds",
    "From one telling to the other end's having taken it",
    ["channel", "exercise"],
    buckets=SECONDS,
)
ANSWERED = Histogram(
    "duty_answered_seconds", "From a duty's creation to its acknowledgement", ["authority", "exercise"], buckets=SECONDS
)
BY_MILESTONE = {
    Milestone.POLICE_ACCEPTED: POLICE_ACCEPTED,
    Milestone.FIRST_ACKNOWLEDGED: FIRST_ACKNOWLEDGED,
    Milestone.ANSWERED: ANSWERED,
    Milestone.TAKEN: TAKEN,
}

# Shown as 0 before the first failure: an increase from nothing to one would go unseen.
for reason in get_args(DutyFailed.model_fields["reason"].annotation):
    FAILED.labels(reason)
for channel in Channel:
    for exercise in ("yes", "no"):
        TAKEN.labels(channel, exercise)


def measure(decision: Decision, content: Message, milestones: Iterable[Measurement]) -> None:
    """Call it after the commit: a decision that is rolled back does not count."""
    for duty in decision.duties:
        TOLD.labels(duty.authority, duty.wording, duty.act).inc()
    for each in decision.decided:
        DECIDED.labels(each.about, each.verdict).inc()
        for question in each.unknown:
            GAPS.labels(each.authority, question).inc()
    for change in decision.changes:
        if isinstance(change, DutyChanged):
            CHANGED.labels(change.authority, change.rule, change.state).inc()
    if isinstance(content, DutyFailed):
        FAILED.labels(content.reason).inc()
    for milestone in milestones:
        _observe(milestone)


def _observe(reached: Measurement) -> None:
    by = reached.channel if reached.milestone is Milestone.TAKEN else reached.authority
    BY_MILESTONE[reached.milestone].labels(by, "yes" if reached.exercise else "no").observe(reached.seconds)
