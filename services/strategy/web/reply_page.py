"""Serves the page behind an invitation's button: its reader says whether they come."""

from dataclasses import dataclass
from uuid import UUID

from services.platform.delivery.links.forms import Form
from services.platform.delivery.links.pages import Button, Sheet
from services.platform.delivery.queue import repository as deliveries
from services.platform.register.people.contact import language_of_person
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.strategy import metrics
from services.strategy.discussions import repository as discussions
from services.strategy.discussions.attendees import Attendee, attendee_by_duty
from services.strategy.discussions.policy import ANSWERS, Reply
from services.strategy.discussions.repository import Discussion, discussion_by_duty
from services.strategy.discussions.service import DiscussionService
from services.strategy.invitations.emails import meeting_of
from services.strategy.wording import Words, words

BUTTONS = {"come": Reply.ACCEPTED, "perhaps": Reply.TENTATIVE, "not-come": Reply.DECLINED}


@dataclass(frozen=True)
class InvitationLink:
    """The invitation that a link leads to."""

    discussion: Discussion
    attendee: Attendee
    words: Words


@dataclass(frozen=True)
class ReplyPage:
    """A reply commits before the page says so. It is to the present date, which the page shows."""

    store: Store
    discussion_service: DiscussionService

    async def answer(self, delivery: UUID, form: Form) -> Sheet | None:
        async with self.store.transaction(delivery) as uow:
            link = await self._find(uow, delivery)
            if link is None:
                return None
            reply = BUTTONS.get(form.answer)
            if reply is None or link.discussion.state != discussions.PLANNED:
                return _sheet(link, link.attendee.reply)
            await self.discussion_service.take_reply(uow, link.discussion, link.attendee, reply, how="page")
            uow.on_commit(metrics.REPLIES.labels("page", reply).inc)
            return _sheet(link, reply)

    async def _find(self, uow: UnitOfWork, delivery: UUID) -> InvitationLink | None:
        sent = await deliveries.find(uow.connection, delivery)
        if sent is None or sent.duty is None:
            return None
        discussion, attendee = await uow.fetch(discussion_by_duty(sent.duty), attendee_by_duty(sent.duty))
        if discussion is None or attendee is None:
            return None
        return InvitationLink(discussion, attendee, words(await uow.fetch(language_of_person(attendee.person))))


def _sheet(link: InvitationLink, reply: Reply) -> Sheet:
    spoken, at, meeting = link.words, link.discussion.starts_at, meeting_of(link.discussion)
    when = spoken.page(meeting.wording, at)
    if link.discussion.state == discussions.HELD:
        return Sheet(spoken.page("held", at), (when, spoken.page("held-more", at)), language=spoken.name)
    if link.discussion.state == discussions.CANCELLED:
        return Sheet(spoken.page("over", at), (when, spoken.page("over-more", at)), language=spoken.name)
    buttons = tuple(Button(name, spoken.page(name, at), quiet=name != "come") for name in BUTTONS)
    if reply in ANSWERS:
        said = (when, spoken.page("coming-more", at))
        return Sheet(spoken.page("coming", at), said, buttons[2:], done=True, language=spoken.name)
    if reply is Reply.DECLINED:
        said = (when, spoken.page("coming-more", at))
        return Sheet(spoken.page("not-coming", at), said, buttons[:1], done=True, language=spoken.name)
    return Sheet(spoken.page("ask", at), (when, spoken.how(meeting)), buttons, language=spoken.name)
