"""Declares the console's metrics. No label holds the id of a child, a person or a message.

What is counted in the database is declared in `monitoring/gauges.yaml`. Each replica shows the same values, so panels
take their maximum and never their sum.
"""

from prometheus_client import Counter, Gauge, Histogram

BEHIND = Histogram(
    "console_behind_seconds",
    "From the moment a decision was made to the moment the pages can show it",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 30),
)
LIVE_PAGES = Gauge("console_live_pages", "Pages that are open in a browser and follow changes")
SIGN_INS = Counter("console_sign_ins", "Attempts to sign in, by what came of them", ["result"])
ACTS = Counter("console_acts", "Operators' acts, by act and what came of them", ["act", "result"])

MEASURED = Gauge(
    "standing_measured_timestamp_seconds",
    "When open work was last read from the database, by how urgent it is; before the first time, when this process began",
    ["group"],
)
DATABASE_SECONDS = Gauge("database_answer_seconds", "How long the database took to answer the simplest question")

PACK_WRITTEN = Gauge(
    "fallback_pack_written_timestamp_seconds",
    "When an authority's pack was last put in a place, or since when this process has tried",
    ["authority", "place"],
)

for result in ("signed-in", "refused", "held-back", "crowded"):
    SIGN_INS.labels(result)
