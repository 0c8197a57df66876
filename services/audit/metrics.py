"""Declares the metrics of the audit. No label holds an id of a child, a person or a message."""

from prometheus_client import Counter, Gauge

from services.audit.policy.consequences import Gap

ENTRIES = Counter("safe_return_audit_entries", "Entries added to the record")
GAPS = Gauge(
    "safe_return_audit_gaps",
    "What should have happened and has not, at two looks in a row; `python -m services audit gaps` lists it",
    ["gap"],
)
LOOKED_AT = Gauge(
    "safe_return_audit_reconciled_timestamp_seconds", "When expected and happened were last compared, in Unix time"
)
ANCHORED_AT = Gauge(
    "safe_return_audit_anchored_timestamp_seconds", "What was recorded before this is under an anchor, in Unix time"
)
ANCHOR_PUBLISHED_AT = Gauge(
    "safe_return_audit_anchor_published_timestamp_seconds",
    "When the newest anchor was last put in a place outside, in Unix time",
    ["place"],
)

for each in Gap:
    GAPS.labels(each.value)
