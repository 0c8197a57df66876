"""The templates of what carers and callers read, a file a language."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from services.carers.policy.answer import Answer
from services.carers.policy.context import ClaimKind
from services.carers.policy.decision import Decision
from services.safeguarding.roles import Wording
from services.wording import read_words

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "cy")
EXERCISE = "EXERCISE. "
WITH_DUTY_LINE = frozenset({Answer.STRANGER, Answer.OFFICER})
CLAIMED: dict[ClaimKind, Answer] = {
    "return": Answer.BACK_CLAIMED,
    "retraction": Answer.FALSE_ALARM_CLAIMED,
    "practice": Answer.PRACTICE_CONFIRM,
}
ASKS_TO_CONFIRM = frozenset({*CLAIMED.values(), Answer.BACK_EACH, Answer.BACK_UNREPORTED, Answer.CONFIRM_PLAINLY})
NAMED_AT_MOST = 3
"""So many children's codes go into a text; of more it says "the children"."""


def replies(decision: Decision, confirm: Sequence[str], language: str, duty_line: str | None) -> tuple[str, ...]:
    """What is texted back: mostly one text, none where nothing is answered. `confirm` holds the codes of the decision's claims.

    A claim beside something graver, such as the report of another child, is asked about in a text of its own.
    """
    if decision.answer is None:
        return ()
    spoken = _of(language)
    asked = _claimed(decision, confirm, spoken) or _confirmed(decision, spoken)
    first = _filled(decision.answer, decision, spoken, duty_line, asked)
    kinds = {CLAIMED[claim.kind] for claim in decision.claims}
    if not decision.claims or decision.answer in ASKS_TO_CONFIRM:
        return (first,)
    return (first, *(_filled(answer, decision, spoken, duty_line, asked) for answer in sorted(kinds)))


def told_apart(body: str, code: str, confirm: Sequence[str] = ()) -> str:
    """`code` makes the body unlike any other, so that a lost answer can be looked up. Where it asks for a code already, a second
    one would only be mistaken for it.
    """
    return body if any(each in body for each in confirm) else f"{body} ({code})"


def _filled(
    answer: Answer, decision: Decision, spoken: Mapping[str, Any], duty_line: str | None, asked: Mapping[str, str]
) -> str:
    name = str(answer)
    if answer in WITH_DUTY_LINE and duty_line is None:
        name += "-without-line"
    duty = "answered" if decision.standing.duty_answered else "waiting"
    body: str = spoken["replies"][name].format(
        police=spoken["police"][decision.standing.police],
        duty=spoken["duty"][duty],
        duty_line=duty_line,
        child=decision.coded,
        **({"which": spoken["unnamed"], "confirm": "", "each": ""} | dict(asked)),
    )
    return body


def _claimed(decision: Decision, confirm: Sequence[str], spoken: Mapping[str, Any]) -> dict[str, str]:
    """Whom the claims are about, in the sender's own codes, and what is to be texted."""
    if not decision.claims:
        return {}
    named = [[each.code for each in claim.about if each.code] for claim in decision.claims]
    whom = [", ".join(codes) if 0 < len(codes) <= NAMED_AT_MOST else spoken["unnamed"] for codes in named]
    words = [spoken["confirms"][claim.kind] for claim in decision.claims]
    each = [f"{who}: {word} {code}" for who, word, code in zip(whom, words, confirm, strict=True)]
    return {"which": whom[0], "confirm": f"{words[0]} {confirm[0]}", "each": ". ".join(each)}


def _confirmed(decision: Decision, spoken: Mapping[str, Any]) -> dict[str, str]:
    codes = decision.which
    return {"which": ", ".join(codes)} if 0 < len(codes) <= NAMED_AT_MOST else {"which": spoken["unnamed"]}


def alert(
    wording: Wording, language: str, code: str, *, exercise: bool, confirm: tuple[ClaimKind, str] | None = None
) -> str:
    """`confirm` is the claim to be confirmed, and its code. Raises KeyError for a wording that carers have no template of: the
    message becomes a dead letter, and a person hears of it.
    """
    spoken = _of(language)
    body = spoken["alerts"][wording]
    if confirm is not None:
        kind, asked = confirm
        body = spoken["asked-once-more"][kind].format(confirm=f"{spoken['confirms'][kind]} {asked}")
    return f"{EXERCISE if exercise else ''}{told_apart(body, code, () if confirm is None else (confirm[1],))}"


def alerts(language: str) -> frozenset[str]:
    """The wordings that carers have a template of."""
    return frozenset(_of(language)["alerts"])


def _of(language: str) -> dict[str, Any]:
    return templates(language if language in LANGUAGES else LANGUAGES[0])


def templates(language: str) -> dict[str, Any]:
    """As the file of that language holds them, by part and name."""
    return read_words(FOLDER / f"{language}.yaml")
