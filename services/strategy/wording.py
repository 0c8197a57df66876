"""Writes invitations and pages from `messages/`: one file a language."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from services.platform.delivery.channels.mime import EmailContent
from services.safeguarding.roles import Role, Wording
from services.safeguarding.working_time import in_england
from services.wording import in_language, languages_in

MESSAGES = Path(__file__).parent / "messages"


@dataclass(frozen=True, slots=True)
class Joining:
    """How to take part: by the authority's `bridge`, else through the duty line, else the duty team rings."""

    duty_line: str | None
    bridge: str | None = None


@dataclass(frozen=True, slots=True)
class Meeting:
    """The urgent discussion or the full meeting. `by_night`: only people on call can be there."""

    wording: Wording
    at: datetime
    lasts: timedelta
    by_night: bool


@dataclass(frozen=True)
class Words:
    """One language. Days and times are England's."""

    name: str
    content: dict[str, Any]

    def when(self, at: datetime) -> dict[str, str]:
        local = in_england(at)
        day = f"{self.content['days'][local.weekday()]} {local.day} {self.content['months'][local.month - 1]}"
        return {"day": day, "time": f"{local:%H:%M}"}

    def summary(self, meeting: Meeting, code: str, *, exercise: bool) -> str:
        mark = self.content["exercise"] if exercise else ""
        return mark + self._invitation(meeting)["summary"].format(code=code)

    def how(self, meeting: Meeting) -> str:
        """Which discussion it is, and how it is held."""
        hours = "by-night" if meeting.by_night else "by-day"
        return self._invitation(meeting)[hours].format(minutes=int(meeting.lasts.total_seconds() // 60))

    def join(self, code: str, joining: Joining) -> str:
        way = ("join-by-bridge" if joining.bridge else "join") + ("" if joining.duty_line else "-without-line")
        return str(self.content[way]).format(code=code, duty_line=joining.duty_line, bridge=joining.bridge)

    def email(
        self, meeting: Meeting, *, code: str, link: str, joining: Joining, exercise: bool, change: str = ""
    ) -> EmailContent:
        """`change` is "moved-" or "cancelled-", if the mail tells of that. A cancellation has no button."""
        mark, when = self.content["exercise"] if exercise else "", self.when(meeting.at)
        subject, says = (
            self._invitation(meeting)[change + part].format(**when, code=code) for part in ("subject", "says")
        )
        is_off = change == "cancelled-"
        join = () if is_off else (self.how(meeting), self.join(code, joining))
        return EmailContent(
            subject=mark + subject,
            paragraphs=(mark + says, *join),
            button="" if is_off else self.content["button"],
            link="" if is_off else link,
            small=tuple(self.content["cancelled-small" if is_off else "small"]),
            language=self.name,
            headline=self.content[change + "headline"].format(**when),
        )

    def record_email(self, what: str, at: datetime, *, code: str, link: str, exercise: bool) -> EmailContent:
        """`what` is "asks-for-record" or "record"."""
        mark, parts = self.content["exercise"] if exercise else "", self.content["letters"][what]
        return EmailContent(
            subject=mark + parts["subject"].format(**self.when(at), code=code),
            paragraphs=(mark + parts["says"].format(**self.when(at)),),
            button=parts["button"],
            link=link,
            small=tuple(parts["small"]),
            language=self.name,
        )

    def role(self, role: Role) -> str:
        return str(self.content["roles"][role])

    def day(self, day: date) -> str:
        return f"{self.content['days'][day.weekday()]} {day.day} {self.content['months'][day.month - 1]} {day.year}"

    def record(self, part: str, **filled: object) -> str:
        """A part of the pages on which a record is written and read."""
        return str(self.content["record"][part]).format(**filled)

    def page(self, part: str, at: datetime) -> str:
        return str(self.content["page"][part]).format(**self.when(at))

    def _invitation(self, meeting: Meeting) -> dict[str, str]:
        found: dict[str, str] = self.content["invitations"][meeting.wording]
        return found


LANGUAGES = {name: Words(name, content) for name, content in languages_in(MESSAGES).items()}


def words(language: str | None) -> Words:
    """English, if there is no such language or none is known."""
    return in_language(LANGUAGES, language)
