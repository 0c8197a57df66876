"""Assembles the strategy service."""

from collections.abc import Sequence

from services.platform.bus.faust_consumer import FaustConsumer
from services.platform.bus.message_processor import Prefetch, Priority, Subscription
from services.platform.bus.service_host import ServiceHost
from services.platform.delivery.channels.email import AT_ONCE
from services.platform.delivery.inbound_mail.mailbox import MailAnswers
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.delivery.settings.mail import MailSettings
from services.platform.option import Option, add_parts
from services.safeguarding.child_events.discussion_events import (
    StrategyDiscussionCancelled,
    StrategyDiscussionHeld,
    StrategyDiscussionRedated,
)
from services.safeguarding.duty.decisions import EpisodeChanged
from services.safeguarding.duty.duties import DutySendAgain, StrategyInvite
from services.strategy.discussions.service import SERVICE, DiscussionService, DiscussionWatch
from services.strategy.handlers import Handlers, changes_no_discussion, lock_changed
from services.strategy.invitations import EmailBuilder, InvitationSender, lock_discussions
from services.strategy.records import RecordService
from services.strategy.web import RecordReading, RecordWriting, Replies, ReplyPage, pages


async def main(options: Sequence[Option] = ()) -> None:
    settings = MailSettings()
    host = ServiceHost(SERVICE, settings)
    keyring, mailbox = settings.keyring, settings.smtp_from
    sender = InvitationSender(keyring, host.clocks, EmailBuilder(host.clocks, settings.links, mailbox))
    loop = DeliveryLoop(
        SERVICE,
        host.store,
        host.clocks,
        settings.email_medium(),
        keyring=keyring,
        prepare=settings.block_real_recipients(sender.prepare),
        slot=settings.slot,
        at_once=AT_ONCE,
        locks=lock_discussions,
    )
    discussion_service = DiscussionService(loop, host.clocks)
    record_service = RecordService(host.clocks, discussion_service)
    handlers = Handlers(loop, host.clocks, discussion_service, record_service)
    host.health.watch("delivery", loop.obstacle)
    host.parts.append(loop)
    host.subscribe(
        [
            Subscription(StrategyInvite, handlers.on_strategy_invite),
            Subscription(DutySendAgain, loop.send_again),
            Subscription(StrategyDiscussionRedated, handlers.on_strategy_discussion_redated),
            Subscription(StrategyDiscussionCancelled, handlers.on_strategy_discussion_cancelled),
            Subscription(StrategyDiscussionHeld, handlers.on_strategy_discussion_held),
            Subscription(
                EpisodeChanged, handlers.on_episode_changed, Priority.BACKGROUND, skip_if=changes_no_discussion
            ),
        ],
        prefetch=Prefetch(lock_changed),
        consumer=FaustConsumer,
    )
    host.add_periodic(DiscussionWatch(host.store, host.clocks, discussion_service).loop)
    replies = Replies(host.store, keyring, discussion_service, MailAnswers(keyring, host.clocks))
    host.parts.append(settings.mail_listener(replies.take))
    replying, reading = ReplyPage(host.store, discussion_service), RecordReading(host.store, keyring)
    writing = RecordWriting(host.store, keyring, host.clocks, record_service)
    add_parts(options, host, host.settings)
    await host.run(pages(settings.links, host.clocks, replying, writing, reading))
