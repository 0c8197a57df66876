"""Renders `docs/protocol.md` from the rules: for each event who is told, when, why and by which paragraph."""

from services.handbook import phrases
from services.handbook.question import follow
from services.handbook.templates import render
from services.protocol.law.law import Law
from services.protocol.policy.rule_language.grammar import Protocol
from services.protocol.policy.rule_language.periods import format_period
from services.protocol.policy.rule_language.vocabulary import Trigger


def page(protocol: Protocol, law: Law) -> str:
    """Markdown, the same bytes for the same rules and the same law."""
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
