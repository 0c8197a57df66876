"""Each urgent notice that is given up leaves a line by which somebody finds it, and nothing in it is about a person."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from services.platform.delivery.events import failed
from services.platform.delivery.model import Delivery
from services.platform.runtime.logs import FIELDS
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.duties import PoliceNotify
from services.safeguarding.identifiers import new_id
from services.schemas.messages import example

DUTY = PoliceNotify.model_validate(example(PoliceNotify)["data"])
NOTICE = Delivery(
    id=uuid4(),
    lane="force-northmoor",
    child=new_id("child"),
    created_at=datetime(2026, 11, 28, tzinfo=UTC),
    authority="kestrel",
    duty=DUTY,
    person=new_id("person"),
    trace="00-1-2-01",
    to_number="+447700900100",
    body="Ash is missing",
)


class Transaction:
    def __init__(self) -> None:
        self.acts: list[Callable[[], None]] = []

    def on_commit(self, act: Callable[[], None]) -> None:
        self.acts.append(act)


def logged(delivery: Delivery) -> list[dict[str, Any]]:
    transaction = Transaction()
    with capture_logs() as before:
        failed(cast("UnitOfWork", transaction), delivery, "refused", delivery.person)
    assert before == [], "the transaction may still fail"
    with capture_logs() as lines:
        for act in transaction.acts:
            act()
    return [dict(line) for line in lines]


def test_its_line_has_the_ids_and_why_and_nothing_of_anybody() -> None:
    assert logged(NOTICE) == [
        {
            "event": "an urgent notice was given up",
            "log_level": "warning",
            "delivery": str(NOTICE.id),
            "duty": str(DUTY.duty),
            "step": DUTY.step,
            "rule": DUTY.rule,
            "reason": "refused",
            "trace": "00-1-2-01",
        }
    ]
    assert set(logged(NOTICE)[0]) - {"log_level"} <= FIELDS, "else a log drops it"


@pytest.mark.parametrize(
    "other", [{"urgent": False}, {"exercise": True}, {"duty": None}], ids=["not urgent", "an exercise", "a reply"]
)
def test_what_the_alert_does_not_count_leaves_none(other: dict[str, Any]) -> None:
    assert logged(replace(NOTICE, **other)) == []
