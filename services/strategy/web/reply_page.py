"""The page behind an invitation's button: its reader says whether they come."""

from dataclasses import dataclass
from uuid import UUID

from services.platform.delivery.links.forms import Form
from services.platform.delivery.links.pages import Button, Sheet
from services.platform.delivery.queue import repository as deliveries
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.strategy import metrics
from services.strategy.discussions import repository as discussions
from services.strategy.discussions.policy import ANSWERS, Reply
from services.strategy.discussions.repository import Attendee, Discussion
from services.strategy.discussions.service import DiscussionService
from services.strategy.invitations.letters import asked_to
from services.strategy.reader_language import spoken_to
from services.strategy.wording import Words

BUTTONS = {"come": Reply.ACCEPTED, "perhaps": Reply.TENTATIVE, "not-come": Reply.DECLINED}


@dataclass(frozen=True)
class Asked:
    discussion: Discussion
    attendee: Attendee
    words: Words


@dataclass(frozen=True)
class ReplyPage:
    """An answer commits before the page says so. It is to the date that the page shows, which is the present one."""

    store: Store
    clocks: Clocks
    discussing: DiscussionService

    async def shows(self, delivery: UUID) -> Sheet | None:
        async with self.store.transaction() as uow:
            asked = await self._asked(uow, delivery)
            return None if asked is None else _sheet(asked, asked.attendee.reply)

    async def acts(self, delivery: UUID, form: Form) -> Sheet | None:
        async with self.store.transaction() as uow:
            asked = await self._asked(uow, delivery)
            if asked is None:
                return None
            reply = BUTTONS.get(form.answer)
            if reply is None or asked.discussion.state != discussions.PLANNED:
                return _sheet(asked, asked.attendee.reply)
            await self.discussing.take(uow, asked.discussion, asked.attendee, reply, how="page")
            uow.on_commit(metrics.REPLIES.labels("page", reply).inc)
            return _sheet(asked, reply)

    async def _asked(self, uow: UnitOfWork, delivery: UUID) -> Asked | None:
        found = await deliveries.find(uow.connection, delivery)
        duty = None if found is None else found.duty
        if found is None or duty is None:
            return None
        discussion = await discussions.of_duty(uow, duty.duty, duty.step)
        if discussion is None:
            return None
        attendees = await discussions.attendees_of(uow.connection, discussion.discussion)
        mine = [each for each in attendees if (each.duty, each.step) == (duty.duty, duty.step)]
        if not mine:
            return None
        spoken = await spoken_to(uow, duty, discussion.child, mine[0].person, self.clocks.story())
        return Asked(discussion, mine[0], spoken)


def _sheet(asked: Asked, reply: Reply) -> Sheet:
    spoken, at, meeting = asked.words, asked.discussion.starts_at, asked_to(asked.discussion)
    when = spoken.page(meeting.wording, at)
    if asked.discussion.state == discussions.HELD:
        return Sheet(spoken.page("held", at), (when, spoken.page("held-more", at)), language=spoken.name)
    if asked.discussion.state == discussions.CANCELLED:
        return Sheet(spoken.page("over", at), (when, spoken.page("over-more", at)), language=spoken.name)
    buttons = tuple(Button(name, spoken.page(name, at), quiet=name != "come") for name in BUTTONS)
    if reply in ANSWERS:
        said = (when, spoken.page("coming-more", at))
        return Sheet(spoken.page("coming", at), said, buttons[2:], done=True, language=spoken.name)
    if reply is Reply.DECLINED:
        said = (when, spoken.page("coming-more", at))
        return Sheet(spoken.page("not-coming", at), said, buttons[:1], done=True, language=spoken.name)
    return Sheet(spoken.page("ask", at), (when, spoken.how(meeting)), buttons, language=spoken.name)
