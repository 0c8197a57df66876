"""Describes a deed: the fields of its form, and the event that records it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.safeguarding.child_events.events import Event, PoliceReply, Told, ToldOfEpisode
from services.safeguarding.deeds.answers import Answers, Fault, Faults, Field
from services.safeguarding.identifiers import AuthorityId, ForceId, PersonId
from services.safeguarding.roles import Deed


@dataclass(frozen=True, slots=True)
class Matter:
    """What a deed is about, and who records it by which channel. The envelope's subject is the child."""

    authority: AuthorityId
    channel: str
    """As `Told.channel`: `page` by a link in a mail or a text, `console` by an operator."""
    episode: UUID | None = None
    force: ForceId | None = None
    said_by: PersonId | None = None
    corrects: UUID | None = None
    """The id of the event that recorded it before."""
    duty: UUID | None = None
    """Whose form it is."""


@dataclass(frozen=True, slots=True)
class DeedSpec:
    """`ends` are the triggers that its event may set off: the words that a rule of this deed has under `until`."""

    deed: Deed
    kind: type[Event]
    ends: tuple[str, ...]
    asks: tuple[Field, ...] = ()
    facts: Callable[[Answers], Mapping[str, Any]] = lambda answers: answers.facts
    """The fields of the event."""
    needs: Callable[[Answers], Mapping[str, Fault]] = lambda _answers: {}
    """Faults that lie between fields, such as a reason that is missing where the child declined."""
    within: timedelta | None = None
    """The deed's time limit, if it has one: its people are asked before it is over (decision 106)."""
    folds: bool = True
    """Whether the optional fields of a page behind a link are hidden until they are tapped."""

    def read(self, act: UUID, form: Mapping[str, str], now: datetime) -> Answers:
        """`now` is story time. Raises Faults."""
        answers = Answers.read(act, self.asks, form, now)
        if faults := self.needs(answers):
            raise Faults(dict(faults))
        return answers

    def is_about_police(self) -> bool:
        """Only of an episode whose force is known."""
        return issubclass(self.kind, PoliceReply)

    def event(self, matter: Matter, answers: Answers) -> Event:
        """Takes answers whose words are in the register already."""
        words = tuple(each for ids in answers.words.values() for each in ids)
        told: dict[str, Any] = {"authority": matter.authority, "words": words} | dict(self.facts(answers))
        if issubclass(self.kind, Told):
            told |= {"channel": matter.channel, "said_by": matter.said_by, "corrects_event": matter.corrects}
        if issubclass(self.kind, ToldOfEpisode | PoliceReply):
            told["episode"] = matter.episode
        if "duty" in self.kind.model_fields:
            told["duty"] = matter.duty
        if issubclass(self.kind, PoliceReply):
            told |= {"force": matter.force, "reply": str(answers.act)}
        return self.kind.model_validate(told)
