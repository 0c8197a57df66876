"""Prepares a text or mail to a professional for its first send: who holds the role now, and the words.

One mail or text may go out for several deliveries. Those that went in the leader's message are accepted when it is.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from cachetools import TTLCache

from services.platform.delivery.channels import email
from services.platform.delivery.channels.channel import ChannelSender, SendRequest, SendResult
from services.platform.delivery.inbound_mail.classifier import OURS
from services.platform.delivery.links import Links, Purpose
from services.platform.delivery.model import (
    Delivery,
    MediumName,
    Postponed,
    Prepared,
    PreparedMessage,
    State,
    Undeliverable,
)
from services.platform.register import conversation
from services.platform.register.child import code_of_child, missing_now
from services.platform.register.keys import new_cache
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, scalar
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.professionals import wording
from services.professionals.digests import DigestGrouping, fold_text, remember
from services.professionals.recipients import RecipientLookup, duty_of
from services.professionals.wording import MISSING, TextLanguage, mail_code, say_what_is_so, urgency_of
from services.safeguarding.duty.decisions import AttemptResult
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import AuthorityId, code_of
from services.safeguarding.roles import Channel, Role, Wording

TAKEN = frozenset({State.ACCEPTED, State.DELIVERED, State.ACKNOWLEDGED})
WAITS_SECONDS = 3.0
LOOKS_EVERY_SECONDS = 0.1
REMEMBERED = 200
"""Leaders whose message this process saw taken: most deliveries of a message are sent right after its leader."""
STATE = "SELECT state FROM delivery.deliveries WHERE id = %(delivery)s"
LEADER = "SELECT leader FROM professionals.mass_texts WHERE delivery = %(delivery)s"
MAIL_TAKEN, TEXT_TAKEN = 250, 200


class Grouped:
    """Wraps a channel. If the leader's message is not taken soon, the other delivery sends it too."""

    name: MediumName
    taken: int

    def __init__(self, channel: ChannelSender, store: Store) -> None:
        self._channel, self._store = channel, store
        self.start, self.stop = channel.start, channel.stop
        self._under_way: set[UUID] = set()
        self._taken_lately: deque[UUID] = deque(maxlen=REMEMBERED)

    async def send(self, request: SendRequest) -> SendResult:
        leader = await self._leader(request)
        if leader != request.id and await self._is_taken(leader):
            return SendResult(AttemptResult.ACCEPTED, self.taken)
        self._under_way.add(leader)
        try:
            result = await self._channel.send(request)
        finally:
            self._under_way.discard(leader)
        if result.result is AttemptResult.ACCEPTED:
            self._taken_lately.append(leader)
        return result

    async def _leader(self, request: SendRequest) -> UUID:
        raise NotImplementedError

    async def _is_taken(self, leader: UUID) -> bool:
        """Waits some seconds for it. If another process sends it, its row says when it is taken."""
        for _ in range(round(WAITS_SECONDS / LOOKS_EVERY_SECONDS)):
            await asyncio.sleep(LOOKS_EVERY_SECONDS)
            if leader in self._taken_lately:
                return True
            if leader in self._under_way:
                continue
            async with self._store.read() as reader:
                if await reader.fetch(Query(STATE, {"delivery": leader}, scalar)) in TAKEN:
                    return True
        return False


class GroupedMail(Grouped):
    """Under the same Message-ID: a mailbox shows it once."""

    name: MediumName = "email"
    taken = MAIL_TAKEN

    async def _leader(self, request: SendRequest) -> UUID:
        named = OURS.search(request.body.partition("\r\n\r\n")[0].encode())
        return request.id if named is None else UUID(named[1].decode())


class GroupedText(Grouped):
    """A text holds the code of its own delivery, or its leader's: then it rides in that one."""

    name: MediumName = "text"
    taken = TEXT_TAKEN

    async def _leader(self, request: SendRequest) -> UUID:
        if request.by_voice or code_of(request.id) in request.body:
            return request.id
        async with self._store.read() as reader:
            leader: UUID | None = await reader.fetch(Query(LEADER, {"delivery": request.id}, scalar))
            return leader or request.id


LATE = timedelta(minutes=30)
MOBILE, EMAIL = "person.mobile", "person.email"


@dataclass(frozen=True)
class TextSender:
    keyring: Keyring
    clocks: Clocks
    links: Links
    child_codes: TTLCache[Any, Any] = field(default_factory=new_cache)

    async def prepare(self, uow: UnitOfWork, delivery: Delivery) -> Prepared:
        duty = say_what_is_so(duty_of(delivery))
        found = await RecipientLookup(self.keyring, self.clocks).find(uow, delivery, lambda each: each.mobile)
        if isinstance(found, Undeliverable):
            return found.having_read(MOBILE)
        spoken, number = wording.text_language(found.language), found.mobile or ""
        mass = duty.mass and await fold_text(uow, delivery, duty.mass, found.person, self.clocks.story())
        if isinstance(mass, Postponed):
            return mass
        if mass:
            body = spoken.write_mass(duty.wording, code_of(mass.leader), mass.children, exercise=delivery.exercise)
        else:
            body = self._write(delivery, duty, spoken, await uow.fetch(code_of_child(delivery.child, self.child_codes)))
        if duty.step == 0 and self.clocks.story() - duty.created_at >= LATE:
            body = spoken.mark_late(body, duty.created_at)
        if duty.wording is Wording("shift-begins"):
            body = body.replace(MISSING, str(await uow.fetch(missing_now(duty.authority))))
        return PreparedMessage(number, body, person=found.person, read=(MOBILE,), number=number)

    def _write(self, delivery: Delivery, duty: Duty, spoken: TextLanguage, child: str | None) -> str:
        link = None if duty.deed is None else self.links.short_url(Purpose.DEED, delivery.id)
        practice = delivery.exercise
        if duty.role is Role.CARERS_ALL and link is not None:
            return spoken.write_to_carer(duty.wording, child, link, exercise=practice)
        return spoken.write(
            duty.wording,
            delivery.code,
            child=child,
            exercise=practice,
            unanswered=duty.unanswered,
            asked=duty.asked,
            link=link,
        )


@dataclass(frozen=True)
class MailSender:
    """`mailbox` is the address that mails come from. `console_url`: where people on duty open a case."""

    keyring: Keyring
    clocks: Clocks
    links: Links
    mailbox: str
    grouping: DigestGrouping
    console_url: str = ""
    duty_lines: TTLCache[Any, Any] = field(default_factory=new_cache)

    async def prepare(self, uow: UnitOfWork, delivery: Delivery) -> PreparedMessage | Undeliverable:
        duty, now = duty_of(delivery), self.clocks.wall()
        found = await RecipientLookup(self.keyring, self.clocks).find(uow, delivery, lambda each: each.email)
        if isinstance(found, Undeliverable):
            return found.having_read(EMAIL)
        gathered = await self.grouping.gather(uow, delivery, found)
        if isinstance(gathered, PreparedMessage):
            return gathered
        all_told = [say_what_is_so(duty_of(each)) for each in (delivery, *gathered.others)]
        content = wording.mail_language(found.language).email(
            [
                (each.wording, mail_code(each), each.role)
                for each in sorted(all_told, key=lambda each: urgency_of(each.wording))
            ],
            link=self.links.url(Purpose.ACKNOWLEDGE, delivery.id, now),
            duty_line=await self._duty_line(uow, duty.authority),
            exercise=delivery.exercise,
            has_deed=any(each.deed is not None for each in all_told),
            children=gathered.children,
            case=self._case(all_told),
            asked={mail_code(each): each.asked for each in all_told if each.asked is not None},
        )
        address = found.email or ""
        written = email.build_email(content, delivery=delivery.id, sender=self.mailbox, recipient=address, at=now)
        mail = PreparedMessage(address, written, person=found.person, read=(EMAIL,))
        remember(uow, mail, delivery, *gathered.others)
        return mail

    def _case(self, told: Sequence[Duty]) -> str:
        """The console's page of what all are about: of the one case, of the one duty, else its first. Empty: none."""
        if not self.console_url:
            return ""
        pages = {f"/episodes/{each.episode}" if each.episode else f"/duties/{each.duty}" for each in told}
        return self.console_url.rstrip("/") + (pages.pop() if len(pages) == 1 else "/")

    async def _duty_line(self, uow: UnitOfWork, authority: AuthorityId) -> str | None:
        team = await uow.fetch(replace(conversation.only_team(authority), cache=self.duty_lines))
        return team.line if team else None


@dataclass(frozen=True)
class Sender:
    """Sends by the duty's channel."""

    text: TextSender
    mail: MailSender

    async def prepare(self, uow: UnitOfWork, delivery: Delivery) -> Prepared:
        sender = self.mail if duty_of(delivery).channel is Channel.EMAIL else self.text
        return await sender.prepare(uow, delivery)
