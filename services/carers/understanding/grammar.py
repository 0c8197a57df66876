"""Reads a text into its meaning. Protective: words that could report a child missing do report it."""

import re
from dataclasses import replace
from itertools import pairwise

from services.carers.understanding.details import practice, references
from services.carers.understanding.languages import (
    english_questions,
    language_recognition,
    other_languages,
    plain_words,
    welsh,
    word_lists,
)
from services.carers.understanding.meaning import REPORTS, Enquiry, Intent, Meaning, Statement
from services.carers.understanding.sentences import clauses, lexicon, whole_text
from services.carers.understanding.sentences.lexicon import compile_any

ASKS_WHERE = compile_any(english_questions.ASKS_WHERE, welsh.ENQUIRY)
STOP = compile_any(english_questions.STOP)
ELSEWHERE = compile_any([rf"\b{word}\b" for word in other_languages.MISSING])
ELSEWHERE_IN_ITS_SCRIPT = re.compile(
    "|".join(
        [rf"\b{word}" for word in other_languages.MISSING_IN_OTHER_SCRIPTS]
        + list(other_languages.MISSING_WITHOUT_SPACES)
    )
)
NOT_THAT_ONE = re.compile(r"not (?!her\b|him\b|them\b|me\b|sure\b|now\b|yet\b|good\b|well\b)\w+(?: yet)?")
"""As in "the others are home, but not Amara"."""
NO_SUCH_ONE = re.compile(r"(?:still )?no \w+(?: (?:yet|still|tonight|either))?")
"""As in "No Amara, no Yusuf"."""
HOME = re.compile(r"\b(?:back|home)\b")
NAMES_A_CHILD_AS_MISSING = re.compile(r"^missing (?:child|girl|boy|lad|kid|person|teen|c\d+) (?:is|now|has|who)\b")


def understand(text: str) -> Meaning:
    """Never raises. A text that it cannot make out is UNCLEAR, and a person reads it."""
    words, plain = plain_words.normalise(text), plain_words.simplify(text)
    if (command := practice.find_command(words)) is not None:
        return Meaning((Statement(command, words),), words, welsh="ymarfer" in words or "ymuno" in words)
    reference = references.has_reference(text)
    parts = plain_words.split_clauses(text)
    said = _read_clauses(text, plain, parts)
    if references.find_code_after_ok(text) is not None:
        said.insert(0, Statement(Intent.ACKNOWLEDGE, words))
    if reference or (references.announces_reference(text) and not said):
        said.append(Statement(Intent.REFERENCE, words))
    if STOP.search(plain):
        said = [Statement(Intent.STOP, words)]
    said, contradictory = _put_report_first(said, words, plain)
    in_its_script = not text.isascii() and ELSEWHERE_IN_ITS_SCRIPT.search(text) is not None
    foreign = in_its_script or ELSEWHERE.search(plain) is not None
    if foreign and not any(each.intent in REPORTS for each in said):
        said.append(Statement(Intent.MISSING, words))
    if all(each.if_named for each in said):
        said.append(Statement(Intent.THANKS if _asks_nothing(plain) else Intent.UNCLEAR, words))
    in_welsh = len(welsh.WORDS & set(plain.split())) * 3 >= len(plain.split()) > 0
    doubtful = foreign or contradictory or plain_words.in_another_script(text) or language_recognition.is_foreign(text)
    return Meaning(
        _without_noise(said),
        words,
        in_welsh,
        doubtful,
        reference,
        references.find_codes(text),
        tuple(clause.typed for clause in parts),
        _asks_only(said, parts),
        _classify_enquiry(said, plain),
    )


def _read_clauses(text: str, plain: str, parts: list[plain_words.Clause]) -> list[Statement]:
    known = whole_text.read_whole(plain, parts, quoted=plain_words.quotes_somebody(text))
    said: list[Statement] = []
    before = ""
    for at, (clause, following) in enumerate(pairwise([*parts, None])):
        if clause is not None:
            found = clauses.read_clause(clause, whole_text.look_ahead(known, following))
            if (NOT_THAT_ONE.fullmatch(clause.plain) and HOME.search(before)) or NO_SUCH_ONE.fullmatch(clause.plain):
                found.append(Statement(Intent.NOT_BACK, clause.typed, if_named=True))
            if not found and (but := lexicon.ALL_BUT.search(clause.typed)) and not lexicon.GONE.search(clause.plain):
                found.append(Statement(Intent.NOT_BACK, but[1], if_named=True))
            said.extend(replace(each, at=at) for each in found)
            known, before = whole_text.carry_over(known, clause), clause.plain
    return said


def _put_report_first(said: list[Statement], words: str, plain: str) -> tuple[list[Statement], bool]:
    """A text that begins with MISSING is a report. True if its other words contradict that: a person reads it too."""
    if not plain.startswith("missing") or NAMES_A_CHILD_AS_MISSING.search(plain):
        return said, False
    kinds = {each.intent for each in said}
    if kinds & REPORTS and Intent.BACK not in kinds:
        return said, False
    back_later = Intent.BACK in kinds and "now" in plain.split()
    if back_later or any(each.search(plain) for each in lexicon.NO_LONGER_MISSING):
        return said, True
    return [
        Statement(Intent.MISSING, words),
        *(each for each in said if each.intent not in {Intent.BACK, Intent.MISSING}),
    ], True


def _classify_enquiry(said: list[Statement], plain: str) -> Enquiry | None:
    """Also of an enquiry within a report: the report is acted upon, and the enquiry is noted."""
    if not any(each.intent is Intent.ENQUIRY for each in said):
        return None
    return "where" if ASKS_WHERE.search(plain) else "after"


def _asks_nothing(plain: str) -> bool:
    words = set(plain.split())
    return any(words & each.THANKS and words <= each.THANKS | each.AROUND_THANKS for each in (english_questions, welsh))


def _asks_only(said: list[Statement], parts: list[plain_words.Clause]) -> bool:
    """Whether an answer is enough: no clause tells anything of a child."""
    asking = {each.words for each in said if each.intent in ASKING}
    return all(
        (clause.typed in asking and len(clause.plain.split()) <= WORDS_OF_A_QUESTION)
        or not TELLS.search(clause.plain)
        or INTRODUCES.fullmatch(clause.plain)
        for clause in parts
    )


ASKING = frozenset({Intent.STATUS, Intent.ENQUIRY, Intent.HELP})
INTRODUCES = re.compile(
    r"(?:hi |hello )?(?:it is|its|i am|this is) (?:(?:the|a|an|her|his|their|your|old|former|foster|\w+s) ){0,3}\w+"
)
WORDS_OF_A_QUESTION = 20
TELLS = compile_any(
    [
        rf"\b(?:{'|'.join(sorted(word_lists.CHILD - {'all', 'both', 'e', 'o', 'hi', 'fe', 'fo', 'one', 'everyone', 'everybody'}))})\b",
        rf"\b(?:{'|'.join(sorted(word_lists.KIN - {'mate', 'pal', 'people', 'someone', 'somebody', 'anyone', 'anybody'}))})\b",
        r"\b(?:c\d+|\d\d+|his|hes|shes|their|returned|located|missing|found|gone|left|seen|hospital|custody|car|come to your|kill|warn|threat\\w*|owes?|train|bus|knife|hurt|danger|help)\b",
    ]
)
"""Words that may tell something about a person, a time or a place."""


def _without_noise(said: list[Statement]) -> tuple[Statement, ...]:
    """Drops cries for help and questions beside a report or a return: people are told at once anyway."""
    kinds = {each.intent for each in said}
    if kinds & REPORTS or Intent.BACK in kinds:
        said = [each for each in said if each.intent not in {Intent.HELP, Intent.STATUS, Intent.ENQUIRY}]
    if Intent.ENQUIRY in kinds and Intent.STATUS in kinds:
        said = [each for each in said if each.intent is not Intent.STATUS]
    return tuple(dict.fromkeys(said))
