"""Publishes the events of a force's reply: the police's own, news of the child, and the acknowledgement of the duty."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from services.platform.delivery.events import acknowledged
from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import repository as deliveries
from services.platform.register import words
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.police import store
from services.police.replies.schema import Reply, ReplyType
from services.safeguarding.child_events.events import (
    ChildInformationReceived,
    ChildLocated,
    ChildReturned,
    PoliceAcknowledged,
    PoliceClosed,
    PoliceReferenceGiven,
    PoliceReply,
    PoliceRiskGraded,
    Proof,
    SafeAndWellCheckRecorded,
)
from services.safeguarding.duty.duties import Duty, DutyAcknowledged
from services.safeguarding.identifiers import ForceId, WordsId, derived
from services.safeguarding.message import Message


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
            self._publish(self._police(PoliceAcknowledged, officer + spoken))
        if told.reference is not None:
            reference = await self._keep(told.reference, reference=True)
            self._publish(self._police(PoliceReferenceGiven, reference, reference_kind=told.reference_kind))
        if told.grade is not None:
            self._publish(self._police(PoliceRiskGraded, officer, grade=told.grade, review_at=told.review_at))
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
                return self._police(PoliceClosed, said)
            case ReplyType.INFORMATION:
                return ChildInformationReceived(**told, nature="sighting")
            case ReplyType.LOCATED:
                return ChildLocated(**of_episode, proof=Proof.FORCE)
            case ReplyType.RETURNED:
                return ChildReturned(**of_episode, proof=Proof.FORCE)
            case ReplyType.SAFE_AND_WELL_CHECKED:
                return SafeAndWellCheckRecorded(**of_episode)
            case _:
                return None

    def _police(self, event: type[PoliceReply], said: tuple[WordsId, ...], **about: Any) -> PoliceReply:
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
