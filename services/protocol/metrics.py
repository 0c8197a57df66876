"""What the protocol measures. No label holds an id of a child, a person or an episode."""

from prometheus_client import Counter, Histogram

from services.protocol.policy.draft import Decision
from services.safeguarding.decisions import DutyChanged

DECIDED = Counter("protocol_decisions", "Decisions, by what set them off and how they fell", ["about", "verdict"])
TOLD = Counter(
    "protocol_tellings", "Tellings and withdrawals said on the bus", ["authority", "role", "wording", "act", "because"]
)
ENDED = Counter("protocol_duty_changes", "Duties, by rule and the state they went into", ["authority", "rule", "state"])
DECIDING = Histogram(
    "protocol_deciding_seconds",
    "The pure decision alone, without reading and writing",
    buckets=(0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1),
)
GAPS = Counter(
    "protocol_unknown_facts", "Decisions in which a fact was unknown and counted as yes", ["authority", "question"]
)


def measure(decision: Decision) -> None:
    for duty in decision.duties:
        TOLD.labels(duty.authority, duty.role, duty.wording, duty.act, duty.because).inc()
    for each in decision.decided:
        DECIDED.labels(each.about, each.verdict).inc()
        for question in each.unknown:
            GAPS.labels(each.authority, question).inc()
    for change in decision.changes:
        if isinstance(change, DutyChanged):
            ENDED.labels(change.authority, change.rule, change.state).inc()
