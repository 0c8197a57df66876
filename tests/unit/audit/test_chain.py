"""In which chain a message is recorded, and which chains may be removed."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.audit.policy.chain import RemovedChain, chain_name, subject_of

CHILD = "child-00000000-0000-4000-8000-000000000001"
AT = datetime(2026, 11, 25, 23, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("exercise", "authority", "chain"),
    [
        (True, "exercise-north", f"{CHILD}/exercise/2026-11-25"),
        (True, "exercise", f"{CHILD}/exercise/2026-11-25"),
        (True, "kestrel", CHILD),
        (True, "exercised", CHILD),
        (True, None, CHILD),
        (False, "exercise-north", CHILD),
    ],
)
def test_only_an_exercise_of_an_exercise_authority_has_a_chain_a_day(
    exercise: bool,
    authority: str | None,
    chain: str,
) -> None:
    assert chain_name(CHILD, exercise=exercise, authority=authority, recorded_at=AT) == chain
    assert subject_of(chain) == CHILD


def test_the_day_is_the_one_in_utc() -> None:
    at = datetime(2026, 7, 2, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert chain_name(CHILD, exercise=True, authority="exercise", recorded_at=at).endswith("/2026-07-01")


@pytest.mark.parametrize(
    ("chain", "days", "due"),
    [
        (f"{CHILD}/exercise/2026-11-25", 91, True),
        (f"{CHILD}/exercise/2026-11-25", 90, False),
        (CHILD, 4000, False),
        (f"{CHILD}/exercise/2026-11-25/x", 4000, False),
        (f"{CHILD}/2026-11-25", 4000, False),
    ],
)
def test_nothing_but_an_old_exercise_may_be_removed(chain: str, days: int, due: bool) -> None:
    assert RemovedChain(chain, 1, b"", AT + timedelta(days=days)).was_due() is due
