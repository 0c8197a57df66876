"""Prints the card that a carer keeps by the door: one sheet of A4 with a card in English and one in Welsh, each folded
to A6.

It holds no child and no carer: their code is written in by hand.
"""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from services.platform.register import conversation
from services.platform.register.directory import format_number
from services.platform.store.unit_of_work import Store
from services.safeguarding.identifiers import AuthorityId
from services.wording import read_words

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "cy")


class Card:
    """`numbers` are Safe Return's, E.164, the usual one first. The card has the duty line of `authority`, and its own
    numbers if it has any; None: of the register's only one.
    """

    def __init__(self, store: Store, numbers: Sequence[str], authority: AuthorityId | None) -> None:
        self._store = store
        self._numbers = numbers
        self._authority = authority

    async def page(self) -> str:
        async with self._store.read() as reader:
            team = await reader.fetch(conversation.only_team(self._authority))
        return render_card(team.numbers or self._numbers, team.line) if team else render_card(self._numbers, None)


def render_card(numbers: Sequence[str], duty_line: str | None) -> str:
    """HTML. Without a duty line the card has room to write it in."""
    template = Environment(undefined=StrictUndefined, autoescape=True).from_string(
        (FOLDER / "pages" / "card.html").read_text(encoding="utf-8")
    )
    words = read_words(FOLDER / "messages" / "card.yaml")
    return template.render(
        cards=[{"language": language, **words[language]} for language in LANGUAGES],
        numbers=[format_number(number) for number in numbers],
        duty_line=None if duty_line is None else format_number(duty_line),
    )
