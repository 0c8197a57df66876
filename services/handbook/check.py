"""Runs everything that `python -m services check` proves: the rules, and every word that they send."""

from collections.abc import Iterator
from pathlib import Path

from services.handbook import words
from services.handbook.stories import message_count
from services.protocol.checks.check import check as faults_of_rules
from services.protocol.checks.downgrade import GIVEN_UP, ON_WORD
from services.protocol.checks.findings import Finding
from services.protocol.loader import DEFAULT_RULES, files, is_of_rules, passed_over, readable
from services.protocol.rule_file import DEFAULT

NAMED_MOST = 20
"""Of the files that are passed over: a wrong folder may have thousands."""


def check(folder: Path | None = None) -> list[Finding]:
    """Everything wrong with the default rules, the authorities' own in `folder`, the wordings, and how many messages an
    ordinary absence costs its readers. Empty: fit.
    """
    findings = faults_of_rules(folder)
    if not any(each.unreadable for each in findings):
        findings += [*words.not_written(files(folder)), *message_count.faults()]
    return findings + words.faults()


def read_of(folder: Path | None = None) -> Iterator[str]:
    """Which files `check` was about: how many, of which authorities, and which it passed over."""
    found, _ = readable(folder)
    own = [each for each in found if each.path.parent != DEFAULT_RULES]
    yield f"read {_counted(len(found) - len(own))} of the default rules"
    if folder is None:
        yield "and no authority's own: --folder names where those lie"
        return
    whose = sorted({"every authority" if each.authority == DEFAULT else each.authority for each in own})
    yield f"and {_counted(len(own))} in {folder}{', of ' if whose else ''}{', '.join(whose)}"
    for each in own:
        if each.stand_down == ON_WORD:
            yield f"{each.path.name}, for {each.authority}: {GIVEN_UP}"
    others = [str(each.relative_to(folder)) for each in passed_over(folder) if not is_of_rules(each)]
    if others:
        more = f", and {len(others) - NAMED_MOST} more" if len(others) > NAMED_MOST else ""
        yield f"passed over there: {', '.join(others[:NAMED_MOST])}{more}"


def _counted(files_read: int) -> str:
    return f"{files_read} {'file' if files_read == 1 else 'files'}"
