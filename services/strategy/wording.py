"""Writes invitations and pages from `messages/`: one file a language."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from services.platform.delivery.channels.email import EmailContent
from services.safeguarding.meetings import Form
from services.safeguarding.roles import Role, Wording
from services.safeguarding.working_time import TimeForm, format_time, in_england
from services.strategy.discussions.policy import is_held_at_night
from services.strategy.discussions.repository import CANCELLED, Discussion
from services.wording import in_language, languages_in, role_names

MESSAGES = Path(__file__).parent / "messages"
WORDINGS: dict[Form, Wording] = {"urgent": Wording("strategy-discussion"), "full": Wording("full-meeting")}


@dataclass(frozen=True, slots=True)
class Joining:
    """How to take part: by the authority's `bridge`, else through the duty line, else by a number the reader has."""

    duty_line: str | None
    bridge: str | None = None


@dataclass(frozen=True)
class Words:
    """One language. Days and times are England's."""

    name: str
    content: dict[str, Any]

    def when(self, at: datetime) -> dict[str, str]:
        local = in_england(at)
        day = f"{self.content['days'][local.weekday()]} {local.day} {self.content['months'][local.month - 1]}"
        return {"day": day, "time": format_time(at, TimeForm.HOUR)}

    def summary(self, about: Discussion, code: str) -> str:
        return self._mark(about) + self._invitation(about)["summary"].format(code=code)

    def how(self, about: Discussion) -> str:
        """Which discussion it is, and how it is held."""
        hours = "by-night" if is_held_at_night(about.starts_at) else "by-day"
        lasts = about.ends_at - about.starts_at
        return self._invitation(about)[hours].format(minutes=int(lasts.total_seconds() // 60))

    def join(self, code: str, joining: Joining) -> str:
        way = ("join-by-bridge" if joining.bridge else "join") + ("" if joining.duty_line else "-without-line")
        return str(self.content[way]).format(code=code, duty_line=joining.duty_line, bridge=joining.bridge)

    def email(self, about: Discussion, *, code: str, link: str, joining: Joining) -> EmailContent:
        """The discussion in its present state: planned, moved, or called off, which has no button."""
        is_off, when = about.state == CANCELLED, self.when(about.starts_at)
        change = "cancelled-" if is_off else "moved-" if about.sequence else ""
        subject, says = (
            self._invitation(about)[change + part].format(**when, code=code) for part in ("subject", "says")
        )
        join = () if is_off else (self.how(about), self.join(code, joining))
        return EmailContent(
            subject=self._mark(about) + subject,
            paragraphs=(self._mark(about) + says, *join),
            button="" if is_off else self.content["button"],
            link="" if is_off else link,
            small=tuple(self.content["cancelled-small" if is_off else "small"]),
            language=self.name,
            headline=self.content[change + "headline"].format(**when),
        )

    def record_email(self, what: str, about: Discussion, *, code: str, link: str) -> EmailContent:
        """`what` is "asks-for-record" or "record"."""
        parts, when = self.content["letters"][what], self.when(about.starts_at)
        return EmailContent(
            subject=self._mark(about) + parts["subject"].format(**when, code=code),
            paragraphs=(self._mark(about) + parts["says"].format(**when),),
            button=parts["button"],
            link=link,
            small=tuple(parts["small"]),
            language=self.name,
        )

    def role(self, role: Role) -> str:
        return role_names(self.name)[role]

    def day(self, day: date) -> str:
        return f"{self.content['days'][day.weekday()]} {day.day} {self.content['months'][day.month - 1]} {day.year}"

    def record(self, part: str, **filled: object) -> str:
        """A part of the pages on which a record is written and read."""
        return str(self.content["record"][part]).format(**filled)

    def page(self, part: str, at: datetime) -> str:
        return str(self.content["page"][part]).format(**self.when(at))

    def _mark(self, about: Discussion) -> str:
        return str(self.content["exercise"]) if about.exercise else ""

    def _invitation(self, about: Discussion) -> dict[str, str]:
        found: dict[str, str] = self.content["invitations"][WORDINGS[about.form]]
        return found


LANGUAGES = {name: Words(name, content) for name, content in languages_in(MESSAGES).items()}


def words(language: str | None) -> Words:
    """English, if there is no such language or none is known."""
    return in_language(LANGUAGES, language)
