"""From a text to its meaning. Protective: where words could say that a child is missing, they do."""

import re
from collections.abc import Iterable

from services.carers.understanding import (
    elsewhere,
    english,
    english_asking,
    languages,
    practice,
    references,
    welsh,
    writing,
)
from services.carers.understanding.meaning import REPORTS, Enquiry, Intent, Meaning, Said


def _any(*lists: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(pattern for each in lists for pattern in each))


IRRELEVANT = _any(english.IRRELEVANT)
HYPOTHETICAL = _any(english.HYPOTHETICAL)
QUESTION = _any(english_asking.QUESTION)
NO_LONGER_MISSING = _any(english.NO_LONGER_MISSING, welsh.NO_LONGER_MISSING)
NOT_BACK = _any(english.NOT_BACK, welsh.NOT_BACK)
DUE = _any(english.DUE)
MISSING = _any(english.MISSING, welsh.MISSING)
BACK = _any(english.BACK, welsh.BACK)
FALSE_ALARM = _any(english.FALSE_ALARM, welsh.FALSE_ALARM)
MISTAKEN = _any(english.MISTAKEN)
BESIDES = {
    Intent.LOCATED: _any(english.LOCATED, welsh.LOCATED),
    Intent.CONTACT: _any(english.CONTACT, welsh.CONTACT),
    Intent.SEEN: _any(english.SEEN, welsh.SEEN),
}
REQUESTS = {
    Intent.STATUS: _any(english_asking.STATUS, welsh.STATUS),
    Intent.ENQUIRY: _any(english_asking.ASKS_WHERE, english_asking.ASKS_AFTER, welsh.ENQUIRY),
    Intent.HELP: _any(english_asking.HELP, welsh.HELP),
}
ASKS_WHERE = _any(english_asking.ASKS_WHERE, welsh.ENQUIRY)
LURE = _any(english.LURE, welsh.LURE)
STOP = _any(english_asking.STOP)
ELSEWHERE = _any([rf"\b{word}\b" for word in elsewhere.MISSING])
NAMES_A_CHILD_AS_MISSING = re.compile(r"^missing (?:child|girl|boy|lad|kid|person|teen|c\d+) (?:is|now|has|who)\b")


def understand(text: str) -> Meaning:
    """Never raises. What it cannot make out is UNCLEAR, and a person reads it."""
    words, plain = writing.typed(text), writing.plain(text)
    if (command := practice.commanded(words)) is not None:
        return Meaning((Said(command, words),), words, welsh="ymarfer" in words or "ymuno" in words)
    reference = references.has_reference(text)
    said = [each for clause in writing.clauses(text) for each in _clause(writing.typed(clause), writing.plain(clause))]
    if references.code_after_ok(text) is not None:
        said.insert(0, Said(Intent.ACKNOWLEDGE, words))
    if reference or (references.announces_reference(text) and not said):
        said.append(Said(Intent.REFERENCE, words))
    if STOP.search(plain):
        said = [Said(Intent.STOP, words)]
    said, contradictory = _commanded(said, words, plain)
    foreign = any(word in text for word in elsewhere.MISSING_IN_OTHER_SCRIPTS) or bool(ELSEWHERE.search(plain))
    if foreign and not any(each.intent in REPORTS for each in said):
        said.append(Said(Intent.MISSING, words))
    if not said:
        said.append(Said(Intent.THANKS if _asks_nothing(plain) else Intent.UNCLEAR, words))
    in_welsh = len(welsh.WORDS & set(plain.split())) * 3 >= len(plain.split()) > 0
    doubtful = foreign or contradictory or writing.in_another_script(text) or languages.is_foreign(text)
    return Meaning(
        _without_noise(said), words, in_welsh, doubtful, reference, references.codes_in(text), _enquiry(said, plain)
    )


def _clause(typed: str, plain: str) -> list[Said]:
    """At most one of missing, back and false alarm, the later one where there are several, and what is said besides."""
    said = [Said(Intent.LURE, typed)] if LURE.search(plain) else []
    if QUESTION.search(plain):
        return [*said, Said(Intent.STATUS, typed)]
    rest = IRRELEVANT.sub(_hidden, plain)
    false_alarm = _last(FALSE_ALARM, rest)
    rest, ended = _take(NO_LONGER_MISSING, rest)
    rest, not_back = _take(NOT_BACK, rest)
    if not_back < 0:
        false_alarm = max(false_alarm, _last(MISTAKEN, rest))
    rest, due = _take(DUE, rest)
    rest = HYPOTHETICAL.sub(_hidden, rest)
    rest, missing = _take(MISSING, rest)
    back = _last(BACK, rest)
    said.extend(_whereabouts(typed, not_back, max(due, missing), back, false_alarm, ended))
    kinds = BESIDES if back < 0 else {}
    said.extend(Said(kind, typed) for kind, pattern in kinds.items() if pattern.search(rest))
    said.extend(Said(kind, typed) for kind, pattern in REQUESTS.items() if pattern.search(rest))
    return said


def _whereabouts(typed: str, not_back: int, missing: int, back: int, false_alarm: int, ended: int) -> list[Said]:
    """Each number is where the last such words end, -1 where there are none."""
    reported = max(not_back, missing)
    mixed = min(reported, back) >= 0
    if reported > max(back, false_alarm, ended):
        return [Said(Intent.NOT_BACK if reported == not_back else Intent.MISSING, typed, mixed)]
    if back >= 0:
        return [Said(Intent.BACK, typed, mixed)]
    if false_alarm >= 0:
        return [Said(Intent.FALSE_ALARM, typed)]
    return [Said(Intent.BACK, typed)] if ended >= 0 else []


def _take(pattern: re.Pattern[str], plain: str) -> tuple[str, int]:
    """What is left, in its old places, and where the last match ended (-1 where there is none)."""
    return pattern.sub(_hidden, plain), _last(pattern, plain)


def _last(pattern: re.Pattern[str], plain: str) -> int:
    return max((match.end() for match in pattern.finditer(plain)), default=-1)


def _hidden(match: re.Match[str]) -> str:
    return "~" * len(match[0])


def _commanded(said: list[Said], words: str, plain: str) -> tuple[list[Said], bool]:
    """A text that begins with MISSING reports, whatever else its words seem to say: then a person reads it too."""
    if not plain.startswith("missing") or NAMES_A_CHILD_AS_MISSING.search(plain):
        return said, False
    kinds = {each.intent for each in said}
    if kinds & REPORTS and Intent.BACK not in kinds:
        return said, False
    back_later = BACK.search(plain.removeprefix("missing")) is not None and "now" in plain.split()
    if back_later or NO_LONGER_MISSING.search(plain):
        return said, True
    return [
        Said(Intent.MISSING, words),
        *(each for each in said if each.intent not in {Intent.BACK, Intent.MISSING}),
    ], True


def _enquiry(said: list[Said], plain: str) -> Enquiry | None:
    """Asked in the midst of a report too: then the report is what is acted upon, and the enquiry is known all the same."""
    if not any(each.intent is Intent.ENQUIRY for each in said):
        return None
    return "where" if ASKS_WHERE.search(plain) else "after"


def _asks_nothing(plain: str) -> bool:
    words = set(plain.split())
    return any(words & each.THANKS and words <= each.THANKS | each.AROUND_THANKS for each in (english_asking, welsh))


def _without_noise(said: list[Said]) -> tuple[Said, ...]:
    """A report outweighs a cry for help and a question: people are told at once anyway."""
    kinds = {each.intent for each in said}
    if kinds & REPORTS or Intent.BACK in kinds:
        said = [each for each in said if each.intent not in {Intent.HELP, Intent.STATUS, Intent.ENQUIRY}]
    if Intent.ENQUIRY in kinds and Intent.STATUS in kinds:
        said = [each for each in said if each.intent is not Intent.STATUS]
    return tuple(dict.fromkeys(said))
