"""Refuses a protocol that could let a child fall between two agencies, by line, and says what to write instead."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from services.protocol.checks import conflicts, rule_checks
from services.protocol.checks.downgrade import lacking, weaker
from services.protocol.checks.findings import Finding
from services.protocol.checks.spelling import unknown_words
from services.protocol.loader import DEFAULT, RulesFile, is_of_rules, merge_files, parse, passed_over, readable
from services.protocol.policy.rule_language.grammar import Protocol


def check(folder: Path | None = None) -> list[Finding]:
    """Everything wrong with the default rules and with the authorities' files in `folder`. Empty means fit for use."""
    read, unread = readable(folder)
    findings = [Finding(None, None, None, each, unreadable=True) for each in unread]
    findings += [] if folder is None else _not_read(folder)
    findings += [found for each in read for found in unknown_words(each)] + [*_given_twice(read)]
    if findings:
        return findings
    default = parse(merge_files(read, DEFAULT))
    findings.extend(_of([each for each in read if each.authority == DEFAULT], default))
    for authority in sorted({each.authority for each in read} - {DEFAULT}):
        own = [each for each in read if each.authority == authority]
        findings.extend(_of(own, parse(merge_files(read, authority)), default))
    return list(dict.fromkeys(findings))


def _not_read(folder: Path) -> list[Finding]:
    """A file that somebody wrote and nobody reads would be noticed only when a child is missing."""
    says = "is not read: a protocol file's name ends in .yaml, and it lies in the folder itself"
    return [
        Finding(None, None, None, f"{each.relative_to(folder)} {says}", unreadable=True)
        for each in passed_over(folder)
        if is_of_rules(each)
    ]


def _given_twice(read: list[RulesFile]) -> Iterator[Finding]:
    for authority in {each.authority for each in read}:
        mine = [each for each in read if each.authority == authority]
        names = Counter(str(rule["id"]) for each in mine for rule in each.rules if "id" in rule)
        for each in mine:
            for name in each.lines:
                if names[name] > 1:
                    says, instead = "two rules have this id", "an id of its own for each"
                    yield Finding(each.path, each.lines[name], name, says, instead, unreadable=True)


def _of(read: list[RulesFile], protocol: Protocol, default: Protocol | None = None) -> Iterator[Finding]:
    """Findings about the rules that these files give."""
    for each in read:
        for name in each.lines:
            rule = protocol.by_id[name]
            faults = [*rule_checks.faults_of(rule, protocol), *conflicts.faults_of(rule, protocol)]
            if default is not None and name in default.by_id and rule.approved is None:
                faults.extend(weaker(default.by_id[name], rule))
            for says, instead in faults:
                yield Finding(each.path, each.lines[name], name, says, instead)
        if default is not None and each.approved is None:
            for key, says, instead in lacking(each, default):
                yield Finding(each.path, each.places.get(("", key)), None, says, instead)
    if default is None and not protocol.closing:
        yield Finding(
            None, None, None, "no file says what must have happened before an episode may close", "closing: [...]"
        )
