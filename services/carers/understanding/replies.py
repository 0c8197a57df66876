"""Finds the codes of tellings and police references in a text.

Finds the answers to a control room's questions in a text: clothing, where last seen, with whom.

Each answer is a whole sentence, word for word. The whole text is passed on as well, so that nothing overlooked here is
lost.

Finds the code by which a sender confirms, and tells whether the words around it say anything else.

Recognises what a sender answers, asks of us or practises. `words` are as `plain_words.normalise` gives them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from services.carers.understanding.languages import plain_words
from services.carers.understanding.languages.lexicon import load_patterns, load_words
from services.carers.understanding.meaning import Intent
from services.safeguarding.identifiers import CODE_ALPHABET, CODE_LENGTH, NUMBER_LENGTH
from services.safeguarding.notice_fields import ReportQuestion

_CODE = f"([{CODE_ALPHABET}]{{{CODE_LENGTH}}})"
_NUMBER = rf"\d{{{NUMBER_LENGTH}}}"
"""At the end of a text to which nothing is to be sent back. It counts where it is quoted as ours."""
AFTER_OK = re.compile(rf"(?:\b|^)(?:OK|OKAY|0K|O\.K\.?|ACK)[\s:.,\-#('\"]*({_CODE[1:-1]}|{_NUMBER})\b")
QUOTED = re.compile(rf"^\W*(?:NO|RHIF)\b\W{{0,3}}({_NUMBER})\W*$")
ALONE = re.compile(rf"^\W*{_CODE}\W*$")
ANYWHERE = re.compile(rf"\b{_CODE}\b")
MOST_CODES = 3

NUMBER = r"(?=[\w/\-]*\d[\w/\-]*\d[\w/\-]*\d)[\w/\-]{3,}"
REFERENCE = re.compile(
    rf"\b(?:ref|refs|reference|incident|inc|occurrence|urn|niche|case|crime|log|cad|storm|misper)\b(?:\W{{0,3}}\b(?:no|num|number|ref|reference|is|was|code|police|the|id)\b){{0,4}}\W{{0,3}}(?:\b[a-z]{{1,4}}\W)?{NUMBER}"
    r"|\b(?:ref|refs|reference)\b(?:\W{0,3}\b(?:no|num|number|is|was|the|police|id|its)\b){0,3}\W{0,3}\d{1,2}\b(?!\W?\d)(?!\s*(?:am|pm|min|hour|hr|h|day|week|year|o.?clock|of us|people|times?)\w*\b)"
    r"|\b(?:log|cad|incident|crime)\W{0,3}(?:no|num|number)\W{0,3}(?:is\W)?\d{1,2}\b(?!\W?\d)"
    rf"|\bpolice\b.{{0,30}}\b(?:gave|given|ref|number|no|reference)\b.{{0,20}}?\b{NUMBER}"
    rf"|\b(?:ref|reference|incident|crime|log|cad)\b(?:\W+(?:no|num|number))?\W+for\W+\w+(?:\W+is)?\W{{1,3}}{NUMBER}"
    rf"|\b(?:number|ref|reference) (?:for|from|of) (?:the )?police\b.{{0,20}}?\b{NUMBER}",
    re.IGNORECASE,
)
ASKED_FOR_BY_US = re.compile(r"^\W*ref(?:erence)?\b", re.IGNORECASE)


SPACED = re.compile(rf"(?<!\w)(?=[\w ]{{0,8}}\d)(?:[{CODE_ALPHABET}] ){{{CODE_LENGTH - 1}}}[{CODE_ALPHABET}](?!\w)")


def _join_spaced(text: str) -> str:
    """In capitals; "4 k 7 p x" is one word."""
    return SPACED.sub(lambda found: found[0].replace(" ", ""), text.upper())


def find_code_after_ok(text: str) -> str | None:
    """The code of a telling that the sender acknowledges."""
    upper = _join_spaced(text)
    found = AFTER_OK.search(upper) or ALONE.search(upper) or QUOTED.search(upper)
    return found[1] if found is not None else None


def find_telling_codes(text: str) -> tuple[str, ...]:
    """Candidates for a telling's code, the one after OK first. Codes hold no vowels, so few words look like one."""
    after_ok = find_code_after_ok(text)
    others = ANYWHERE.findall(_join_spaced(text))
    return tuple(dict.fromkeys([*([after_ok] if after_ok else []), *others]))[:MOST_CODES]


def has_reference(text: str) -> bool:
    """Whether it holds a police reference: digits after REF, or at least three after another word for one."""
    return REFERENCE.search(text) is not None


def announces_reference(text: str) -> bool:
    return ASKED_FOR_BY_US.search(text) is not None


SENTENCE_ENDS = re.compile(r"(?<=[!?])\s+|(?<=[^\d\s])\.\s+|\.\s+(?=[A-Z])|[\n\r;]+|\s[-\u2013\u2014]+\s")
ASKED = {ReportQuestion(name): pattern for name, pattern in load_patterns("answers").items()}
OF_THE_CHILD = frozenset({ReportQuestion("direction"), ReportQuestion("transport")})
"""Not answered by a sentence about the carer's own search."""


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    question: ReportQuestion
    words: str


def find_answers(text: str) -> tuple[AnsweredQuestion, ...]:
    """One entry for each question answered, in the order of the questions, with its sentences joined."""
    sentences = [
        (each.strip(), plain_words.simplify(each)) for each in SENTENCE_ENDS.split(text) if each and each.strip()
    ]
    found = {question: [sentence for sentence, plain in sentences if _answers(question, plain)] for question in ASKED}
    return tuple(AnsweredQuestion(question, " ".join(answers)) for question, answers in found.items() if answers)


def _answers(question: ReportQuestion, plain: str) -> bool:
    if question in OF_THE_CHILD and ASKED[ReportQuestion("done_so_far")].search(plain):
        return False
    return ASKED[question].search(plain) is not None


LENGTH = 4
_LIKE_A_CODE = re.compile(rf"\b(?=\w*[a-z])(?=\w*\d)(?!c\d)[{CODE_ALPHABET.lower()}]{{{LENGTH}}}\b")
_TYPED = re.compile(
    r"(?!c\d)(?!\d+(?:am|pm|ish|th|st|nd|rd|h|hrs?|m|mins?|ft|cm|kg)$)(?=[a-z]*\d)(?=\d*[a-z])[a-z\d]{3,4}"
)
"""What somebody may type who copies such a code and errs. Neither a time of day, nor a measure, nor a child's code."""
WORDS = load_words("replies")
PLAIN_BESIDE_A_CODE = WORDS["adds_nothing_to_a_code"]
SPEAKS_OF_A_CODE = WORDS["speaks_of_a_code"]


def quotes_code(words: str, code: str) -> bool:
    """`words` as `plain_words.normalise` gives them. The code may be typed with spaces."""
    return _compile_spaced(code).search(words) is not None


def has_other_code(words: str, known: Iterable[str]) -> bool:
    """Whether it holds something like such a code that is not in `known`. A child's code is no such code."""
    others = {each.casefold() for each in known}
    return any(found not in others for found in _LIKE_A_CODE.findall(words))


def is_only_a_slip(words: str, codes: Iterable[str], beside: Iterable[str] = (), *, loosely: bool = True) -> bool:
    """Whether it holds something like one of the codes, or `loosely` like any, and otherwise nothing but filler and the
    words `beside`. A place may be like any: E17, SE16.
    """
    others = set(words.split()) - PLAIN_BESIDE_A_CODE - {*beside}
    known = [each.casefold() for each in codes]
    return bool(others) and all(
        (loosely and _TYPED.fullmatch(word)) or any(OSA.distance(word, code, score_cutoff=1) <= 1 for code in known)
        for word in others
    )


def only_confirms(words: str, codes: Iterable[str], beside: Iterable[str] = ()) -> bool:
    """Whether it holds nothing but the codes, filler and the words `beside`, such as a child's code or name."""
    for code in codes:
        words = _compile_spaced(code).sub(" ", words)
    return set(words.split()) <= PLAIN_BESIDE_A_CODE | set(beside)


def _compile_spaced(code: str) -> re.Pattern[str]:
    return re.compile(r"(?<!\w)" + r" ?".join(re.escape(each) for each in code.casefold()) + r"(?!\w)")


def seems_meant(words: str) -> bool:
    """Whether it can only be meant to confirm something."""
    each = set(words.split())
    plain = {word for word in each if not word.isdigit()}
    return (
        bool(plain & SPEAKS_OF_A_CODE) or bool(each and not plain)
    ) and plain <= PLAIN_BESIDE_A_CODE | SPEAKS_OF_A_CODE


PATTERNS = load_patterns("replies")

PLAIN_BESIDE_AN_OK = WORDS["adds_nothing_to_an_ok"]
REFUSES = WORDS["refuses"]
PRACTISED = (Intent.JOIN, Intent.PRACTICE_MISSING, Intent.PRACTICE_BACK, Intent.PRACTICE)
CODE = re.compile(r"\b[a-z]{1,3}\d{1,4}\b")
ANY_CODE = re.compile(rf"c?\d{{1,4}}|[{CODE_ALPHABET.lower()}]{{{CODE_LENGTH}}}|[{CODE_ALPHABET.lower()}]")
"""Of a child or a telling, also typed with spaces."""
ONLY_CODES = re.compile(rf"{CODE.pattern}(?: (?:and )?{CODE.pattern})*")


def says_ok(words: str) -> bool:
    """Also without the code of a telling: for a child, for everything, or alone."""
    return PATTERNS["says_ok"].search(words) is not None


def says_all(words: str) -> bool:
    return PATTERNS["says_all"].search(words) is not None


def says_yes(words: str, beside: Iterable[str]) -> bool:
    """Whether it only says yes, also of the children `beside`, to a question that we asked."""
    said = set(words.split())
    return bool(said & WORDS["agrees"]) and said <= WORDS["agrees"] | WORDS["adds_nothing_to_a_yes"] | {*beside}


def says_no(words: str) -> bool:
    """Whether it only says no, to a question that we asked."""
    said = set(words.split())
    return bool(said & REFUSES) and said <= REFUSES | WORDS["adds_nothing_to_a_yes"]


def may_take_back(words: str) -> bool:
    return PATTERNS["takes_back"].search(words) is not None


def takes_back_a_return(words: str) -> bool:
    """Whether it only says "not back", as whoever has confirmed a return or a false alarm is told to."""
    return PATTERNS["takes_back_a_return"].fullmatch(plain_words.simplify(words)) is not None


def begins_with_not_back(words: str) -> bool:
    """Whatever follows, it opens no search, and ends none."""
    return PATTERNS["takes_back_a_return"].match(plain_words.simplify(words)) is not None


def says_no_more(words: str, beside: Iterable[str]) -> bool:
    """Whether it holds nothing but an OK and the words `beside`, such as children's codes."""
    return set(words.split()) <= PLAIN_BESIDE_AN_OK | set(beside)


def declines(words: str) -> bool:
    """Whether somebody on duty refuses. The next person must then be told, whatever code the text holds."""
    said = {each for each in words.split() if not ANY_CODE.fullmatch(each)}
    alone = bool(said & REFUSES) and said <= REFUSES | WORDS["adds_nothing_to_a_refusal"]
    return alone or PATTERNS["declines"].search(plain_words.simplify(words)) is not None


def denies(words: str) -> bool:
    """Whether it answers "no", whatever else it says. No code in it acknowledges anything."""
    return PATTERNS["denies"].search(words) is not None


def asks_for_residence(words: str) -> bool:
    """Whether a "where" asks for a child's home."""
    return PATTERNS["residence"].search(words) is not None


def asks_for_a_child(words: str) -> bool:
    """Whether it only asks where a child is now."""
    return PATTERNS["of_a_child_now"].search(words) is not None


def find_command(words: str) -> Intent | None:
    """Of a text that only joins or practises. A text that says anything else is never practice."""
    return next((intent for intent in PRACTISED if PATTERNS[intent.value].fullmatch(words)), None)


def is_only_codes(words: str) -> bool:
    """Whether it holds codes alone. Many carers introduce themselves with the code on their card."""
    return ONLY_CODES.fullmatch(words) is not None


def find_codes(words: str) -> list[str]:
    """Whatever is written as a code is, whether a child has it or not."""
    return CODE.findall(words)


AFTER_BACK = re.compile(r"\b(back|bk)(?: ?(?=[a-z]*\d)(?=\d*[a-z])[a-z\d]{4,5}\b)+")
"""With what is typed as a code of ours: whether it is good is decided before a text is read."""
A_NUMBER = re.compile(r"\d+(?:am|pm|ish|h|hrs?|hours|mins?|minutes|th|st|nd|rd)?")


def only_says_back(words: str, beside: Iterable[str]) -> bool:
    """Whether all of it is a plain return: closed words, numbers and the words `beside`, such as children's names."""
    if PATTERNS["no_return"].search(words):
        return False
    said = PATTERNS["beside_a_return"].sub(" ", AFTER_BACK.sub(r"\1", words))
    left = {*said.split()} - WORDS["back"] - {*beside}
    return all(A_NUMBER.fullmatch(word) or {*plain_words.simplify(word).split()} <= WORDS["back"] for word in left)
