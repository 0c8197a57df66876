"""Measures how punctual the clock is, and whether the months of growing tables are made and dropped in time."""

from prometheus_client import Counter, Gauge, Histogram

FIRED = Counter("clock_deadlines_fired", "Deadlines whose event was handed over for publishing")
LATENESS = Histogram(
    "clock_lateness_seconds",
    "From a deadline's time to handing its event over, in story time",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 10800, 21600, 43200, 86400),
)
MONTHS_AHEAD = Gauge(
    "table_months_ahead", "Months after this one for which a table that is kept by month is prepared", ["table"]
)
MONTHS_LEFT = Gauge(
    "table_months_left_over",
    "Months whose time is over, but that have rows which nothing needs, or are empty",
    ["table"],
)
ROWS_OUTSIDE = Gauge(
    "table_rows_outside_months", "Rows that fit no month of their table, a thousand at most", ["table"]
)
