"""Assembles the police service."""

from collections.abc import Sequence

from services.platform.bus.faust_consumer import FaustConsumer
from services.platform.bus.message_processor import Prefetch, Priority, Subscription
from services.platform.bus.service_host import ServiceHost
from services.platform.delivery.channels.webhook import WebhookMedium
from services.platform.delivery.inbound_mail.mailbox import MailAnswers, Mailbox
from services.platform.delivery.queue.repository import lock_stopped
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.delivery.settings.correspondence import CorrespondenceSettings
from services.platform.option import Option, add_parts, channels_of, pages_of, ways_of
from services.platform.register.organisations import Forces
from services.police import replies
from services.police.handlers import Handlers
from services.police.notices.sender import NoticeSender
from services.police.notices.wording import NoticeEmail
from services.police.web.notice_page import DetailsPage, NoticePage, ReadingCodes
from services.police.web.webhooks import OpenListWebhook, ReplyWebhook, pages
from services.safeguarding.duty.duties import DutySendAgain, PoliceNotify


async def main(options: Sequence[Option] = ()) -> None:
    settings = CorrespondenceSettings()
    host = ServiceHost("police", settings)
    keyring, links = settings.keyring, settings.links
    forces, webhooks = Forces(keyring, host.clocks), WebhookMedium(sandbox=settings.sandbox)
    sender = NoticeSender(keyring, host.clocks, links, forces, webhooks.trust)
    loop = DeliveryLoop(
        host.service,
        host.store,
        host.clocks,
        webhooks,
        keyring=keyring,
        prepare=settings.block_real_recipients(sender.prepare),
        secrets=sender.secrets,
        slot=settings.slot,
        others=[NoticeEmail(settings.email_medium(), links, settings.smtp_from), *channels_of(options, "police")],
    )
    host.health.watch("delivery", loop.obstacle)
    handlers = Handlers(loop, host.clocks)
    host.subscribe(
        [
            Subscription(PoliceNotify, handlers.on_police_notify, Priority.URGENT),
            Subscription(DutySendAgain, loop.send_again),
        ],
        prefetch=Prefetch(lock_stopped),
        consumer=FaustConsumer,
    )
    host.parts.append(loop)
    answers = MailAnswers(keyring, host.clocks)
    host.parts.append(settings.mail_listener(Mailbox(host.store, answers.made_of, replies.MAILS_IN).take))
    host.add_periodic(replies.OpenListMonitor(host.store, host.clocks).repeating())
    texts = settings.texts(host.store, host.clocks, ways_of(options, settings), reports=False)
    host.health.watch("text ways", texts.obstacle)
    host.parts.append(texts)
    codes = ReadingCodes(keyring, host.clocks, forces, texts)
    served = pages(
        links,
        host.clocks,
        ReplyWebhook(host.store, host.clocks, keyring, forces),
        OpenListWebhook(host.store, host.clocks, forces),
        NoticePage(host.store, host.clocks, keyring, codes),
        DetailsPage(host.store, host.clocks, keyring, codes),
    )
    for mount in pages_of(options, host.service):
        mount(served, host.store, host.clocks, keyring, forces)
    add_parts(options, host, settings)
    await host.run(served)
