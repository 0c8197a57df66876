"""When a force says that something happened, on its wall clock, and when that was in our story."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.platform.runtime.clocks import Clocks
from services.police.replies.schema import Reply
from services.police.web.replies import came_about
from tests.support.in_process.delivery import received

NOW = datetime(2026, 11, 24, 16, tzinfo=UTC)
MOVED = timedelta(days=3)
TOLD = NOW - timedelta(hours=20)


class Stopped(Clocks):
    def wall(self) -> datetime:
        return NOW

    def story(self) -> datetime:
        return NOW + self.offset


def at(said: str, offset: timedelta = timedelta()) -> datetime:
    about: dict[str, Any] = {"type": "police.returned", "timestamp": said, "data": {"notice": str(uuid4())}}
    duty = received(created_at=TOLD + offset).content
    return came_about(Reply.model_validate(about), duty, Stopped(offset))


@pytest.mark.parametrize("offset", [timedelta(), MOVED])
@pytest.mark.parametrize(
    ("said", "happened"),
    [
        ("2026-11-24T05:30:00Z", NOW - timedelta(hours=10.5)),
        ("2026-11-24T06:30:00+01:00", NOW - timedelta(hours=10.5)),
        ("2026-11-24T16:00:01Z", NOW),
        ("2099-12-31T00:00:00-12:00", NOW),
        ("2026-11-20T05:30:00Z", TOLD),
        ("2000-01-02T00:00:00+12:00", TOLD),
    ],
)
def test_it_happened_when_the_force_says_but_not_before_it_was_told_nor_after_now(
    said: str, happened: datetime, offset: timedelta
) -> None:
    assert at(said, offset) == happened + offset
    assert at(said, offset).tzinfo is UTC
