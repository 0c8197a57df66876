"""The first hours of care, in which a child is at greater risk (S36, S59)."""

from datetime import datetime, timedelta

FIRST_HOURS = timedelta(hours=72)


def in_first_hours(entered: datetime, at: datetime) -> bool:
    """Not before care begins: a register may know of that ahead."""
    return entered <= at < entered + FIRST_HOURS
