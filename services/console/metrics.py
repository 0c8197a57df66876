"""Declares the console's metrics. No label holds the id of a child, a person or a message.

The gauges are counted in the console's own tables (`services.console.monitoring.gauges`). Each replica shows the same
values, so panels take their maximum and never their sum.
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

MEASURED = Gauge("standing_measured_timestamp_seconds", "When what stands was last read from the database")
EPISODES = Gauge(
    "episodes_open",
    "Open episodes, by where they stand, how long ago the child was reported, and the child's cohort",
    ["authority", "state", "age", "cohort", "exercise"],
)
UNACKNOWLEDGED = Gauge(
    "episodes_unacknowledged",
    "Episodes of children not back that nobody at all has acknowledged",
    ["authority", "exercise"],
)
UNACKNOWLEDGED_OLDEST = Gauge(
    "episodes_unacknowledged_oldest_seconds",
    "How long ago the longest unacknowledged of them was reported, in story time",
    ["authority", "exercise"],
)
DUTIES = Gauge(
    "duties_waiting",
    "Duties that somebody has still to answer; overdue: told to its last human, who has not answered",
    ["authority", "rule", "state", "exercise"],
)
RETURN_CLOCKS = Gauge(
    "return_clocks_running",
    "Returned children for whom something must still happen before the episode may close, by the time since the return",
    ["authority", "condition", "since"],
)
RETURN_CLOCK_OLDEST = Gauge(
    "return_clock_oldest_seconds",
    "Time since the longest return of those for whom this must still happen, in story time",
    ["authority", "condition"],
)
DUTIES_KEPT = Gauge(
    "duties_last_30_days",
    "Duties told of in the last 30 days of story time, by rule and by how they stand now; done: its deed is recorded",
    ["authority", "rule", "state"],
)
DUTY_ANSWER = Gauge(
    "duties_answer_seconds",
    "From the first telling to the acknowledgement, over the last 30 days: the median, and what 95 in 100 stayed under",
    ["authority", "quantile"],
)
DEADLINES = Gauge("deadlines_waiting", "Deadlines that wait for their time")
DEADLINE_LATE = Gauge("deadlines_late_seconds", "How long the longest overdue deadline has waited for the clock")
DEAD_LETTERS = Gauge("dead_letters_open", "Messages given up on within a week that nobody has sent again")
INBOX = Gauge("inbox_messages", "Messages that a service remembers having done, as the database estimates", ["owner"])
DATABASE_SECONDS = Gauge("database_answer_seconds", "How long the database took to answer the simplest question")
DATABASE_BYTES = Gauge("database_size_bytes", "Size of the database")
DATABASE_CONNECTIONS = Gauge("database_connections", "Connections to the database, of all services")
DATABASE_CONNECTIONS_MOST = Gauge("database_connections_most", "How many connections the database allows")

PACK_WRITTEN = Gauge(
    "fallback_pack_written_timestamp_seconds",
    "When an authority's pack was last put in a place, or since when this process has tried",
    ["authority", "place"],
)

for result in ("signed-in", "refused", "held-back", "crowded"):
    SIGN_INS.labels(result)
