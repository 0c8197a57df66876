"""Declares casework's metrics. No label holds an agency's id."""

from prometheus_client import Counter, Gauge

EVENTS = Counter("casework_events", "Agencies' events, by kind and what came of them", ["kind", "result"])
IMPORTS = Counter("casework_imports", "Imports of the register", ["result"])
REGISTER_AGE = Gauge(
    "register_age_seconds",
    "Time since an authority last imported a table of its register, in story time",
    ["authority", "table"],
)
ENDS_AT = Gauge(
    "ends_at_seconds",
    "When the first import credential, sharing agreement or certificate of ours at a force ends, in Unix time",
    ["what"],
)
EXERCISES_CONFIGURED = Gauge("exercise_reports_configured", "1 where an exercise report is due every fifteen minutes")
EXERCISE_MAILS_DUE = Gauge(
    "exercise_mails_due", "1 while an exercise report is told by mail too: in working hours, on no bank holiday"
)
EXERCISE_REPORTS = Counter("exercise_reports", "Exercise reports and their ends published", ["what"])

for what in ("report", "end"):
    EXERCISE_REPORTS.labels(what)
