"""Prepares a text or mail to a professional for its first send: who holds the role now, and the words."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from cachetools import TTLCache

from services.platform.delivery.channels import email
from services.platform.delivery.links.tokens import Links, Purpose
from services.platform.delivery.model import Delivery, Postponed, Prepared, PreparedMessage, Undeliverable
from services.platform.register import conversation
from services.platform.register.cache import new_cache
from services.platform.register.child_facts import missing_now
from services.platform.register.child_identity import code_of_child
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.professionals import email_wording, sms_wording
from services.professionals.digests.groups import DigestGrouping, remember
from services.professionals.digests.mass_texts import fold_text
from services.professionals.email_wording import mail_code
from services.professionals.matters import urgency_of
from services.professionals.presuppositions import say_what_is_so
from services.professionals.recipients import RecipientLookup, duty_of
from services.professionals.sms_wording import MISSING, Language
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import AuthorityId, code_of
from services.safeguarding.roles import Channel, Role, Wording

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
        spoken, number = sms_wording.language(found.language), found.mobile or ""
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

    def _write(self, delivery: Delivery, duty: Duty, spoken: Language, child: str | None) -> str:
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
    """`mailbox` is the address that mails come from."""

    keyring: Keyring
    clocks: Clocks
    links: Links
    mailbox: str
    grouping: DigestGrouping
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
        content = email_wording.language(found.language).email(
            [
                (each.wording, mail_code(each), each.role)
                for each in sorted(all_told, key=lambda each: urgency_of(each.wording))
            ],
            link=self.links.url(Purpose.ACKNOWLEDGE, delivery.id, now),
            duty_line=await self._duty_line(uow, duty.authority),
            exercise=delivery.exercise,
            has_deed=any(each.deed is not None for each in all_told),
            children=gathered.children,
            asked={mail_code(each): each.asked for each in all_told if each.asked is not None},
        )
        address = found.email or ""
        written = email.build_email(content, delivery=delivery.id, sender=self.mailbox, recipient=address, at=now)
        mail = PreparedMessage(address, written, person=found.person, read=(EMAIL,))
        remember(uow, mail, delivery, *gathered.others)
        return mail

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
