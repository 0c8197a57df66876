"""Declares the metrics of delivery. No label names a destination, a person or a child."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, get_args

from prometheus_client import Counter, Gauge, Histogram

from services.platform.delivery.model import MediumName, State
from services.safeguarding.duty.duties import FailureReason

ATTEMPTS = Counter(
    "delivery_attempts",
    "Attempts to send, by their result and by which attempt it was",
    ["medium", "result", "attempt"],
)
ENDED = Counter("delivery_ended", "Deliveries that are done, by their outcome", ["medium", "outcome"])
ATTEMPT_SECONDS = Histogram(
    "delivery_attempt_seconds",
    "How long the other end took to answer",
    ["medium"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
ACCEPTED_SECONDS = Histogram(
    "delivery_accepted_seconds",
    "From putting a delivery to its acceptance by the other end",
    ["medium"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)
WAITING = Gauge("delivery_waiting", "Deliveries put and not yet accepted by the other end")
OLDEST = Gauge("delivery_oldest_seconds", "Age of the oldest delivery not yet accepted by the other end")
LANES_FAILING = Gauge(
    "delivery_lanes_failing",
    "Destinations whose last attempts all failed, and that are tried one at a time, by how they were last tried",
    ["medium"],
)
OPERATOR = Counter("delivery_needs_operator", "Answers that only a change of settings can mend", ["medium"])
DEFECTS = Counter("delivery_defects", "Attempts that went wrong because of an error of our own")
URGENT = Gauge(
    "delivery_urgent_notices",
    "Urgent notices put within the window, by whether the other end took them within 60 s; counted in the database",
    ["window", "verdict"],
)
MEASURED = Gauge(
    "delivery_measured_timestamp_seconds",
    "When urgent notices were last counted, over windows of hours and of days, or since when this process has tried",
    ["windows"],
)
SECOND_ROUTE = Counter(
    "delivery_second_route", "Texts that a call took up, by why: refused, undelivered, silent", ["why"]
)
WAY_FAILING = Gauge(
    "delivery_text_way_failing", "1 where a text by this way to ourselves has not come back in time", ["way"]
)
WAY_TRIED = Gauge(
    "delivery_text_way_tried_timestamp_seconds",
    "When a text to ourselves last went by this way, or since when this process has tried",
    ["way"],
)
WAY_SECONDS = Gauge("delivery_text_way_seconds", "How long the last text to ourselves by this way took", ["way"])
URGENT_LATE = Gauge("delivery_urgent_unaccepted", "Urgent notices put over 60 s ago that nobody has taken yet")
URGENT_FAILED = Gauge(
    "delivery_urgent_failed", "Urgent notices given up on within the last hour, so that the protocol had to go on"
)
DoorName: TypeAlias = Literal["inbound", "status"]
"""What comes in: texts and calls, or reports on ours and the keys pressed in them."""
REFUSED = Counter(
    "texts_refused",
    "Requests that webhooks refused, by webhook, by reason, and by sender: twilio (validly signed), notify (with its token), "
    "account (names our account, wrongly signed), anybody",
    ["door", "reason", "whose"],
)
SIGNED = Counter("texts_signed", "Requests to Twilio's webhooks that were validly signed, and of our account")
WATCHED: Mapping[DoorName, Mapping[str, Sequence[str]]] = {
    "inbound": {
        "twilio": ("Several signatures", "Another account", "Not a text", "Not a call", "Not now", "Our fault"),
        "notify": ("Not a callback", "Not now", "Our fault"),
        "account": ("Not from Twilio",),
    },
    "status": {
        "twilio": ("Several signatures", "Another account", "Not a report"),
        "notify": ("Not a callback",),
        "account": ("Not from Twilio",),
    },
}
"""By sender, the reasons that alerts watch."""


def begin_counts(door: DoorName) -> None:
    """From nought, as below."""
    for whose, reasons in WATCHED[door].items():
        for reason in reasons:
            REFUSED.labels(door, reason, whose)


def which(attempt: int) -> str:
    """The label of an attempt: first, second, a few, many. It must not grow with each attempt."""
    return str(attempt) if attempt < FEW else f"{FEW}-{MANY - 1}" if attempt < MANY else f"{MANY}+"


FEW, MANY = 3, 8

# Zero before the first: Prometheus would not see an increase from nothing to one.
for medium in get_args(MediumName):
    OPERATOR.labels(medium)
    for outcome in (State.ACCEPTED, *get_args(FailureReason)):
        ENDED.labels(medium, outcome)
