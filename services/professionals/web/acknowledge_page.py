"""The page behind a mail's button: its reader says "I have it", or that the next person must be told."""

from dataclasses import dataclass
from uuid import UUID

from services.platform.delivery.events import acknowledged, failed
from services.platform.delivery.links.forms import Form
from services.platform.delivery.links.pages import Button, Sheet
from services.platform.delivery.model import Delivery, State
from services.platform.delivery.queue import repository as deliveries
from services.platform.register import directory
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.professionals import metrics
from services.professionals.digests import page as digest_page
from services.professionals.digests.groups import together
from services.professionals.digests.page import CANNOT, HAND_OVER, HAVE_IT, OVER, Told
from services.professionals.email_wording import MailLanguage, language
from services.professionals.replies.hand_over import Deputies
from services.safeguarding.duty.duties import Duty
from services.safeguarding.message import Message


@dataclass(frozen=True)
class AcknowledgePage:
    """Answers commit before the page says so. The link is good for the one person to whom its mail went."""

    store: Store
    clocks: Clocks
    deputies: Deputies

    async def shows(self, delivery: UUID) -> Sheet | None:
        async with self.store.transaction() as uow:
            told = await self._told(uow, delivery)
            return await self._page(uow, told) if told else None

    async def acts(self, delivery: UUID, form: Form) -> Sheet | None:
        async with self.store.transaction() as uow:
            told = await self._told(uow, delivery)
            chosen = [told[0]] if len(told) == 1 else digest_page.chosen(told, form.answer)
            answer = form.answer if len(told) == 1 else digest_page.single(form.answer)
            for each in chosen:
                if each.state not in OVER:
                    await self._answer(uow, each, answer)
            return await self._page(uow, await self._told(uow, delivery)) if told else None

    async def _answer(self, uow: UnitOfWork, each: Told, answer: str) -> None:
        """Whoever has handed it over, or cannot, may still say that they have it."""
        if answer == HAVE_IT:
            await self._has_it(uow, each.delivery, each.duty)
        elif each.state is State.FAILED:
            return
        elif answer == HAND_OVER:
            await self._hands_over(uow, each.delivery, each.duty)
        elif answer == CANNOT:
            await self._cannot(uow, each.delivery)

    async def _has_it(self, uow: UnitOfWork, delivery: Delivery, duty: Duty) -> None:
        await self._say(uow, delivery, acknowledged(duty, "page", by=delivery.person))
        await deliveries.acknowledged(uow, duty.duty, duty.step, self.clocks.wall())
        uow.on_commit(metrics.ANSWERS.labels(HAVE_IT).inc)

    async def _hands_over(self, uow: UnitOfWork, delivery: Delivery, duty: Duty) -> None:
        """Where nobody takes it over, the page goes on asking."""
        if await self.deputies.takes_over(uow, delivery, duty):
            await deliveries.declined(uow, delivery.id, self.clocks.wall())
            uow.on_commit(metrics.ANSWERS.labels(HAND_OVER).inc)

    async def _cannot(self, uow: UnitOfWork, delivery: Delivery) -> None:
        await self._say(uow, delivery, failed(delivery, "declined", delivery.person))
        await deliveries.declined(uow, delivery.id, self.clocks.wall())
        uow.on_commit(metrics.ANSWERS.labels(CANNOT).inc)

    async def _told(self, uow: UnitOfWork, delivery: UUID) -> list[Told]:
        """What this mail says: one telling, or several that went together."""
        told = []
        for each in await together(uow, delivery):
            found = await deliveries.hold(uow, each)
            if found is not None and found[0].duty is not None:
                told.append(Told(found[0], found[0].duty, found[1]))
        return told

    async def _page(self, uow: UnitOfWork, told: list[Told]) -> Sheet:
        first = told[0]
        spoken = await self._language(uow, first.delivery, first.duty)
        if len(told) > 1:
            return digest_page.sheet(spoken, told)
        open_still = first.state not in {*OVER, State.FAILED}
        has_deputy = open_still and await self.deputies.next(uow, first.delivery, first.duty) is not None
        return _sheet(spoken, first.duty, first.state, has_deputy=has_deputy)

    async def _say(self, uow: UnitOfWork, delivery: Delivery, content: Message | None) -> None:
        uow.publish(content, subject=delivery.child, cause=delivery)

    async def _language(self, uow: UnitOfWork, delivery: Delivery, duty: Duty) -> MailLanguage:
        if delivery.person is None:
            return language("en")
        holders = await directory.who_holds(
            duty.role, authority=duty.authority, child=delivery.child, person=delivery.person, at=self.clocks.story()
        ).ask(uow.connection)
        return language(holders[0].language if holders else "en")


def _sheet(words: MailLanguage, duty: Duty, state: State, *, has_deputy: bool) -> Sheet:
    page, says = words.page, words.mails[duty.wording].says
    have_it = Button(HAVE_IT, page["have-it"])
    if state is State.ACKNOWLEDGED:
        return Sheet(page["thanks"], (says, page["thanks-more"]), done=True, language=words.name)
    if state is State.WITHDRAWN:
        return Sheet(page["over"], (page["over-more"],), language=words.name)
    if state is State.FAILED:
        return Sheet(page["passed-on"], (says, page["passed-on-more"]), (have_it,), language=words.name)
    hand_over = (Button(HAND_OVER, page["hand-over"], quiet=True),) if has_deputy else ()
    buttons = (have_it, *hand_over, Button(CANNOT, page["cannot"], quiet=True))
    return Sheet(page["ask"], (says, page["explain"]), buttons, language=words.name)
