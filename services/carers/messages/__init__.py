"""Writes the texts to carers and callers, from the templates of their language (`en.yaml`, `cy.yaml`)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from services.carers.policy.answer import Answer
from services.carers.policy.context import ClaimKind
from services.carers.policy.decision import Decision
from services.platform.delivery.channels.gsm_segments import segments
from services.platform.delivery.channels.sms import REPEAT_MARK
from services.safeguarding.roles import Wording
from services.wording import read_words

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "cy")
EXERCISE = "EXERCISE. "
WITH_DUTY_LINE = frozenset({Answer.NOT_LIVE, Answer.STRANGER, Answer.OFFICER})
CLAIMED: dict[ClaimKind, Answer] = {
    "return": Answer.BACK_CLAIMED,
    "retraction": Answer.FALSE_ALARM_CLAIMED,
    "practice": Answer.PRACTICE_CONFIRM,
}
ASKS_TO_CONFIRM = frozenset({*CLAIMED.values(), Answer.BACK_EACH, Answer.BACK_UNREPORTED, Answer.CONFIRM_PLAINLY})
NAMED_AT_MOST = 3
"""A text names so many children by code; more are "the children"."""
LISTED_AT_MOST = 2
"""Of two lists in one text; the rest are counted."""


def write_replies(decision: Decision, confirm: Sequence[str], language: str, duty_line: str | None) -> tuple[str, ...]:
    """The texts to send back: mostly one, none if there is no answer. `confirm` holds the codes of the decision's
    claims.

    A claim beside something graver, such as the report of another child, has a text of its own.
    """
    if decision.answer is None:
        return ()
    words = _words_in(language)
    asked = _name_claims(decision, confirm, words)
    first = _fill(decision.answer, decision, words, duty_line, asked)
    kinds = {CLAIMED[claim.kind] for claim in decision.claims}
    if not decision.claims or decision.answer in ASKS_TO_CONFIRM:
        return (first,)
    return (first, *(_fill(answer, decision, words, duty_line, asked) for answer in sorted(kinds)))


def add_code(body: str, code: str, confirm: Sequence[str] = ()) -> str:
    """Makes the body unlike any other, so that a lost answer can be looked up. A body that asks for a code of `confirm`
    stays as it is: its reader would mistake the second code for the first.
    """
    return body if any(each in body for each in confirm) else f"{body} ({code})"


def _fill(
    answer: Answer, decision: Decision, words: Mapping[str, Any], duty_line: str | None, asked: Mapping[str, str]
) -> str:
    name = str(answer)
    if answer in WITH_DUTY_LINE and duty_line is None:
        name += "-without-line"
    duty = "answered" if decision.standing.duty_answered else "waiting"
    body: str = words["replies"][name].format(
        police=words["police"][decision.standing.police],
        duty=words["duty"][duty],
        duty_line=duty_line,
        child=decision.coded,
        taken=_list_codes(decision.which, words),
        codes=_list_codes(decision.open, words),
        open=words["still-open"].format(codes=_list_codes(decision.open, words)) if decision.open else "",
        **({"confirm": "", "each": ""} | dict(asked)),
    )
    return body


def _name_claims(decision: Decision, confirm: Sequence[str], words: Mapping[str, Any]) -> dict[str, str]:
    """The children that the claims are about, in the sender's own codes, and the words that confirm."""
    if not decision.claims:
        return {"which": _name_children(decision.which, words)}
    whom = [_name_children([each.code for each in claim.about if each.code], words) for claim in decision.claims]
    says = [words["confirms"][claim.kind] for claim in decision.claims]
    each = [f"{who}: {word} {code}" for who, word, code in zip(whom, says, confirm, strict=True)]
    return {"which": whom[0], "confirm": f"{says[0]} {confirm[0]}", "each": ". ".join(each)}


def _name_children(codes: Sequence[str], words: Mapping[str, Any]) -> str:
    return ", ".join(codes) if 0 < len(codes) <= NAMED_AT_MOST else str(words["unnamed"])


def _list_codes(codes: Sequence[str], words: Mapping[str, Any]) -> str:
    more = len(codes) - LISTED_AT_MOST
    listed = ", ".join(codes[:LISTED_AT_MOST])
    return listed if more <= 0 else str(words["and-more"]).format(codes=listed, count=more)


def write_alert(
    wording: Wording,
    language: str,
    code: str,
    *,
    exercise: bool,
    child: str | None = None,
    confirm: tuple[ClaimKind, str] | None = None,
) -> str:
    """`child` is the code of the child that it is about: it comes first, as far as one segment has room for it, since
    several may be missing. `confirm` is the claim to be confirmed, and its code.

    Raises KeyError for a wording without a template: the message becomes a dead letter, and a person hears of it.
    """
    words = _words_in(language)
    body = words["alerts"][wording]
    if confirm is not None:
        kind, asked = confirm
        body = words["asked-once-more"][kind].format(confirm=f"{words['confirms'][kind]} {asked}")
    mark, coded = EXERCISE if exercise else "", add_code(body, code, () if confirm is None else (confirm[1],))
    named = f"{mark}{child}: {coded}"
    return named if child is not None and segments(REPEAT_MARK + named) == 1 else mark + coded


def alert_wordings(language: str) -> frozenset[str]:
    """The wordings that have a template."""
    return frozenset(_words_in(language)["alerts"])


def _words_in(language: str) -> dict[str, Any]:
    return templates(language if language in LANGUAGES else LANGUAGES[0])


def templates(language: str) -> dict[str, Any]:
    """The file of that language, by part and name."""
    return read_words(FOLDER / f"{language}.yaml")
