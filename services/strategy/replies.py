"""Takes mails to our mailbox: replies to invitations take effect, and a person reads the rest."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID, uuid4

from services.platform.delivery.inbound_mail.classifier import MailKind, ReadMail, spelt
from services.platform.delivery.inbound_mail.handler import ESCALATES, UNAUTHENTICATED, MailAnswers
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.identifiers import provisional_child
from services.strategy import metrics
from services.strategy.discussions.policy import Reply
from services.strategy.discussions.repository import (
    PLANNED,
    Attendee,
    Discussion,
    attendee_by_duty,
    attendees_with_address,
    discussion_by_duty,
    discussion_by_id,
    discussions_of_mails,
    inviters,
    lock_of_mails,
)
from services.strategy.discussions.service import DiscussionService
from services.strategy.itip import Answered, NotAReply, read
from services.wording import read_words

DOUBTS = read_words(Path(__file__).with_name("doubts.yaml")) | {"unauthenticated": UNAUTHENTICATED}
Doubt = Literal["unauthenticated", "several", "stranger", "another", "early", "undated"]


@dataclass(frozen=True)
class Replies:
    """Commits before it returns. The same mail twice does nothing the second time, unless a person reads it.

    An answer is to the discussion that its UID names, or whose mail it answers, and to no other: never to its sender's
    newest.
    """

    store: Store
    keyring: Keyring
    discussion_service: DiscussionService
    answers: MailAnswers

    async def take(self, mail: ReadMail) -> str:
        """Returns the result in a word."""
        answered = () if mail.kind is MailKind.BOUNCED else await asyncio.to_thread(read_answers, mail)
        async with self.store.transaction() as uow:
            result = await self._take(uow, mail, answered)
        metrics.REPLIES.labels("mail", result).inc()
        return result

    async def _take(self, uow: UnitOfWork, mail: ReadMail, answers: Sequence[Answered]) -> str:
        if answers:
            return await self._take_calendar(uow, mail, answers)
        if mail.kind in ESCALATES:
            await uow.fetch(lock_of_mails(_mails_answered(mail)[:1]))  # before the mail itself
            if await self.answers.is_believed(uow, mail):
                return await self._escalate(uow, mail)
        if mail.kind in {MailKind.PERSONAL, MailKind.AWAY}:
            return await self._take_words(uow, mail)
        return str(mail.kind)

    async def _take_calendar(self, uow: UnitOfWork, mail: ReadMail, answers: Sequence[Answered]) -> str:
        answered, *others = answers
        found, mine, named = await uow.fetch(
            discussion_by_id(answered.discussion),
            attendees_with_address(answered.discussion, self._address_hashes(mail)),
            discussions_of_mails(_mails_answered(mail)),
        )
        comments = _join(*dict.fromkeys(each.comment for each in answers))
        if found is None:
            return await self._take_words(uow, mail, _join(DOUBTS["unknown"], comments))
        several = bool(others or named - {found.discussion})
        doubt = _doubt(mail, answered, found, mine, several=several)
        if doubt is not None:
            return await self._to_a_person(uow, mail, found, mine, _join(DOUBTS[doubt], comments))
        if found.state != PLANNED or not _is_current(answered, found):
            if answered.comment:  # it may be about the child, though the answer no longer counts
                await self._to_a_person(uow, mail, found, mine, _join(DOUBTS["old"], answered.comment))
            return "old"
        for attendee in mine:
            await self.discussion_service.take_reply(
                uow, found, attendee, answered.reply, how="mail", proposes=answered.proposes
            )
        note = DOUBTS["delegated"] if answered.delegated else DOUBTS["comment"] if answered.comment else None
        if note is not None or (answered.reply is Reply.COUNTER and answered.proposes is None):
            await self._to_a_person(uow, mail, found, mine, _join(note, answered.comment))
        return str(answered.reply)

    async def _escalate(self, uow: UnitOfWork, mail: ReadMail) -> str:
        """Unless the attendee has replied already: a bounce of later news says nothing about who comes."""
        told = await self.answers.told(uow, mail)
        if told is not None:
            discussion, attendee = await uow.fetch(discussion_by_duty(told[1]), attendee_by_duty(told[1]))
            if discussion and attendee and attendee.reply not in {Reply.WAITING, Reply.COUNTER}:
                return f"{mail.kind}-late"
        return await self.answers.goes_on(uow, mail)

    async def _take_words(self, uow: UnitOfWork, mail: ReadMail, why: str = "") -> str:
        """A person reads words from somebody whom we invited, or in answer to our mail. Strangers' mails are left."""
        told = await self.answers.told(uow, mail)
        if told is None:
            return await self._take_unplaced(uow, mail, why)
        found = await uow.fetch(discussion_by_duty(told[1]))
        if found is None:  # such as an answer from the person asked for a record
            return await self.answers.made_of(uow, mail)
        mine, named = await uow.fetch(
            attendees_with_address(found.discussion, self._address_hashes(mail)),
            discussions_of_mails(_mails_answered(mail)),
        )
        several = DOUBTS["several"] if len(named) > 1 else ""
        doubt = DOUBTS["unauthenticated"] if not mail.authenticated else "" if mine else DOUBTS["stranger"]
        return await self._to_a_person(uow, mail, found, mine, _join(why, doubt, several))

    async def _take_unplaced(self, uow: UnitOfWork, mail: ReadMail, why: str) -> str:
        """From somebody whom we invited, but about no discussion that we know. The duty team of each authority that
        invited them hears of it, under the id of a child whom nobody has identified.
        """
        found = await uow.fetch(inviters(self._address_hashes(mail)))
        if not found:
            return "stranger"
        doubt = "" if mail.authenticated else DOUBTS["unauthenticated"]
        for each in found:
            await self.answers.to_a_person(
                uow,
                _join(why or DOUBTS["unplaced"], doubt, f"From {mail.sender}", mail.words),
                child=provisional_child(str(uuid4())),
                authority=each.authority,
                said_by=each.person if mail.authenticated else None,
                exercise=each.exercise,
                trace=None,
            )
        return "needs-human"

    async def _to_a_person(
        self, uow: UnitOfWork, mail: ReadMail, found: Discussion, mine: list[Attendee], why: str
    ) -> str:
        return await self.answers.to_a_person(
            uow,
            _join(why, f"From {mail.sender}", mail.words),
            child=found.child,
            authority=found.authority,
            said_by=mine[0].person if mine and mail.authenticated else None,
            exercise=found.exercise,
            trace=found.trace,
        )

    def _address_hashes(self, mail: ReadMail) -> Sequence[bytes]:
        return self.keyring.number_hashes(spelt(mail.sender))


def _mails_answered(mail: ReadMail) -> list[UUID]:
    return [] if mail.refers_to is None else [mail.refers_to, *mail.also_named]


def _join(*parts: str | None) -> str:
    return "\n\n".join(filter(None, parts))


def read_answers(mail: ReadMail) -> tuple[Answered, ...]:
    """The answers in its calendar parts. Gmail sends the same answer twice: it counts once."""
    found = []
    for part in mail.calendars:
        try:
            found.append(read(part.text, part.method))
        except NotAReply:
            continue
    return tuple(dict.fromkeys(found))


def _doubt(
    mail: ReadMail, answered: Answered, found: Discussion, mine: list[Attendee], *, several: bool
) -> Doubt | None:
    """Why a person must look at it. None: it is believed."""
    if not mail.authenticated:
        return "unauthenticated"
    if several:
        return "several"
    if not mine:
        return "stranger"
    if answered.attendee != mail.sender:
        return "another"
    return _find_doubt_of_date(answered, found)


def _find_doubt_of_date(answered: Answered, found: Discussion) -> Doubt | None:
    if answered.sequence is not None:
        return "early" if answered.sequence > found.sequence else None
    if answered.starts_at is None or answered.reply is Reply.COUNTER:
        return "undated" if found.sequence and found.state == PLANNED else None
    return None if found.sequence or answered.starts_at == found.starts_at else "early"


def _is_current(answered: Answered, found: Discussion) -> bool:
    """An answer without a sequence is to the date that it names; without a date either, to the first."""
    if answered.sequence is None and answered.starts_at is not None and answered.reply is not Reply.COUNTER:
        return answered.starts_at == found.starts_at
    return (answered.sequence or 0) == found.sequence
