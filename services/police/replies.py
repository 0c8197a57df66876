"""Takes what forces say: replies about a notice, and their lists of open episodes, compared with ours once a day."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from prometheus_client import Counter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.platform.delivery.events import acknowledged
from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import repository as deliveries
from services.platform.register import words
from services.platform.register.organisations import forces_that_send_lists
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.process import Repeating, run_each
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, all_rows
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.police import policy, store
from services.police.policy import Difference, ToldEpisode
from services.safeguarding.child_events import events
from services.safeguarding.duty.duties import Duty, DutyAcknowledged
from services.safeguarding.identifiers import ForceId, WordsId, derived
from services.safeguarding.message import Message
from services.safeguarding.working_time import Moment

REPLIES = Counter(
    "police_replies", "Replies of forces by type, and requests of theirs that were not taken by why", ["result"]
)
MAILS_IN = Counter("police_mails_in", "Mails to our mailbox, by what was made of them", ["result"])
LIST_DIFFERENCES = Counter(
    "police_list_differences", "Differences between a force's list of open episodes and ours", ["difference"]
)


ONE_LINE, NO_NUL = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$", r"^[^\x00]*$"
IN_WORDS = {
    ONE_LINE: "One line is needed, without a line break or another control character",
    NO_NUL: "No NUL character may be in it",
}
"""What a pattern asks for, since nobody reads it off."""
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=ONE_LINE)]
"""One line, so that a force's words cannot look like a line of ours."""
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000, pattern=NO_NUL)]


class ReplyType(StrEnum):
    ACKNOWLEDGED = "police.acknowledged"
    REFERENCE_GIVEN = "police.reference-given"
    RISK_GRADED = "police.risk-graded"
    CLOSED = "police.closed"
    INFORMATION = "police.information"
    """A sighting, a contact or other news for the search, in `words`."""
    LOCATED = "police.located"
    RETURNED = "police.returned"
    SAFE_AND_WELL_CHECKED = "police.safe-and-well-checked"


class Part(BaseModel):
    """Fields that we do not know are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Officer(Part):
    name: Line
    collar_number: Line


class ReplyData(Part):
    """A reply of any type with an officer or a reference acknowledges the notice: a person there has it."""

    notice: UUID
    episode: UUID | None = None
    officer: Officer | None = None
    reference: Line | None = None
    reference_kind: events.ReferenceKind = events.ReferenceKind.INCIDENT
    grade: events.RiskGrade | None = None
    review_at: Moment | None = None
    words: Text | None = None

    @property
    def says_who_has_it(self) -> bool:
        """It names an officer who has it, or a reference under which it is recorded. News alone does neither."""
        return self.officer is not None or self.reference is not None


NEEDED: dict[ReplyType, tuple[str, ...]] = {
    ReplyType.ACKNOWLEDGED: ("officer",),
    ReplyType.REFERENCE_GIVEN: ("reference",),
    ReplyType.RISK_GRADED: ("grade",),
    ReplyType.INFORMATION: ("words",),
}


class Reply(Part):
    """`timestamp` is when the force says that it happened, with its zone. Refused are: `police.located`,
    `police.returned` and `police.safe-and-well-checked` from before the child was reported missing (the notice's
    `missing_since`), and any but `police.acknowledged`, `police.reference-given` and `police.information` in the
    future. Clocks may be five minutes apart.
    """

    type: ReplyType
    timestamp: Moment
    data: ReplyData

    @model_validator(mode="after")
    def _has_what_its_type_needs(self) -> "Reply":
        for name in NEEDED.get(self.type, ()):
            if getattr(self.data, name) is None:
                raise ValueError(f"data.{name}: {self.type} needs it")
        return self


class OpenEpisode(Part):
    """`episode` as the notices named it; `reference` is the force's own, and is not needed."""

    episode: UUID
    reference: Line | None = None


class ListData(Part):
    open: Annotated[tuple[OpenEpisode, ...], Field(max_length=5000)]


class OpenList(Part):
    """Only episodes that came from Safe Return. An empty list says that the force holds none open."""

    type: Literal["police.open-list"]
    timestamp: Moment
    data: ListData


@dataclass(frozen=True)
class ReplyService:
    """Takes one reply of its force to the notice `delivery`. `at` is story time, `now` wall time."""

    keyring: Keyring
    uow: UnitOfWork
    reply_id: str
    delivery: Delivery
    duty: Duty
    at: datetime
    now: datetime
    how: Literal["force", "page"] = "force"
    """By the force's system, or on the page behind an email."""
    unread: bool = False
    """On the page, by whoever holds the mail's link: no code has opened the notice there."""
    came_about: datetime | None = None
    """When it happened, as the force says; story time. The duty counts as answered when we heard it."""

    @property
    def force(self) -> ForceId:
        return self.duty.force or ""

    async def take(self, reply: Reply) -> None:
        """Publishes an event for each part of the reply. Only an officer or a reference acknowledges the duty."""
        told = reply.data
        by = told.officer
        officer = await self._keep(f"{by.name}, {by.collar_number}") if by else ()
        spoken = await self._keep(told.words) if told.words else ()
        if reply.type is ReplyType.ACKNOWLEDGED:
            self._publish(self._police(events.PoliceAcknowledged, officer + spoken))
        if told.reference is not None:
            reference = await self._keep(told.reference, reference=True)
            self._publish(self._police(events.PoliceReferenceGiven, reference, reference_kind=told.reference_kind))
        if told.grade is not None:
            self._publish(self._police(events.PoliceRiskGraded, officer, grade=told.grade, review_at=told.review_at))
        news = self._news(reply.type, officer + spoken)
        if news is not None:
            self._publish(news)
        if reply.type is ReplyType.CLOSED and self.duty.episode is not None:
            store.record_closed(self.uow, self.force, self.duty.episode, self.at)
        if told.says_who_has_it:
            await self._acknowledge(officer)

    def _news(self, kind: ReplyType, said: tuple[WordsId, ...]) -> Message | None:
        told: dict[str, Any] = {"authority": self.duty.authority, "words": said, "channel": "force"}
        of_episode = told | {"episode": self.duty.episode}
        match kind:
            case ReplyType.CLOSED:
                return self._police(events.PoliceClosed, said)
            case ReplyType.INFORMATION:
                return events.ChildInformationReceived(**told, nature="sighting")
            case ReplyType.LOCATED:
                return events.ChildLocated(**of_episode, proof=events.Proof.FORCE)
            case ReplyType.RETURNED:
                return events.ChildReturned(**of_episode, proof=events.Proof.FORCE)
            case ReplyType.SAFE_AND_WELL_CHECKED:
                return events.SafeAndWellCheckRecorded(**of_episode)
            case _:
                return None

    def _police(self, event: type[events.PoliceReply], said: tuple[WordsId, ...], **about: Any) -> events.PoliceReply:
        return event(
            authority=self.duty.authority,
            force=self.force,
            episode=self.duty.episode,
            reply=self.reply_id,
            words=said,
            **about,
        )

    async def _acknowledge(self, officer: tuple[WordsId, ...]) -> None:
        duty = self.duty
        self._publish(acknowledged(duty, self.how, force=self.force, words=officer, unread=self.unread))
        await deliveries.acknowledge(self.uow, duty.duty, duty.step, self.now)

    async def _keep(self, said: str, *, reference: bool = False) -> tuple[WordsId, ...]:
        about, at = self.delivery.child, self.at
        kept = await words.keep(
            self.uow, self.keyring, about=about, words=said, said_by=None, at=at, reference=reference
        )
        return (kept,)

    def _publish(self, content: Message) -> None:
        at = self.at if isinstance(content, DutyAcknowledged) else self.came_about or self.at
        message_id = str(derived(self.reply_id, content.kind)) if self.how == "page" else None
        self.uow.publish(content, subject=self.delivery.child, cause=self.delivery, at=at, message_id=message_id)


EVERY_SECONDS = 300.0
ONE_PROCESS = Query("SELECT pg_advisory_xact_lock(hashtextextended('forces'' lists', 0))", {}, all_rows)
"""Lets one process look at a time. Another one waits, then sees what the first has recorded."""


class OpenListMonitor:
    """Reports a silent force once a day, however many processes look, and whatever another force has sent."""

    def __init__(self, store: Store, clocks: Clocks) -> None:
        self._store, self._clocks = store, clocks

    def repeating(self) -> Repeating:
        return Repeating("forces' lists", self.turn, every_seconds=EVERY_SECONDS)

    async def turn(self) -> None:
        async with self._store.read() as reader:
            forces = await reader.fetch(forces_that_send_lists(self._clocks.wall()))
        await run_each(self._look_at, forces)

    async def _look_at(self, force: ForceId) -> None:
        at = self._clocks.story()
        async with self._store.transaction() as uow:
            _, ours, (last_list, reported) = await uow.fetch(
                ONE_PROCESS, store.told_episodes(force), store.list_times(force)
            )
            episode = policy.longest_missing_in_silence(ours.values(), last_list, reported, at)
            if episode is not None:
                publish_difference(uow, force, episode, "no-list")
                store.record_silence(uow, force, at)


def publish_difference(uow: UnitOfWork, force: ForceId, told: ToldEpisode, difference: Difference) -> None:
    uow.on_commit(LIST_DIFFERENCES.labels(difference).inc)
    uow.publish(
        events.PoliceListDiffers(authority=told.authority, force=force, episode=told.episode, difference=difference),
        subject=told.child,
        exercise=told.exercise,
    )
