"""The templates of what carers and callers read, a file a language."""

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from services.carers.policy.scene import Answer, Decision
from services.safeguarding.roles import Wording

LANGUAGES = ("en", "cy")
EXERCISE = "EXERCISE. "
WITH_DUTY_LINE = frozenset({Answer.STRANGER, Answer.OFFICER})


def reply(decision: Decision, language: str, code: str, duty_line: str | None) -> str | None:
    """None where nothing is answered. `code` makes the body unlike any other, so that a lost answer can be looked up."""
    if decision.answer is None:
        return None
    spoken = _of(language)
    name = str(decision.answer)
    if decision.answer in WITH_DUTY_LINE and duty_line is None:
        name += "-without-line"
    duty = "answered" if decision.standing.duty_answered else "waiting"
    filled = spoken["replies"][name].format(
        police=spoken["police"][decision.standing.police],
        duty=spoken["duty"][duty],
        duty_line=duty_line,
        child=decision.coded,
    )
    return f"{filled} ({code})"


def alert(wording: Wording, language: str, code: str, *, exercise: bool) -> str:
    """Raises KeyError for a wording that carers have no template of: the message becomes a dead letter, and a person hears of it."""
    return f"{EXERCISE if exercise else ''}{_of(language)['alerts'][wording]} ({code})"


def alerts(language: str) -> frozenset[str]:
    """The wordings that carers have a template of."""
    return frozenset(_of(language)["alerts"])


def _of(language: str) -> dict[str, Any]:
    return templates(language if language in LANGUAGES else LANGUAGES[0])


@cache
def templates(language: str) -> dict[str, Any]:
    """As the file of that language holds them, by part and name."""
    content: dict[str, Any] = yaml.safe_load((files(__package__) / f"{language}.yaml").read_text(encoding="utf-8"))
    return content
