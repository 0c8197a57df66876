"""What the console measures. No label holds an id of a child, a person or a message."""

from prometheus_client import Counter, Gauge, Histogram

BEHIND = Histogram(
    "console_behind_seconds",
    "From the moment a decision was made to the moment the pages can show it",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 30),
)
LIVE_PAGES = Gauge("console_live_pages", "Pages that are open in a browser and follow changes")
SIGN_INS = Counter("console_sign_ins", "Attempts to sign in, by what came of them", ["result"])
ACTS = Counter("console_acts", "Operators' acts, by act and what came of them", ["act", "result"])
