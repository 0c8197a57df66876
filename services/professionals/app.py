"""Assembles the professionals service."""

from collections.abc import Sequence

from services.platform.bus.faust_consumer import FaustConsumer
from services.platform.bus.message_processor import Prefetch, Priority, Subscription
from services.platform.bus.service_host import ServiceHost
from services.platform.delivery.channels.sms import AT_ONCE
from services.platform.delivery.inbound_mail.mailbox import MailAnswers, Mailbox
from services.platform.delivery.queue.repository import lock_stopped
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.delivery.sms_status.receipts import Receipts, VoiceFallback
from services.platform.delivery.sms_status.webhook import CallKeys
from services.platform.option import Option, add_parts, ways_of
from services.professionals import metrics, wording
from services.professionals.digests import DigestGrouping, lock_readers
from services.professionals.handlers import Handlers, Replies, answers_a_notice, is_urgent
from services.professionals.recipients import Deputies
from services.professionals.sender import GroupedMail, GroupedText, MailSender, Sender, TextSender
from services.professionals.settings import ProfessionalsSettings
from services.professionals.web.acknowledge_page import AcknowledgePage, pages
from services.professionals.web.deed_form import DeedForms
from services.safeguarding.duty.duties import DutyAcknowledged, DutySendAgain, ProfessionalNotify


async def main(options: Sequence[Option] = ()) -> None:
    settings = ProfessionalsSettings()
    host = ServiceHost("professionals", settings)
    keyring = settings.keyring
    sender = Sender(
        TextSender(keyring, host.clocks, settings.links),
        MailSender(
            keyring,
            host.clocks,
            settings.links,
            settings.smtp_from,
            DigestGrouping(keyring, host.clocks),
            console_url=settings.console_url,
        ),
    )
    texts = settings.texts(host.store, host.clocks, ways_of(options, settings))
    loop = DeliveryLoop(
        host.service,
        host.store,
        host.clocks,
        GroupedText(texts, host.store),
        keyring=keyring,
        prepare=settings.block_real_recipients(sender.prepare),
        slot=settings.slot,
        at_once=AT_ONCE,
        locks=lock_readers,
        others=[GroupedMail(settings.email_medium(), host.store)],
    )
    handlers = Handlers(loop, host.clocks)
    host.health.watch("delivery", loop.obstacle)
    host.health.watch("text ways", texts.obstacle)
    host.add_periodic(VoiceFallback(host.service, host.store, host.clocks, wording.CALLED).sweep)
    host.subscribe(
        [
            Subscription(ProfessionalNotify, handlers.on_professional_notify, urgent_if=is_urgent),
            Subscription(DutySendAgain, loop.send_again),
            Subscription(
                DutyAcknowledged, handlers.on_duty_acknowledged, Priority.BACKGROUND, skip_if=answers_a_notice
            ),
        ],
        prefetch=Prefetch(lock_stopped),
        consumer=FaustConsumer,
    )
    host.parts.append(loop)
    replies = Replies(MailAnswers(keyring, host.clocks))
    host.parts.append(settings.mail_listener(Mailbox(host.store, replies.made_of, metrics.MAILS_IN).take))
    deeds = DeedForms(keyring, host.clocks, settings.links)
    acknowledging = AcknowledgePage(host.store, host.clocks, Deputies(loop, keyring, host.clocks), deeds)
    receipts = Receipts(host.service, host.store, host.clocks, loop.knows_as_taken)
    keys = CallKeys(host.store, host.clocks, keyring, settings.public_url)
    add_parts(options, host, settings)
    await host.run(pages(receipts, keys, acknowledging, host.clocks, settings))
