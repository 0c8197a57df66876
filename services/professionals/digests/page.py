"""Builds the page behind a mail of several matters: each is answered for itself, or all at once. Pure."""

from dataclasses import dataclass
from typing import NamedTuple

from services.platform.delivery.links.pages import Button, Sheet
from services.platform.delivery.model import Delivery, State
from services.professionals.email_wording import MailLanguage, mail_code
from services.safeguarding.duties import Duty

HAVE_IT, HAND_OVER, CANNOT = "have-it", "hand-over", "cannot"
HAVE_ALL = "have-all"
OVER = frozenset({State.ACKNOWLEDGED, State.WITHDRAWN})
"""No answer changes these."""


class Told(NamedTuple):
    delivery: Delivery
    duty: Duty
    state: State


@dataclass(frozen=True, slots=True)
class _Matter:
    number: int
    told: Told

    @property
    def code(self) -> str:
        return mail_code(self.told.duty)

    @property
    def button(self) -> str:
        return f"{HAVE_IT}-{self.number}"


def read_answer(told: list[Told], button: str) -> tuple[list[Told], str]:
    """Which of them the button is about, and the answer that it gives to each of those."""
    if button in {HAVE_ALL, CANNOT}:
        return told, CANNOT if button == CANNOT else HAVE_IT
    return [each.told for each in _matters(told) if each.button == button], HAVE_IT


def sheet(words: MailLanguage, told: list[Told]) -> Sheet:
    page, matters = words.page, _matters(told)
    left = [each for each in matters if each.told.state not in OVER]
    unanswered = [each for each in left if each.told.state is not State.FAILED]
    buttons = [
        Button(each.button, page["have-one"].format(number=each.number, code=each.code), quiet=True) for each in left
    ]
    if len(left) > 1:
        buttons.insert(0, Button(HAVE_ALL, page["have-all"]))
    if unanswered:
        buttons.append(Button(CANNOT, page["cannot-any"], quiet=True))
    return Sheet(
        page["ask-several"] if left else page["thanks"],
        (page["explain-several"],) if left else (),
        tuple(buttons),
        sections=tuple(_section(words, each) for each in matters),
        done=not left,
        language=words.name,
    )


def _section(words: MailLanguage, matter: _Matter) -> tuple[str, tuple[str, ...]]:
    told = matter.told
    state = {State.ACKNOWLEDGED: "is-yours", State.WITHDRAWN: "is-over", State.FAILED: "passed-on"}.get(told.state)
    says = words.mails[told.duty.wording].says
    return f"{matter.number}. {matter.code}", (says, *([words.page[state]] if state else []))


def _matters(told: list[Told]) -> list[_Matter]:
    return [_Matter(number, each) for number, each in enumerate(told, 1)]
