"""The page behind a mail's button: its reader says "I have it", or that the next person must be told."""

from dataclasses import dataclass
from uuid import UUID

from services.bus.envelope import say
from services.delivery import rows
from services.delivery.forms import Form
from services.delivery.link_pages import Button, Sheet
from services.delivery.parcel import Parcel, State
from services.professionals import metrics
from services.professionals.deputies import Deputies
from services.professionals.mails import MailLanguage, language
from services.register import directory
from services.runtime.clocks import Clocks
from services.safeguarding.duties import Duty
from services.safeguarding.message import Message
from services.safeguarding.outcomes import DutyAcknowledged, DutyFailed
from services.store.transaction import Store, Transaction

HAVE_IT, HAND_OVER, CANNOT = "have-it", "hand-over", "cannot"


@dataclass(frozen=True)
class Acknowledging:
    """Answers commit before the page says so. The link is good for the one person to whom its mail went."""

    store: Store
    clocks: Clocks
    deputies: Deputies

    async def shows(self, delivery: UUID) -> Sheet | None:
        async with self.store.transaction() as transaction:
            found = await rows.hold(transaction, delivery)
            duty = None if found is None else found[0].duty
            if found is None or duty is None:
                return None
            return await self._page(transaction, found[0], duty, found[1])

    async def acts(self, delivery: UUID, form: Form) -> Sheet | None:
        async with self.store.transaction() as transaction:
            found = await rows.hold(transaction, delivery)
            duty = None if found is None else found[0].duty
            if found is None or duty is None:
                return None
            parcel, state = found
            if state not in {State.ACKNOWLEDGED, State.WITHDRAWN}:
                state = await self._answer(transaction, parcel, duty, state, form.answer)
            return await self._page(transaction, parcel, duty, state)

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
        if (
            answer == HAND_OVER
            and state is not State.FAILED
            and await self.deputies.takes_over(transaction, parcel, duty)
        ):
            await rows.declined(transaction, parcel.id, self.clocks.wall())
            metrics.ANSWERS.labels(HAND_OVER).inc()
            return State.FAILED
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

    async def _page(self, transaction: Transaction, parcel: Parcel, duty: Duty, state: State) -> Sheet:
        spoken = await self._language(transaction, parcel, duty)
        open_still = state not in {State.ACKNOWLEDGED, State.WITHDRAWN, State.FAILED}
        has_deputy = open_still and await self.deputies.next(transaction, parcel, duty) is not None
        return _sheet(spoken, duty, state, has_deputy=has_deputy)

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

    async def _language(self, transaction: Transaction, parcel: Parcel, duty: Duty) -> MailLanguage:
        if parcel.person is None:
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
