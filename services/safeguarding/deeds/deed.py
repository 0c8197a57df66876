"""Describes a deed: the fields of its form, and the events that record it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from services.safeguarding.child_events.events import Told, ToldOfEpisode
from services.safeguarding.deeds.answers import Answers, Fault, Faults, Field
from services.safeguarding.identifiers import AuthorityId, ForceId, PersonId
from services.safeguarding.message import Message
from services.safeguarding.roles import Deed

ToldT = TypeVar("ToldT", bound=Told)


@dataclass(frozen=True, slots=True)
class Matter:
    """What a deed is about, and who records it by which channel. The envelope's subject is the child."""

    authority: AuthorityId
    channel: str
    """As `Told.channel`: `page` by a link in a mail or a text, `console` by an operator."""
    episode: UUID | None = None
    duty: UUID | None = None
    force: ForceId | None = None
    said_by: PersonId | None = None

    def tell(self, event: type[ToldT], answers: Answers, **facts: Any) -> ToldT:
        """The event, with every word of the form."""
        fields = {
            "authority": self.authority,
            "channel": self.channel,
            "said_by": self.said_by,
            "words": tuple(each for ids in answers.words.values() for each in ids),
        } | facts
        if issubclass(event, ToldOfEpisode):
            fields["episode"] = self.episode
        return event.model_validate(fields)


@dataclass(frozen=True, slots=True)
class DeedSpec:
    """`events` takes answers whose words are in the register already. `ends` are the triggers that the events may set
    off: the words that a rule of this deed has under `until`.
    """

    deed: Deed
    asks: tuple[Field, ...]
    events: Callable[[Matter, Answers], tuple[Message, ...]]
    ends: tuple[str, ...]
    needs: Callable[[Answers], dict[str, Fault]] = field(default=lambda _answers: {})
    """Faults that lie between fields, such as a reason that is missing where the child declined."""

    def check(self, answers: Answers) -> None:
        """Raises Faults."""
        if faults := self.needs(answers):
            raise Faults(faults)
