"""Finds the codes of tellings and police references in a text."""

import re

from services.safeguarding.identifiers import CODE_ALPHABET, CODE_LENGTH, NUMBER_LENGTH

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


def find_codes(text: str) -> tuple[str, ...]:
    """Candidates for a telling's code, the one after OK first. Codes hold no vowels, so few words look like one."""
    after_ok = find_code_after_ok(text)
    others = ANYWHERE.findall(_join_spaced(text))
    return tuple(dict.fromkeys([*([after_ok] if after_ok else []), *others]))[:MOST_CODES]


def has_reference(text: str) -> bool:
    """Whether it holds a police reference: digits after REF, or at least three after another word for one."""
    return REFERENCE.search(text) is not None


def announces_reference(text: str) -> bool:
    return ASKED_FOR_BY_US.search(text) is not None
