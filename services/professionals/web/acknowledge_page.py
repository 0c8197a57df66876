"""Serves the page behind a mail's button: its reader says "I have it", or that the next person must be told.

Mounts the route for Twilio's reports and the page behind a mail's button.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from fastapi import FastAPI

from services.platform.delivery.events import acknowledged, failed
from services.platform.delivery.links import Button, Form, LinkPages, Purpose, Sheet, mount_pages
from services.platform.delivery.model import Delivery, State
from services.platform.delivery.queue import repository as deliveries
from services.platform.delivery.settings.correspondence import CorrespondenceSettings
from services.platform.delivery.sms_status.receipts import Receipts
from services.platform.delivery.sms_status.webhook import CallKeys, mount_receipts_route, mount_status_route
from services.platform.register.child import authority_of_child
from services.platform.register.directory import language_of_person
from services.platform.runtime.clocks import Clocks
from services.platform.store.engine import new_web_app
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.professionals import digests as digest_page
from services.professionals import metrics
from services.professionals.digests import CANNOT, HAND_OVER, HAVE_IT, OVER, Matter, deliveries_in_mail
from services.professionals.recipients import Deputies
from services.professionals.web.deed_form import DeedForms, spec_of
from services.professionals.wording import MailLanguage, mail_language
from services.safeguarding.duty.duties import Duty
from services.wording.deed_forms import DeedWords


@dataclass(frozen=True)
class AcknowledgePage:
    """Each answer commits before the page says so. The link is for the one person to whom its mail went."""

    store: Store
    clocks: Clocks
    deputies: Deputies
    deeds: DeedForms
    alone: bool = False
    """The page is about the link's own duty alone, whatever else went in the same mail."""

    async def find(self, code: str) -> list[tuple[UUID, datetime]]:
        """The texts that a short link's code may name."""
        async with self.store.read() as reader:
            return await reader.fetch(deliveries.texts_with_code(code))

    async def answer(self, delivery: UUID, form: Form) -> Sheet | None:
        async with self.store.transaction(delivery) as uow:
            matters = await self._matters(uow, delivery)
            if not matters:
                return None
            if form.answer:
                chosen, answer = matters, form.answer
                if len(matters) > 1:
                    chosen, answer = digest_page.read_answer(matters, answer)
                for each in chosen:
                    if each.state not in OVER:
                        await self._answer(uow, each, answer)
                matters = await self._matters(uow, delivery)
            return await self._page(uow, matters, form)

    async def _answer(self, uow: UnitOfWork, each: Matter, answer: str) -> None:
        """A reader who handed it over, or could not act, may still say "I have it". If there is nobody to hand it to,
        the page goes on asking.
        """
        delivery, duty = each.delivery, each.duty
        if answer == HAVE_IT:
            uow.publish(acknowledged(duty, "page", by=delivery.person), subject=delivery.child, cause=delivery)
            await deliveries.acknowledge(uow, duty.duty, duty.step, self.clocks.wall())
        elif (
            each.state is State.FAILED
            or answer not in {HAND_OVER, CANNOT}
            or (answer == HAND_OVER and not await self.deputies.hand_over(uow, delivery, duty))
        ):
            return
        else:
            if answer == CANNOT:
                declined = failed(uow, delivery, "declined", delivery.person, given_up=False)
                uow.publish(declined, subject=delivery.child, cause=delivery)
            await deliveries.pass_on(uow, delivery.id, self.clocks.wall())
        uow.on_commit(metrics.ANSWERS.labels(answer).inc)

    async def _matters(self, uow: UnitOfWork, delivery: UUID) -> list[Matter]:
        """The matters of this mail: one, or several that went together."""
        matters: list[Matter] = []
        those = [delivery] if self.alone else await uow.fetch(deliveries_in_mail(delivery))
        held = await deliveries.lock_all(uow, those)
        for found in map(held.get, those):
            if found is not None and found[0].duty is not None:
                state = await self._state(uow, found[0], found[0].duty, found[1])
                matters.append(Matter(len(matters) + 1, found[0], found[0].duty, state))
        return matters

    async def _state(self, uow: UnitOfWork, delivery: Delivery, duty: Duty, state: State) -> State:
        """After a transfer a deed is over behind the links of the authority that gave the child away."""
        if duty.deed is None:
            return state
        responsible = await uow.fetch(authority_of_child(delivery.child))
        return state if responsible in {None, duty.authority} else State.WITHDRAWN

    async def _page(self, uow: UnitOfWork, matters: list[Matter], form: Form) -> Sheet:
        first = matters[0]
        words = mail_language(await uow.fetch(language_of_person(first.delivery.person)))
        if len(matters) > 1:
            return replace(digest_page.build_sheet(words, matters), links=self._deed_links(words, matters))
        is_open = first.state not in {*OVER, State.FAILED}
        has_deputy = is_open and await self.deputies.find_next(uow, first.delivery, first.duty) is not None
        sheet = _sheet(words, first.duty, first.state, has_deputy=has_deputy)
        spec = spec_of(first.duty)
        if spec is None or first.state is State.WITHDRAWN:
            return sheet
        return await self.deeds.show(uow, first, spec, form, sheet)

    def _deed_links(self, words: MailLanguage, matters: list[Matter]) -> tuple[tuple[str, str], ...]:
        """Each deed has a page of its own, behind the link of its own delivery."""
        spoken, now = DeedWords.read(words.name), self.clocks.wall()
        return tuple(
            (spoken.title_of_one(spec.deed, each.number, each.code), self.deeds.link(each, now))
            for each in matters
            if (spec := spec_of(each.duty)) is not None and each.state is not State.WITHDRAWN
        )


def _sheet(words: MailLanguage, duty: Duty, state: State, *, has_deputy: bool) -> Sheet:
    page, says = words.page, words.says(duty.wording, duty.role)
    have_it = Button(HAVE_IT, page["have-it"])
    if state is State.ACKNOWLEDGED:
        more = page["thanks-more" if duty.deed is None else "thanks-to-do"]
        return Sheet(page["thanks"], (says, more), done=True, language=words.name)
    if state is State.WITHDRAWN:
        return Sheet(page["over"], (page["over-more"],), language=words.name)
    if state is State.FAILED:
        return Sheet(page["passed-on"], (says, page["passed-on-more"]), (have_it,), language=words.name)
    hand_over = (Button(HAND_OVER, page["hand-over"], quiet=True),) if has_deputy else ()
    buttons = (have_it, *hand_over, Button(CANNOT, page["cannot"], quiet=True))
    return Sheet(page["ask"], (says, page["explain"]), buttons, language=words.name)


def pages(
    receipts: Receipts, keys: CallKeys, acknowledging: AcknowledgePage, clocks: Clocks, settings: CorrespondenceSettings
) -> FastAPI:
    app = new_web_app("professionals")
    mount_status_route(app, receipts, keys, settings.twilio_door("status"))
    mount_receipts_route(app, receipts, settings.notify_door("status"))
    of_one = replace(acknowledging, alone=True)
    mount_pages(
        app,
        LinkPages(settings.links, clocks, Purpose.ACKNOWLEDGE, acknowledging.answer, acknowledging.find),
        LinkPages(settings.links, clocks, Purpose.DEED, of_one.answer, of_one.find),
    )
    return app
