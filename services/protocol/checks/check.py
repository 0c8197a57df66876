"""Refuses a protocol that could let a child fall between two agencies, by line, and says what to write instead.

Each rule's `cites` is checked against the sources, and its numbers and days against the law's.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import combinations
from pathlib import Path

from services.protocol.checks import rule_checks
from services.protocol.checks.downgrade import lacking, weaker
from services.protocol.checks.rule_checks import Fault
from services.protocol.checks.spelling import Finding, unknown_words
from services.protocol.law.law import (
    TO_BE_CONFIRMED,
    Law,
    Sources,
    Value,
    holds,
    names_in,
    overlap,
    shipped,
    wrong_rows,
)
from services.protocol.loader import (
    DEFAULT,
    DEFAULT_RULES,
    RulesFile,
    is_of_rules,
    law_of,
    merge_files,
    parse,
    passed_over,
    readable,
    turning_days_of,
)
from services.protocol.policy.rule_language.grammar import Protocol, Rule


def faults_of(rule: Rule, sources: Sources) -> Iterator[Fault]:
    """Cited texts that are not known, and a claim to follow guidance that cites none of it."""
    for cite in rule.because.cite:
        if sources.of(cite) is None:
            yield (
                f"{cite} is neither a paragraph of the guidance nor a known source",
                "S1 to S79, a source of services/protocol/law/sources.yaml, or one of your own under `sources`",
            )
    if rule.because.kind == "guidance" and not any(map(sources.is_guidance, rule.because.cite)):
        yield "it claims guidance and cites no paragraph", "`kind: local`, or the paragraph"


def faults_of_law(file: RulesFile, law: Law) -> Iterator[tuple[str, Fault]]:
    """What is wrong with the file's own sources and values, each under that word of the file."""
    for source in file.sources if file.authority != DEFAULT else ():
        if source.get("kind", "local") != "local":
            says = f"source {source['id']} is an authority's own, and {source['kind']} is not"
            yield "sources", (says, "kind: local")
        known = law.sources.of(str(source["id"]))
        if known is not None and known.kind != "local":
            yield "sources", (f"source {source['id']} is one of everybody's", "another id")
    if file.values and file.authority != DEFAULT:
        yield "values", ("the law's numbers are the same for every authority", "the number in a rule of your own")
    if file.values:
        yield from (("values", (says, None)) for says in law.values.faults())


def faults_of_numbers(file: RulesFile, law: Law, days: Sequence[date]) -> Iterator[tuple[str, Fault]]:
    """A value that does not hold on a day on which a rule needs it, under the rule's id."""
    for rule in (each for each in file.rules if each.get("state") != TO_BE_CONFIRMED):
        for name in (each for each in names_in(rule) if not law.values.is_off(each)):
            missing = [on for on in days if holds(file.period(rule), on) and law.values.on(name, on) is None]
            if missing:
                says = f"no value {name} holds on {missing[0]}: the rule would be silent then"
                yield str(rule["id"]), (says, "`from` and `to` of the rule within those of the value")


def share_a_day(rules: Iterable[tuple[RulesFile, dict[str, object]]]) -> bool:
    """Whether two of these rules hold on the same day."""
    return any(overlap(*both) for both in combinations([file.period(rule) for file, rule in rules], 2))


def doubts(read: Sequence[RulesFile], today: date) -> Iterator[str]:
    """A warning for each source that a rule cites and that a person should look at again."""
    for authority in sorted({each.authority for each in read}):
        files = [each for each in read if each.authority == authority]
        cited = {str(cite) for file in files for rule in file.rules for cite in rule.get("because", {}).get("cite", ())}
        yield from law_of(read, authority).sources.doubts(sorted(cited), today)


def unadopted(read: Iterable[RulesFile]) -> Iterator[str]:
    """A warning for each file that does not say who adopted it: the record then names nobody."""
    for file in read:
        if file.path.parent != DEFAULT_RULES and file.adopted is None:
            yield f"{file.path.name} does not say who adopted it; write adopted: {{ by: ..., from: 2026-12-01 }}"


def check(folder: Path | None = None) -> list[Finding]:
    """Everything wrong, on any day, with the default rules and the authorities' own in `folder`. Empty: fit for use."""
    read, unread = readable(folder)
    findings = [Finding(None, None, None, each, unreadable=True) for each in unread]
    findings += [] if folder is None else unread_in(folder)
    if findings:
        return [*findings, *_faults_of_words(read)]
    return faults_in(read)


def warnings(folder: Path | None, today: date) -> list[str]:
    """Doubts for a person, though the rules may be used: sources that may be out of date, files that nobody adopted."""
    read, _ = readable(folder)
    sound = [each for each in read if not list(_faults_of_words([each]))]
    return list(dict.fromkeys([*doubts(sound, today), *unadopted(sound)]))


def unread_in(folder: Path) -> list[Finding]:
    """A file that somebody wrote and nobody reads would be noticed only when a child is missing. A folder that has
    files, none of them read, is another than was meant.
    """
    wanted, others = "a protocol file's name ends in .yaml, and it lies in the folder itself", passed_over(folder)
    says = [f"{each.relative_to(folder)} is not read: {wanted}" for each in others if is_of_rules(each)]
    if others and not says and not any(folder.glob("*.yaml")):
        says = [f"nothing in {folder} is read: {wanted}"]
    return [Finding(None, None, None, each, unreadable=True) for each in says]


def faults_in(read: Sequence[RulesFile], only: str | None = None) -> list[Finding]:
    """Everything wrong with these files, for each authority that has one; the default rules are among them. `only`: in
    this authority's files, where everybody's are sound, which is a fraction of the work.
    """
    spelled = list(_faults_of_words(read, only))
    return spelled or list(dict.fromkeys(_faults_of_rules(read, only)))


def _faults_of_words(read: Sequence[RulesFile], only: str | None = None) -> Iterator[Finding]:
    values = shipped().values
    for each in (file for file in read if file.authority == DEFAULT and not list(wrong_rows(Value, file.values))):
        values = law_of([each]).values if each.values else values
    mine = [each for each in read if only in (None, each.authority)]
    for each in mine:
        yield from unknown_words(each, values)
    yield from _given_twice(mine)


def _given_twice(read: Sequence[RulesFile]) -> Iterator[Finding]:
    """Two rules with one id. Rules of one id may follow each other, each with days of its own."""
    by_name: dict[tuple[str, str], list[tuple[RulesFile, dict[str, object]]]] = defaultdict(list)
    for each in read:
        for rule in each.rules:
            if "id" in rule:
                by_name[each.authority, str(rule["id"])].append((each, rule))
    for (_, name), rules in by_name.items():
        try:
            if not share_a_day(rules):
                continue
        except ValueError:
            continue  # a day that is none is named already
        says, instead = "two rules have this id", "an id of its own for each, or `from` and `to` that do not meet"
        for each in {id(file): file for file, _ in rules}.values():
            yield Finding(each.path, each.lines[name], name, says, instead, unreadable=True)


def _faults_of_rules(read: Sequence[RulesFile], only: str | None = None) -> Iterator[Finding]:
    base = [each for each in read if each.authority == DEFAULT]
    authorities = sorted({each.authority for each in read} - {DEFAULT}) if only is None else [only]
    law, days = law_of(base), turning_days_of(read)
    yield from _faults_against_law([each for each in read if only in (None, each.authority)], law, days)
    seen: set[str] = set()
    for on in days:
        text = merge_files(base, DEFAULT, on, law)
        default = parse(text)
        if only is None and text not in seen:
            yield from _faults_on_a_day(base, default, law.sources)
        for authority in authorities:
            own = [each for each in read if each.authority == authority]
            its_text = merge_files([*base, *own], authority, on, law)
            if its_text not in seen:
                yield from _faults_on_a_day(own, parse(its_text), law_of([*base, *own], authority).sources, default)
            seen.add(its_text)
        seen.add(text)


def _faults_against_law(read: Sequence[RulesFile], law: Law, days: Sequence[date]) -> Iterator[Finding]:
    for each in read:
        for word, (says, instead) in faults_of_law(each, law):
            yield Finding(each.path, each.places.get(("", word)), None, says, instead)
        for name, (says, instead) in faults_of_numbers(each, law, days):
            yield Finding(each.path, each.lines.get(name), name, says, instead)


def _faults_on_a_day(
    read: Sequence[RulesFile], protocol: Protocol, sources: Sources, default: Protocol | None = None
) -> Iterator[Finding]:
    """Findings about the rules that these files give, of those in force."""
    for each in read:
        for name in (name for name in each.lines if name in protocol.by_id):
            rule = protocol.by_id[name]
            faults = [
                *rule_checks.faults_of(rule, protocol),
                *faults_of(rule, sources),
                *rule_checks.conflicts_of(rule, protocol),
            ]
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
