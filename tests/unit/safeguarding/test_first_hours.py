"""When a child is new in care."""

from datetime import UTC, datetime, timedelta

import pytest

from services.safeguarding.working_time import in_first_hours

ENTERED = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(("hours", "is_new"), [(-1, False), (0, True), (71.9, True), (72, False)])
def test_three_days_from_when_care_begins_and_not_before(hours: float, is_new: bool) -> None:
    assert in_first_hours(ENTERED, ENTERED + timedelta(hours=hours)) is is_new
