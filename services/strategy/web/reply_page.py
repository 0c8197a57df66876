"""Serves the page behind an invitation's button: its reader says whether they come."""

from dataclasses import dataclass
from uuid import UUID

from services.platform.delivery.links.pages import Button, Form, Sheet
from services.platform.delivery.queue import repository as deliveries
from services.platform.register.directory import language_of_person
from services.platform.store.unit_of_work import Store
from services.strategy import metrics
from services.strategy.discussions import repository as discussions
from services.strategy.discussions.attendees import attendee_by_duty
from services.strategy.discussions.policy import Reply
from services.strategy.discussions.repository import Discussion, discussion_by_duty
from services.strategy.discussions.service import DiscussionService
from services.strategy.wording import WORDINGS, Words, words

BUTTONS = {"come": Reply.ACCEPTED, "perhaps": Reply.TENTATIVE, "not-come": Reply.DECLINED}
LEFT = {
    Reply.ACCEPTED: {Reply.DECLINED},
    Reply.TENTATIVE: {Reply.ACCEPTED, Reply.DECLINED},
    Reply.DECLINED: {Reply.ACCEPTED},
}
"""What somebody who has answered may still answer. Only who certainly comes makes up the quorum."""


@dataclass(frozen=True)
class ReplyPage:
    """A reply commits before the page says so. It is to the date that its reader saw: if another holds by now, they are
    asked again.
    """

    store: Store
    discussion_service: DiscussionService

    async def answer(self, delivery: UUID, form: Form) -> Sheet | None:
        async with self.store.transaction(delivery) as uow:
            sent = await deliveries.find(uow.connection, delivery)
            if sent is None or sent.duty is None:
                return None
            found, attendee = await uow.fetch(discussion_by_duty(sent.duty), attendee_by_duty(sent.duty))
            if found is None or attendee is None:
                return None
            spoken = words(await uow.fetch(language_of_person(attendee.person)))
            name, _, seen = form.answer.rpartition("-")
            reply = BUTTONS.get(name) if seen == str(found.sequence) else None
            if reply is None or found.state != discussions.PLANNED:
                return _sheet(spoken, found, attendee.reply)
            await self.discussion_service.take_reply(uow, found, attendee, reply, how="page")
            uow.on_commit(metrics.REPLIES.labels("page", reply).inc)
            return _sheet(spoken, found, reply)


def _sheet(spoken: Words, found: Discussion, reply: Reply) -> Sheet:
    at = found.starts_at
    when = spoken.page(WORDINGS[found.form], at)
    if found.state != discussions.PLANNED:
        ended = "held" if found.state == discussions.HELD else "over"
        return Sheet(spoken.page(ended, at), (when, spoken.page(f"{ended}-more", at)), language=spoken.name)
    buttons = tuple(Button(f"{name}-{found.sequence}", spoken.page(name, at), quiet=name != "come") for name in BUTTONS)
    if reply in LEFT:
        said = (when, spoken.page("coming-more", at))
        left = tuple(button for button, other in zip(buttons, BUTTONS.values(), strict=True) if other in LEFT[reply])
        return Sheet(spoken.page(f"said-{reply}", at), said, left, done=True, language=spoken.name)
    return Sheet(spoken.page("ask", at), (when, spoken.how(found)), buttons, language=spoken.name)
