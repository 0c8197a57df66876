"""The invitations and the reply page, as data in `messages/`: one file a language."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from services.delivery.mail import Letter
from services.safeguarding.roles import Wording
from services.safeguarding.working_time import ENGLAND

MESSAGES = Path(__file__).parent / "messages"
ENGLISH = "en"


@dataclass(frozen=True)
class Words:
    """One language. Days and times are England's."""

    name: str
    content: dict[str, Any]

    def when(self, at: datetime) -> dict[str, str]:
        local = at.astimezone(ENGLAND)
        day = f"{self.content['days'][local.weekday()]} {local.day} {self.content['months'][local.month - 1]}"
        return {"day": day, "time": f"{local:%H:%M}"}

    def summary(self, code: str, *, exercise: bool) -> str:
        mark = self.content["exercise"] if exercise else ""
        return mark + str(self._invitation["summary"]).format(code=code)

    def join(self, code: str, duty_line: str | None) -> str:
        if duty_line is None:
            return str(self.content["join-without-line"])
        return str(self.content["join"]).format(code=code, duty_line=duty_line)

    def letter(
        self, at: datetime, *, code: str, link: str, duty_line: str | None, exercise: bool, change: str = ""
    ) -> Letter:
        """`change` is "moved-" or "cancelled-" where the mail tells of that."""
        mark = self.content["exercise"] if exercise else ""
        subject, says = (
            self._invitation[change + part].format(**self.when(at), code=code) for part in ("subject", "says")
        )
        join = () if change == "cancelled-" else (self.join(code, duty_line),)
        return Letter(
            subject=mark + subject,
            paragraphs=(mark + says, *join),
            button=self.content["button"],
            link=link,
            small=tuple(self.content["small"]),
            language=self.name,
        )

    def page(self, part: str, at: datetime) -> str:
        return str(self.content["page"][part]).format(**self.when(at))

    @property
    def _invitation(self) -> dict[str, str]:
        found: dict[str, str] = self.content["invitations"][Wording.STRATEGY_DISCUSSION]
        return found


LANGUAGES = {file.stem: Words(file.stem, yaml.safe_load(file.read_text())) for file in sorted(MESSAGES.glob("*.yaml"))}


def words(language: str) -> Words:
    """English where there is no such language here."""
    return LANGUAGES.get(language, LANGUAGES[ENGLISH])
