"""Reads a text into its meaning. Protective: words that could report a child missing do report it."""

from dataclasses import replace

from services.carers.understanding import clauses, replies, subjects
from services.carers.understanding.languages import lexicon, plain_words
from services.carers.understanding.languages.lexicon import load_patterns, load_words
from services.carers.understanding.meaning import REPORTS, Clause, Enquiry, Intent, Meaning, Statement
from services.carers.understanding.subjects import EACH, PATTERNS

ENGLISH, WELSH = load_words("english"), load_words("welsh")
OTHER_LANGUAGES = load_patterns("other_languages")


def understand(text: str, *, telling: str = "") -> Meaning:
    """Never raises. A text that it cannot make out is UNCLEAR, and a person reads it. `telling`: the code of the one
    that it answers, which names no child though it may look like a child's.
    """
    text = plain_words.split_after_back(plain_words.hide_code(text, telling))
    words, plain = plain_words.normalise(text), plain_words.simplify(text)
    if (command := replies.find_command(words)) is not None:
        return Meaning((Statement(command, words),), words, welsh="ymarfer" in words or "ymuno" in words)
    reference = replies.has_reference(text)
    parts = plain_words.split_clauses(text)
    said = _read_clauses(text, plain, parts)
    if replies.find_code_after_ok(text) is not None:
        said.insert(0, Statement(Intent.ACKNOWLEDGE, words))
    if reference or (replies.announces_reference(text) and not said):
        said.append(Statement(Intent.REFERENCE, words))
    wants_person = any(PATTERNS["wants_person"].search(part.plain) for part in parts)
    if PATTERNS["stop"].search(plain) and not wants_person:
        said = [Statement(Intent.STOP, words)]
    said, contradictory = _put_report_first(said, words, plain)
    in_its_script = not text.isascii() and OTHER_LANGUAGES["in_its_script"].search(text) is not None
    foreign = in_its_script or OTHER_LANGUAGES["elsewhere"].search(plain) is not None
    if foreign and not any(each.intent in REPORTS for each in said):
        said.append(Statement(Intent.MISSING, words))
    if all(each.if_named for each in said):
        said.append(Statement(Intent.THANKS if _asks_nothing(plain) else Intent.UNCLEAR, words))
    in_welsh = len(WELSH["welsh"] & set(plain.split())) * 3 >= len(plain.split()) > 0
    doubtful = foreign or contradictory or plain_words.in_another_script(text) or plain_words.is_foreign(text)
    return Meaning(
        _without_noise(said),
        words,
        in_welsh,
        doubtful,
        reference,
        replies.find_telling_codes(text),
        tuple(clause.typed for clause in parts),
        _list_unread(said, parts),
        _asks_only(said, parts),
        _is_in_danger(plain),
        wants_person,
        _classify_enquiry(said, plain),
    )


def _list_unread(said: list[Statement], parts: list[Clause]) -> tuple[Clause, ...]:
    """Also those that tell of a man or a call: they may say as well that the child is gone."""
    read = {each.at for each in said if each.intent not in BESIDE and not each.if_named}
    return tuple(
        replace(each, plain=PATTERNS["danger"].sub(subjects.hide, each.plain))
        for each in parts
        if each.at not in read
        and not (each.asked or subjects.asks(each.plain) or PATTERNS["wants_person"].search(each.plain))
    )


BESIDE = frozenset({Intent.LURE, Intent.CONTACT, Intent.SEEN, Intent.ENQUIRY})


def _is_in_danger(plain: str) -> bool:
    return PATTERNS["danger"].search(plain) is not None and PATTERNS["no_danger"].search(plain) is None


def _read_clauses(text: str, whole: str, parts: list[Clause]) -> list[Statement]:
    known = subjects.read_whole(whole, parts, quoted=plain_words.quotes_somebody(text))
    said: list[Statement] = []
    before = ""
    for at, (clause, following) in enumerate(zip(parts, [*parts[1:], None], strict=False)):
        plain = clause.plain
        found = clauses.read_clause(clause, subjects.look_ahead(known, following))
        not_that_one = PATTERNS["not_that_one"].fullmatch(plain) and PATTERNS["home"].search(before)
        if not_that_one or PATTERNS["no_such_one"].fullmatch(plain):
            found.append(Statement(Intent.NOT_BACK, clause.typed, if_named=True))
        if not found and (but := PATTERNS["all_but"].search(clause.typed)) and not PATTERNS["gone"].search(plain):
            found.append(Statement(Intent.NOT_BACK, but[1], if_named=True))
        said.extend(replace(each, at=at) for each in found)
        known, before = subjects.carry_over(known, clause), plain
    return said


def _put_report_first(said: list[Statement], words: str, plain: str) -> tuple[list[Statement], bool]:
    """A text that begins with MISSING is a report. True if its other words contradict that: a person reads it too."""
    if not plain.startswith("missing") or PATTERNS["names_a_child_as_missing"].search(plain):
        return said, False
    kinds = {each.intent for each in said}
    if kinds & REPORTS and Intent.BACK not in kinds:
        return said, False
    back_later = Intent.BACK in kinds and "now" in plain.split()
    if back_later or any(each.search(plain) for each in EACH["no_longer_missing"]):
        return said, True
    return [
        Statement(Intent.MISSING, words),
        *(each for each in said if each.intent not in {Intent.BACK, Intent.MISSING}),
    ], True


def _classify_enquiry(said: list[Statement], plain: str) -> Enquiry | None:
    """Also of an enquiry within a report: the report is acted upon, and the enquiry is noted."""
    if not any(each.intent is Intent.ENQUIRY for each in said):
        return None
    return "where" if PATTERNS["asks_where"].search(plain) else "after"


def _asks_nothing(plain: str) -> bool:
    words = set(plain.split())
    return any(words & each["thanks"] and words <= each["thanks"] | each["around_thanks"] for each in (ENGLISH, WELSH))


def _asks_only(said: list[Statement], parts: list[Clause]) -> bool:
    """Whether an answer is enough: no clause tells anything of a child."""
    asking = {each.words for each in said if each.intent in ASKING}
    return all(
        (clause.typed in asking and len(clause.plain.split()) <= WORDS_OF_A_QUESTION)
        or not (TELLING & set(clause.plain.split()) or PATTERNS["tells"].search(clause.plain))
        or PATTERNS["introduces"].fullmatch(clause.plain)
        for clause in parts
    )


ASKING = frozenset({Intent.STATUS, Intent.ENQUIRY, Intent.HELP})
WORDS_OF_A_QUESTION = 20
TELLING = (lexicon.CHILD - {"all", "both", "e", "o", "hi", "fe", "fo", "one", "everyone", "everybody"}) | (
    lexicon.KIN - {"mate", "pal", "people", "someone", "somebody", "anyone", "anybody"}
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
