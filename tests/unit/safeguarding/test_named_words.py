"""The words that code names one by one are among those that their files list."""

import re
from enum import StrEnum
from pathlib import Path

from services.safeguarding.child_events.events import TextLanguage
from services.safeguarding.notice_fields import ReportQuestion
from services.safeguarding.roles import Deed, Wording

SERVICES = Path(__file__).parents[3] / "services"
LISTED: dict[str, type[StrEnum]] = {
    "Deed": Deed,
    "ReportQuestion": ReportQuestion,
    "TextLanguage": TextLanguage,
    "Wording": Wording,
}
NAMED = re.compile(rf"""\b({"|".join(LISTED)})\(\s*["']([^"']+)["']""")


def test_every_word_that_code_names_is_listed() -> None:
    named = {found.groups() for path in SERVICES.rglob("*.py") for found in NAMED.finditer(path.read_text())}
    assert {of for of, _ in named} == {*LISTED}
    assert [word for of, word in named if word not in {*LISTED[of]}] == []
