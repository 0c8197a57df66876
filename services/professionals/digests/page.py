"""Builds the page behind a mail of several matters, which are answered one by one or all at once. Pure."""

from typing import NamedTuple

from services.platform.delivery.links.pages import Button, Sheet
from services.platform.delivery.model import Delivery, State
from services.professionals.email_wording import MailLanguage, mail_code
from services.safeguarding.duty.duties import Duty

HAVE_IT, HAND_OVER, CANNOT = "have-it", "hand-over", "cannot"
HAVE_ALL = "have-all"
OVER = frozenset({State.ACKNOWLEDGED, State.WITHDRAWN})
"""No answer changes these."""


class Matter(NamedTuple):
    """One of the matters of a mail, numbered from 1."""

    number: int
    delivery: Delivery
    duty: Duty
    state: State

    @property
    def code(self) -> str:
        return mail_code(self.duty)

    @property
    def button(self) -> str:
        return f"{HAVE_IT}-{self.number}"


def read_answer(matters: list[Matter], button: str) -> tuple[list[Matter], str]:
    """The matters that the button is about, and its answer to each of them."""
    what, _, shown = button.rpartition("-")
    if what in {HAVE_ALL, CANNOT}:
        seen = int(shown) if shown.isdecimal() else 0  # others may have come since the page was shown
        return matters[:seen], CANNOT if what == CANNOT else HAVE_IT
    return [each for each in matters if each.button == button], HAVE_IT


def build_sheet(words: MailLanguage, matters: list[Matter]) -> Sheet:
    page = words.page
    left = [each for each in matters if each.state not in OVER]
    unanswered = [each for each in left if each.state is not State.FAILED]
    buttons = [
        Button(each.button, page["have-one"].format(number=each.number, code=each.code), quiet=True) for each in left
    ]
    if len(left) > 1:
        buttons.insert(0, Button(f"{HAVE_ALL}-{len(matters)}", page["have-all"]))
    if unanswered:
        buttons.append(Button(f"{CANNOT}-{len(matters)}", page["cannot-any"], quiet=True))
    return Sheet(
        page["ask-several"] if left else page["thanks"],
        (page["explain-several"],) if left else (),
        tuple(buttons),
        sections=tuple(_section(words, each) for each in matters),
        done=not left,
        language=words.name,
    )


def _section(words: MailLanguage, matter: Matter) -> tuple[str, tuple[str, ...]]:
    state = {State.ACKNOWLEDGED: "is-yours", State.WITHDRAWN: "is-over", State.FAILED: "passed-on"}.get(matter.state)
    says = words.says(matter.duty.wording, matter.duty.role)
    return f"{matter.number}. {matter.code}", (says, *([words.page[state]] if state else []))
