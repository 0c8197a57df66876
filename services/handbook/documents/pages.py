"""Renders pages of `docs/` from rules and stories."""

from pathlib import Path

from services.handbook import phrases
from services.handbook.charts.chart import draw
from services.handbook.documents import disclosure, dpia, requirements, safety_case
from services.handbook.question import follow
from services.handbook.templates import render
from services.platform.store.disposal.schedule import Action, Record, schedule
from services.protocol.law.law import Law
from services.protocol.loader import Library, files
from services.protocol.policy.rule_language.grammar import Protocol
from services.protocol.policy.rule_language.periods import format_period
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.protocol.rule_file import DEFAULT

FOLDER = Path(__file__).parents[3] / "docs"
DRAWN = ("child.reported-missing",)
"""Events whose picture lies in `docs/protocol/`."""
ENDS_OF_RECORDS = {
    Action.ROWS_DELETED: "rows are deleted by {by}",
    Action.MONTH_DROPPED: "a month at a time is dropped by {by}",
    Action.KAFKA_FORGETS: "Kafka forgets it",
}


def documents() -> dict[str, str]:
    """Each page's text by its path under `docs/`."""
    library = Library(files())
    protocol = library.current(DEFAULT)
    drawn = {f"protocol/{event}.svg": draw(event, library, DEFAULT) for event in DRAWN}
    return {
        "disclosure.md": disclosure.page(),
        "dpia.md": dpia.page(),
        "protocol.md": protocol_page(protocol, library.law),
        "records-of-processing.md": records_page(),
        "requirements.md": requirements.page(protocol),
        "safety-case.md": safety_case.page(protocol),
        **drawn,
    }


def protocol_page(protocol: Protocol, law: Law) -> str:
    """For each event who is told, when, why and by which paragraph."""
    asked = [
        {
            "name": phrases.words_of(trigger),
            "told": dict.fromkeys(phrases.who(rule.tell, rule.among) for rule in rules),
            "opens_watch": trigger in protocol.watch_on,
            "ended": [rule.id for rule in protocol.rules if trigger in rule.until],
            "rules": follow(rules, protocol),
        }
        for trigger in Trigger
        if (rules := protocol.on(trigger))
    ]
    closing = phrases.sentence(", ".join(phrases.words_of(each) for each in protocol.closing))
    return render("protocol.md", asked=asked, closing=closing, law=law, say=phrases, spoken=format_period)


def records_page() -> str:
    """How long each record is kept, why, and what ends it, as `retention.yaml` says."""
    records = [(name, each, each.period) for name, each in schedule().records.items()]
    groups = {
        "ending": [(*each, _end(each[1])) for each in records if each[1].action in ENDS_OF_RECORDS],
        "lasting": [each for each in records if each[1].action is Action.NOTHING_YET],
        "nobodys": [each for each in records if each[1].action is Action.NOBODYS],
    }
    return render("records_of_processing.md", bases=schedule().bases, **groups)


def _end(record: Record) -> str:
    by = record.by or ", ".join(sorted({service for each in record.sweeps for service in each.services}))
    return ENDS_OF_RECORDS[record.action].format(by=by)
