"""Checks each rule's `cites` against the sources, and its numbers and days against the law's."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import combinations

from services.protocol.checks.rule_checks import Fault
from services.protocol.law.law import Law
from services.protocol.law.periods import TO_BE_CONFIRMED, holds, overlap
from services.protocol.law.sources import Sources
from services.protocol.law.values import names_in
from services.protocol.loader import DEFAULT_RULES, law_of
from services.protocol.policy.rule_language.grammar import Rule
from services.protocol.rule_file import DEFAULT, RulesFile


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
