"""Renders `docs/records-of-processing.md` from `retention.yaml`: what is held, for how long, why, and what ends it."""

from services.handbook.templates import render
from services.platform.store.disposal.schedule import Action, Record, schedule

ENDS = {
    Action.ROWS_DELETED: "rows are deleted by {by}",
    Action.MONTH_DROPPED: "a month at a time is dropped by {by}",
    Action.KAFKA_FORGETS: "Kafka forgets it",
}


def page() -> str:
    """Markdown, the same bytes for the same file."""
    records = [(name, each, each.period) for name, each in schedule().records.items()]
    groups = {
        "ending": [(*each, _end(each[1])) for each in records if each[1].action in ENDS],
        "lasting": [each for each in records if each[1].action is Action.NOTHING_YET],
        "nobodys": [each for each in records if each[1].action is Action.NOBODYS],
    }
    return render("records_of_processing.md", bases=schedule().bases, **groups)


def _end(record: Record) -> str:
    by = record.by or ", ".join(sorted({service for each in record.sweeps for service in each.services}))
    return ENDS[record.action].format(by=by)
