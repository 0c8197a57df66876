"""A discussion as strategy keeps it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.strategy.discussions.repository import Discussion

DISCUSSION = UUID("12b6ba26-9c10-5891-8200-e6e0b261d95e")


def discussion(starts_at: datetime, minutes: int = 45, **other: Any) -> Discussion:
    """Planned, urgent, and no exercise, unless `other` says so."""
    about: dict[str, Any] = {
        "discussion": DISCUSSION,
        "episode": UUID(int=1),
        "number": 1,
        "child": "child-1",
        "authority": "kestrel",
        "sequence": 0,
        "state": "planned",
        "form": "urgent",
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=minutes),
        "warns_at": starts_at,
        "unless": (),
        "answers_within": timedelta(hours=1),
        "exercise": False,
        "trace": None,
    }
    return Discussion(**about | other)
