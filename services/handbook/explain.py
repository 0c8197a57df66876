"""Explains in sentences who would be told if an event happened, when and why. Sends nothing."""

from collections.abc import Mapping
from datetime import date

from services.handbook import phrases
from services.handbook.question import follow, triggers_of
from services.handbook.templates import render
from services.protocol.loader import Library, Origin, files
from services.protocol.policy.rule_language.grammar import Protocol
from services.protocol.policy.rule_language.periods import format_period
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.protocol.rule_file import DEFAULT


def explain(event_kind: str, authority: str, library: Library | None = None, on: date | None = None) -> str:
    """Plain sentences for `child.reported-missing` (with or without `.v1`), as the rules are in force on that day; left
    out, on the day of the law's newest check. Raises ValueError that names the known.
    """
    library = library or Library(files())
    on = on or library.law.checked_on
    protocol = library.current(authority, on)
    sections = [
        _section(trigger, protocol, library.origins(authority), on) for trigger in triggers_of(event_kind, protocol)
    ]
    return "\n\n".join(sections) + "\n"


def require_known(library: Library, authority: str) -> None:
    """Raises ValueError that names the known, if this authority has no file: it may be misspelt."""
    known = sorted({DEFAULT, *(each.authority for each in library.read_files)})
    if authority not in known:
        msg = f"no rules file is of {authority}: an authority without one goes by the default. There are rules of {', '.join(known)}; --folder names where authorities' own lie"
        raise ValueError(msg)


def _section(trigger: Trigger, protocol: Protocol, origins: Mapping[str, Origin], on: date) -> str:
    told = render(
        "explain.txt",
        say=phrases,
        spoken=format_period,
        trigger=trigger,
        protocol=protocol,
        origins=origins,
        on=on,
        rules=list(follow(protocol.on(trigger), protocol)),
        ended=[rule.id for rule in protocol.rules if trigger in rule.until],
    )
    return told.rstrip()
