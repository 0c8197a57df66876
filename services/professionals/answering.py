"""The page behind a mail's button: its reader says "I have it", or that the next person must be told."""

from dataclasses import dataclass
from uuid import UUID

from services.delivery import rows
from services.delivery.forms import Form
from services.delivery.link_pages import Button, Sheet
from services.delivery.outcomes import Speaker, acknowledged, failed
from services.delivery.parcel import Parcel, State
from services.professionals import metrics, several
from services.professionals.deputies import Deputies
from services.professionals.grouping import together
from services.professionals.mails import MailLanguage, language
from services.professionals.several import CANNOT, HAND_OVER, HAVE_IT, OVER, Told
from services.register import directory
from services.runtime.clocks import Clocks
from services.safeguarding.duties import Duty
from services.safeguarding.message import Message
from services.store.transaction import Store, Transaction


@dataclass(frozen=True)
class Acknowledging:
    """Answers commit before the page says so. The link is good for the one person to whom its mail went."""

    store: Store
    clocks: Clocks
    deputies: Deputies

    async def shows(self, delivery: UUID) -> Sheet | None:
        async with self.store.transaction() as transaction:
            told = await self._told(transaction, delivery)
            return await self._page(transaction, told) if told else None

    async def acts(self, delivery: UUID, form: Form) -> Sheet | None:
        async with self.store.transaction() as transaction:
            told = await self._told(transaction, delivery)
            chosen = [told[0]] if len(told) == 1 else several.chosen(told, form.answer)
            answer = form.answer if len(told) == 1 else several.single(form.answer)
            for each in chosen:
                if each.state not in OVER:
                    await self._answer(transaction, each, answer)
            return await self._page(transaction, await self._told(transaction, delivery)) if told else None

    async def _answer(self, transaction: Transaction, each: Told, answer: str) -> None:
        """Whoever has handed it over, or cannot, may still say that they have it."""
        if answer == HAVE_IT:
            await self._has_it(transaction, each.parcel, each.duty)
        elif each.state is State.FAILED:
            return
        elif answer == HAND_OVER:
            await self._hands_over(transaction, each.parcel, each.duty)
        elif answer == CANNOT:
            await self._cannot(transaction, each.parcel)

    async def _has_it(self, transaction: Transaction, parcel: Parcel, duty: Duty) -> None:
        await self._say(transaction, parcel, acknowledged(duty, "page", by=parcel.person))
        await rows.acknowledged(transaction, duty.duty, duty.step, self.clocks.wall())
        transaction.after_commit(metrics.ANSWERS.labels(HAVE_IT).inc)

    async def _hands_over(self, transaction: Transaction, parcel: Parcel, duty: Duty) -> None:
        """Where nobody takes it over, the page goes on asking."""
        if await self.deputies.takes_over(transaction, parcel, duty):
            await rows.declined(transaction, parcel.id, self.clocks.wall())
            transaction.after_commit(metrics.ANSWERS.labels(HAND_OVER).inc)

    async def _cannot(self, transaction: Transaction, parcel: Parcel) -> None:
        await self._say(transaction, parcel, failed(parcel, "declined", parcel.person))
        await rows.declined(transaction, parcel.id, self.clocks.wall())
        transaction.after_commit(metrics.ANSWERS.labels(CANNOT).inc)

    async def _told(self, transaction: Transaction, delivery: UUID) -> list[Told]:
        """What this mail says: one telling, or several that went together."""
        told = []
        for each in await together(transaction, delivery):
            found = await rows.hold(transaction, each)
            if found is not None and found[0].duty is not None:
                told.append(Told(found[0], found[0].duty, found[1]))
        return told

    async def _page(self, transaction: Transaction, told: list[Told]) -> Sheet:
        first = told[0]
        spoken = await self._language(transaction, first.parcel, first.duty)
        if len(told) > 1:
            return several.sheet(spoken, told)
        open_still = first.state not in {*OVER, State.FAILED}
        has_deputy = open_still and await self.deputies.next(transaction, first.parcel, first.duty) is not None
        return _sheet(spoken, first.duty, first.state, has_deputy=has_deputy)

    async def _say(self, transaction: Transaction, parcel: Parcel, content: Message | None) -> None:
        await Speaker("professionals", self.clocks.story(), self.clocks.wall()).say(transaction, parcel, content)

    async def _language(self, transaction: Transaction, parcel: Parcel, duty: Duty) -> MailLanguage:
        if parcel.person is None:
            return language("en")
        holders = await directory.who_holds(
            duty.role, authority=duty.authority, child=parcel.child, person=parcel.person, at=self.clocks.story()
        ).ask(transaction.connection)
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
