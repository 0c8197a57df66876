"""Measures how punctual the clock is."""

from prometheus_client import Counter, Histogram

FIRED = Counter("clock_deadlines_fired", "Deadlines whose event was handed over for publishing")
LATENESS = Histogram(
    "clock_lateness_seconds",
    "From a deadline's time to handing its event over, in story time",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600, 86400),
)
