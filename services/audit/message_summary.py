"""Summarises a message in plain words for the page: its kind, and the few fields that a reader asks for."""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from services.audit.policy.evidence import Fact
from services.safeguarding.identifiers import code_of, telling
from services.safeguarding.working_time import in_england

MOMENT = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)$")
VERSION = re.compile(r"\.v[0-9]+$")
SPOKEN = {
    "message.decided.v1": "decided upon a message",
    "protocol.decided.v1": "decided",
    "episode.changed.v1": "episode now stands",
    "duty.changed.v1": "duty now stands",
    "duty.accepted.v1": "taken by the other end",
    "duty.delivered.v1": "delivered to the handset",
    "duty.acknowledged.v1": "acknowledged by a person",
    "duty.failed.v1": "could not be told",
    "duty.outcomes.v1": "what came of tellings",
    "delivery.attempted.v1": "attempt to deliver",
    "deliveries.attempted.v1": "attempts to deliver",
    "register.looked-up.v1": "personal details read",
    "rules.taken-up.v1": "an authority's rules taken up",
    "operator.acted.v1": "operator acted",
    "access.recorded.v1": "access to the console",
    "message.dead-lettered.v1": "dead letter: a service could not work on a message",
    "duty.step-due.v1": "time to answer over",
    "rule.due.v1": "a rule's time has come",
    "police.notify.v1": "police told",
    "professional.notify.v1": "professional told",
    "carer.alert.v1": "carer told",
    "strategy.invite.v1": "invited to the strategy discussion",
}
SHOWN = (
    "act", "what", "verdict", "about", "rule", "protocol", "cites", "state", "ended_because", "role", "channel", "wording", "because",
    "step", "how", "reason", "medium", "attempt", "result", "status", "purpose", "fields", "looked_up", "account", "person", "by", "provider", "authorities", "force",
    "service", "origin", "open_conditions", "next_step_at", "next_role", "unknown", "said_by", "nature", "retracts",
    "reference_kind", "grade", "starts_at", "quorum", "edition", "adopted", "effective_from", "hash",
)  # fmt: skip
"""In the order of the page. Ids that only link entries are in the JSON alone."""


def plain(kind: str) -> str:
    """`child.reported-missing.v1` is "child reported missing"."""
    return SPOKEN.get(kind) or re.sub(r"[.-]", " ", VERSION.sub("", kind))


def detail(fact: Fact) -> list[tuple[str, str]]:
    """Names and values. A duty is named by the code that its recipient would text back."""
    content = fact.content
    shown = [
        (name.replace("_", " "), _in_words(content[name]))
        for name in SHOWN
        if content.get(name) not in (None, "", [], ())
    ]
    if "duty" in content and "step" in content:
        shown.insert(0, ("telling", code_of(telling(UUID(content["duty"]), content["step"]))))
    return shown


def _in_words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_in_words(each) for each in value)
    if isinstance(value, str) and MOMENT.match(value):
        return in_london(datetime.fromisoformat(value))
    return VERSION.sub("", str(value))


def in_london(at: datetime) -> str:
    return in_england(at).strftime("%-d %b %Y %H:%M:%S")
