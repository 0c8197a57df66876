"""What follows from a force's reply: police events, what the force tells of the child, and, where it says so, that a person there has it."""

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
from services.police.replies.schema import Officer, Reply, ReplyType
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
from services.safeguarding.duty.duties import Duty
from services.safeguarding.duty.outcomes import DutyAcknowledged
from services.safeguarding.identifiers import ForceId, WordsId
from services.safeguarding.message import Message


@dataclass(frozen=True)
class ReplyService:
    """One reply, signed by `force`, to the notice that was `parcel`. `at` is story time, `now` wall time."""

    keyring: Keyring
    uow: UnitOfWork
    force: ForceId
    reply_id: str
    delivery: Delivery
    duty: Duty
    at: datetime
    now: datetime
    how: Literal["force", "page"] = "force"
    """By the force's machine, or on the page behind a mail."""
    came_about: datetime | None = None
    """Story time, where the force says when it happened. That the duty was answered counts from when we heard it."""

    async def take(self, reply: Reply) -> None:
        """Each thing that is told becomes its event. Only what says that somebody there has it acknowledges the duty."""
        told = reply.data
        officer = await self._keep(_signature(told.officer)) if told.officer else ()
        spoken = await self._keep(told.words) if told.words else ()
        if reply.type is ReplyType.ACKNOWLEDGED:
            await self._say(self._police(PoliceAcknowledged, officer + spoken))
        if told.reference is not None:
            reference = await self._keep(told.reference)
            await self._say(self._police(PoliceReferenceGiven, reference, reference_kind=told.reference_kind))
        if told.grade is not None:
            await self._say(self._police(PoliceRiskGraded, officer, grade=told.grade, review_at=told.review_at))
        news = self._news(reply.type, officer + spoken)
        if news is not None:
            await self._say(news)
        if reply.type is ReplyType.CLOSED and self.duty.episode is not None:
            await store.closed(self.uow, self.force, self.duty.episode, self.at)
        if reply.data.says_who_has_it:
            await self._acknowledge(officer)

    def _news(self, kind: ReplyType, said: tuple[WordsId, ...]) -> Message | None:
        authority = self.duty.authority
        if kind is ReplyType.CLOSED:
            return self._police(PoliceClosed, said)
        if kind is ReplyType.INFORMATION:
            return ChildInformationReceived(authority=authority, words=said, channel="force", nature="sighting")
        if kind is ReplyType.LOCATED:
            return ChildLocated(
                authority=authority, words=said, channel="force", episode=self.duty.episode, proof=Proof.FORCE
            )
        if kind is ReplyType.RETURNED:
            return ChildReturned(
                authority=authority, words=said, channel="force", episode=self.duty.episode, proof=Proof.FORCE
            )
        if kind is ReplyType.SAFE_AND_WELL_CHECKED:
            return SafeAndWellCheckRecorded(authority=authority, words=said, channel="force", episode=self.duty.episode)
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
        await self._say(acknowledged(duty, self.how, force=self.force, words=officer))
        await deliveries.acknowledged(self.uow, duty.duty, duty.step, self.now)

    async def _keep(self, said: str) -> tuple[WordsId, ...]:
        about = self.delivery.child
        return (await words.keep(self.uow, self.keyring, about=about, words=said, said_by=None, at=self.at),)

    async def _say(self, content: Message) -> None:
        at = self.at if isinstance(content, DutyAcknowledged) else self.came_about or self.at
        self.uow.publish(content, subject=self.delivery.child, cause=self.delivery, at=at)


def _signature(officer: Officer) -> str:
    return f"{officer.name}, {officer.collar_number}"
