"""Takes a mail to our mailbox: what it says of an invitation is done, and what no machine understands goes to a person."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID, uuid4

from services.platform.delivery.inbound_mail.classifier import MailKind, ReadMail, spelt
from services.platform.delivery.inbound_mail.handler import ESCALATES, UNAUTHENTICATED, MailAnswers
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.identifiers import provisional_child
from services.strategy import correspondence, metrics
from services.strategy.discussions import repository as discussions
from services.strategy.discussions.policy import Reply, counts
from services.strategy.discussions.repository import Attendee, Discussion
from services.strategy.discussions.service import DiscussionService
from services.strategy.invitations.itip import Answered, NotAReply, read

DOUBTS = {
    "unauthenticated": UNAUTHENTICATED,
    "several": "This mail gives several answers, or names several discussions. None of them was recorded.",
    "unknown": "This answers an invitation that we do not know, or know no longer.",
    "unplaced": "This mail does not say which invitation it answers. Nothing of it has been recorded for any discussion.",
    "stranger": "This answer to an invitation comes from a mailbox that was not invited.",
    "another": "This answer is given in the name of somebody else than its sender.",
    "early": "This answer is to a date that the discussion never had.",
    "delegated": "Somebody else is to come instead. Nobody has checked who that is.",
    "comment": "A note came with the answer, which is recorded.",
    "old": "A note came with an answer to an earlier date, or to a discussion that is over or called off. Only the note matters.",
}
Doubt = Literal["unauthenticated", "several", "stranger", "another", "early"]


@dataclass(frozen=True)
class Replies:
    """Commits before it returns. The same mail twice does nothing the second time, unless a person reads it.

    An answer is to the discussion whose UID it has, or whose mail it answers, and to no other: never to the newest of its sender's.
    """

    store: Store
    keyring: Keyring
    discussing: DiscussionService
    answers: MailAnswers

    async def take(self, mail: ReadMail) -> str:
        """What was made of it, in a word."""
        answered = () if mail.kind is MailKind.BOUNCED else await asyncio.to_thread(answers_in, mail)
        async with self.store.transaction() as uow:
            made = await self._made_of(uow, mail, answered)
        metrics.REPLIES.labels("mail", made).inc()
        return made

    async def _made_of(self, uow: UnitOfWork, mail: ReadMail, answers: Sequence[Answered]) -> str:
        if answers:
            return await self._calendar(uow, mail, answers)
        if mail.kind in ESCALATES and await self.answers.is_believed(uow, mail):
            return await self._goes_on(uow, mail)
        if mail.kind in {MailKind.PERSONAL, MailKind.AWAY}:
            return await self._in_words(uow, mail)
        return str(mail.kind)

    async def _calendar(self, uow: UnitOfWork, mail: ReadMail, answers: Sequence[Answered]) -> str:
        answered, *others = answers
        theirs = self.keyring.number_hashes(spelt(mail.sender))
        found, mine = await discussions.hold_with(uow, answered.discussion, theirs)
        comments = _with(*dict.fromkeys(each.comment for each in answers))
        if found is None:
            return await self._in_words(uow, mail, _with(DOUBTS["unknown"], comments))
        several = bool(others) or await self._named(uow, mail) - {found.discussion} != set()
        doubt = _doubt(mail, answered, found, mine, several=several)
        if doubt is not None:
            return await self._to_a_person(uow, mail, found, mine, _with(DOUBTS[doubt], comments))
        if found.state != discussions.PLANNED or not _is_current(answered, found):
            return await self._old(uow, mail, answered, found, mine)
        for attendee in mine:
            await self.discussing.take(uow, found, attendee, answered.reply, how="mail", proposes=answered.proposes)
        note = DOUBTS["delegated"] if answered.delegated else DOUBTS["comment"] if answered.comment else None
        if note is not None or (answered.reply is Reply.COUNTER and answered.proposes is None):
            await self._to_a_person(uow, mail, found, mine, _with(note, answered.comment))
        return str(answered.reply)

    async def _old(
        self, uow: UnitOfWork, mail: ReadMail, answered: Answered, found: Discussion, mine: list[Attendee]
    ) -> str:
        """The answer counts no more; what its writer added to it may be about the child."""
        if answered.comment:
            await self._to_a_person(uow, mail, found, mine, _with(DOUBTS["old"], answered.comment))
        return "old"

    async def _goes_on(self, uow: UnitOfWork, mail: ReadMail) -> str:
        """What has been answered already stands: a bounce of later news says nothing of who comes."""
        told = await self.answers.told(uow, mail)
        discussion = None if told is None else await discussions.of_duty(uow, told[1].duty, told[1].step)
        if told is not None and discussion is not None:
            attendees = await discussions.attendees_of(uow.connection, discussion.discussion)
            mine = [each for each in attendees if (each.duty, each.step) == (told[1].duty, told[1].step)]
            if mine and mine[0].reply not in {Reply.WAITING, Reply.COUNTER}:
                return f"{mail.kind}-late"
        return await self.answers.goes_on(uow, mail)

    async def _named(self, uow: UnitOfWork, mail: ReadMail) -> set[UUID]:
        """The discussions of all mails of ours that it answers."""
        named = [] if mail.refers_to is None else [mail.refers_to, *mail.also_named]
        return await correspondence.of_mails(uow.connection, named)

    async def _in_words(self, uow: UnitOfWork, mail: ReadMail, why: str = "") -> str:
        """Of somebody whom we invited, or in answer to what we sent: a person reads it. Anybody else's is nobody's business here."""
        told = await self.answers.told(uow, mail)
        if told is None:
            return await self._unplaced(uow, mail, why)
        found = await discussions.of_duty(uow, told[1].duty, told[1].step)
        if found is None:  # such as an answer to whoever is asked for a record
            return await self.answers.made_of(uow, mail)
        theirs = self.keyring.number_hashes(spelt(mail.sender))
        mine = await discussions.attendees_of(uow.connection, found.discussion, theirs)
        several = DOUBTS["several"] if len(await self._named(uow, mail)) > 1 else ""
        doubt = DOUBTS["unauthenticated"] if not mail.authenticated else "" if mine else DOUBTS["stranger"]
        return await self._to_a_person(uow, mail, found, mine, _with(why, doubt, several))

    async def _unplaced(self, uow: UnitOfWork, mail: ReadMail, why: str) -> str:
        """Of no discussion, though of somebody whom we invited to some: the duty team of each authority that invited them hears of
        it, under a child of whom nobody knows yet who it is.
        """
        inviting = await correspondence.inviting(uow.connection, self.keyring.number_hashes(spelt(mail.sender)))
        if not inviting:
            return "stranger"
        doubt = "" if mail.authenticated else DOUBTS["unauthenticated"]
        for each in inviting:
            await self.answers.to_a_person(
                uow,
                _with(why or DOUBTS["unplaced"], doubt, f"From {mail.sender}", mail.words),
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
            _with(why, f"From {mail.sender}", mail.words),
            child=found.child,
            authority=found.authority,
            said_by=mine[0].person if mine and mail.authenticated else None,
            exercise=found.exercise,
            trace=found.trace,
        )


def _with(*said: str | None) -> str:
    return "\n\n".join(filter(None, said))


def answers_in(mail: ReadMail) -> tuple[Answered, ...]:
    """What its calendar parts answer to invitations. The same said twice, as Gmail says it, is said once."""
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
    """Why a person must look at it instead of believing it."""
    if not mail.authenticated:
        return "unauthenticated"
    if several:
        return "several"
    if not mine:
        return "stranger"
    if answered.attendee != mail.sender:
        return "another"
    return "early" if answered.sequence is not None and answered.sequence > found.sequence else None


def _is_current(answered: Answered, found: Discussion) -> bool:
    """Without a sequence its date says to which it is; without either it can only be to the first."""
    if answered.sequence is None and answered.starts_at is not None and answered.reply is not Reply.COUNTER:
        return answered.starts_at == found.starts_at
    return counts(answered.reply, sequence=answered.sequence or 0, current=found.sequence)
