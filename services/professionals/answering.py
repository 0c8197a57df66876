"""The page behind a mail's button: its reader says "I have it", or that the next person must be told."""

from dataclasses import dataclass
from uuid import UUID

from services.bus.envelope import say
from services.delivery import rows
from services.delivery.forms import Form
from services.delivery.link_pages import Button, Sheet
from services.delivery.parcel import Parcel, State
from services.professionals import metrics
from services.professionals.mails import MailLanguage, language
from services.register import directory
from services.runtime.clocks import Clocks
from services.safeguarding.duties import Duty
from services.safeguarding.message import Message
from services.safeguarding.outcomes import DutyAcknowledged, DutyFailed
from services.store.transaction import Store, Transaction

HAVE_IT, CANNOT = "have-it", "cannot"


@dataclass(frozen=True)
class Acknowledging:
    """Answers commit before the page says so. The link is good for the one person to whom its mail went."""

    store: Store
    clocks: Clocks

    async def shows(self, delivery: UUID) -> Sheet | None:
        async with self.store.transaction() as transaction:
            found = await rows.hold(transaction, delivery)
            if found is None or found[0].duty is None:
                return None
            parcel, state = found
            return _sheet(await self._language(transaction, parcel, parcel.duty), parcel.duty, state)

    async def acts(self, delivery: UUID, form: Form) -> Sheet | None:
        async with self.store.transaction() as transaction:
            found = await rows.hold(transaction, delivery)
            if found is None or found[0].duty is None:
                return None
            parcel, state = found
            duty = found[0].duty
            words = await self._language(transaction, parcel, duty)
            if state not in {State.ACKNOWLEDGED, State.WITHDRAWN}:
                state = await self._answer(transaction, parcel, duty, state, form.answer)
            return _sheet(words, duty, state)

    async def _answer(self, transaction: Transaction, parcel: Parcel, duty: Duty, state: State, answer: str) -> State:
        if answer == HAVE_IT:
            acknowledged = DutyAcknowledged(
                duty=duty.duty,
                step=duty.step,
                authority=duty.authority,
                episode=duty.episode,
                by=parcel.person,
                how="page",
            )
            await self._say(transaction, parcel, acknowledged)
            await rows.acknowledged(transaction, duty.duty, duty.step, self.clocks.wall())
            metrics.ANSWERS.labels(HAVE_IT).inc()
            return State.ACKNOWLEDGED
        if answer == CANNOT and state is not State.FAILED:
            declined = DutyFailed(
                duty=duty.duty,
                step=duty.step,
                authority=duty.authority,
                episode=duty.episode,
                person=parcel.person,
                reason="declined",
            )
            await self._say(transaction, parcel, declined)
            await rows.declined(transaction, parcel.id, self.clocks.wall())
            metrics.ANSWERS.labels(CANNOT).inc()
            return State.FAILED
        return state

    async def _say(self, transaction: Transaction, parcel: Parcel, content: Message) -> None:
        await say(
            transaction,
            content,
            said_by="professionals",
            subject=parcel.child,
            at=self.clocks.story(),
            now=self.clocks.wall(),
            exercise=parcel.exercise,
            trace=parcel.trace,
        )

    async def _language(self, transaction: Transaction, parcel: Parcel, duty: Duty | None) -> MailLanguage:
        if duty is None or parcel.person is None:
            return language("en")
        holders = await directory.holders(
            transaction.connection,
            duty.role,
            authority=duty.authority,
            child=parcel.child,
            person=parcel.person,
            at=self.clocks.story(),
        )
        return language(holders[0].language if holders else "en")


def _sheet(words: MailLanguage, duty: Duty | None, state: State) -> Sheet | None:
    if duty is None:
        return None
    page, says = words.page, words.mails[duty.wording].says
    have_it = Button(HAVE_IT, page["have-it"])
    if state is State.ACKNOWLEDGED:
        return Sheet(page["thanks"], (says, page["thanks-more"]), done=True, language=words.name)
    if state is State.WITHDRAWN:
        return Sheet(page["over"], (page["over-more"],), language=words.name)
    if state is State.FAILED:
        return Sheet(page["passed-on"], (says, page["passed-on-more"]), (have_it,), language=words.name)
    buttons = (have_it, Button(CANNOT, page["cannot"], quiet=True))
    return Sheet(page["ask"], (says, page["explain"]), buttons, language=words.name)
