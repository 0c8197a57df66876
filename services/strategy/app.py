"""Strategy, put together."""

from services.platform.bus.service_host import ServiceHost
from services.platform.bus.subscriptions import Priority, Subscription
from services.platform.delivery.channels.email import AT_ONCE
from services.platform.delivery.inbound_mail.handler import MailAnswers
from services.platform.delivery.queue.retention import Pruning
from services.platform.delivery.sending.worker import DeliveryLoop
from services.safeguarding.child_events.discussion_events import (
    StrategyDiscussionCancelled,
    StrategyDiscussionHeld,
    StrategyDiscussionRedated,
)
from services.safeguarding.duty.decisions import EpisodeChanged
from services.safeguarding.duty.duties import DutySendAgain, StrategyInvite
from services.strategy.discussions.events import SERVICE
from services.strategy.discussions.monitor import DiscussionWatch
from services.strategy.discussions.service import DiscussionService
from services.strategy.handlers import Handlers, goes_on
from services.strategy.invitations.letters import Letters
from services.strategy.invitations.sender import InvitationSender
from services.strategy.records.service import RecordService
from services.strategy.replies.mail import Replies
from services.strategy.settings import StrategySettings
from services.strategy.web.app import Dependencies, pages
from services.strategy.web.record_pages import RecordReading, RecordWriting
from services.strategy.web.reply_page import ReplyPage


async def main() -> None:
    settings = StrategySettings()
    host = ServiceHost(SERVICE, settings)
    keyring, mailbox = settings.keyring, settings.smtp_from
    inviting = InvitationSender(keyring, host.clocks, Letters(host.clocks, settings.links, mailbox))
    loop = DeliveryLoop(
        SERVICE,
        host.store,
        host.clocks,
        settings.email_medium(),
        keyring=keyring,
        prepare=settings.block_real_recipients(inviting.prepare),
        slot=settings.slot,
        at_once=AT_ONCE,
    )
    discussing = DiscussionService(loop, host.clocks)
    recording = RecordService(host.clocks, discussing)
    handlers = Handlers(loop, host.clocks, discussing, recording)
    host.health.watch("delivery", loop.obstacle)
    host.parts.append(loop)
    host.add_periodic(Pruning(host.store, host.clocks, settings.retention).repeating())
    host.subscribe(
        [
            Subscription(StrategyInvite, handlers.on_strategy_invite),
            Subscription(DutySendAgain, handlers.on_duty_send_again),
            Subscription(StrategyDiscussionRedated, handlers.on_strategy_discussion_redated),
            Subscription(StrategyDiscussionCancelled, handlers.on_strategy_discussion_cancelled),
            Subscription(StrategyDiscussionHeld, handlers.on_strategy_discussion_held),
            Subscription(EpisodeChanged, handlers.on_episode_changed, Priority.BACKGROUND, skip_if=goes_on),
        ]
    )
    host.add_periodic(DiscussionWatch(host.store, host.clocks, discussing).loop)
    replies = Replies(host.store, keyring, discussing, MailAnswers(SERVICE, keyring, host.clocks))
    host.parts.append(settings.mail_listener(replies.take))
    behind = Dependencies(
        ReplyPage(host.store, host.clocks, discussing),
        RecordWriting(host.store, keyring, host.clocks, recording),
        RecordReading(host.store, keyring, host.clocks),
    )
    await host.run(pages(behind, host.clocks, settings))
