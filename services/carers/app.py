"""Assembles the carers service."""

from collections.abc import Sequence

from services.carers.card import Card
from services.carers.conversation.silence import PracticeTimeout, SilenceTimeout
from services.carers.conversation.worker import TextWorker
from services.carers.handlers import Alerts, Handlers
from services.carers.inbound.intake import Intake, Spool
from services.carers.inbound.probes import Probes
from services.carers.inbound.web import pages
from services.carers.provider_copies import ProviderCopies
from services.carers.settings import CarersSettings
from services.platform.bus.faust_consumer import FaustConsumer
from services.platform.bus.message_processor import Prefetch, Priority, Subscription
from services.platform.bus.service_host import ServiceHost
from services.platform.delivery.channels.sms import AT_ONCE
from services.platform.delivery.queue.repository import lock_stopped
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.delivery.sms_status.receipts import Receipts, VoiceFallback
from services.platform.delivery.sms_status.webhook import CallKeys
from services.platform.option import Option, add_parts, ways_of
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.duty.decisions import EpisodeChanged, ReportTaken
from services.safeguarding.duty.duties import CarerAlert, DutySendAgain

SERVICE = "carers"


async def main(options: Sequence[Option] = ()) -> None:
    settings = CarersSettings()
    host = ServiceHost(SERVICE, settings)
    keyring = settings.keyring
    texts = settings.texts(host.store, host.clocks, ways_of(options, settings))
    delivery = DeliveryLoop(
        SERVICE,
        host.store,
        host.clocks,
        texts,
        keyring=keyring,
        prepare=settings.block_real_recipients(Alerts(keyring, host.clocks).prepare),
        slot=settings.slot,
        at_once=AT_ONCE,
    )
    host.health.watch("delivery", delivery.obstacle)
    host.health.watch("text ways", texts.obstacle)
    host.parts.append(delivery)
    host.add_periodic(ProviderCopies(host.store, host.clocks, texts).repeating())
    host.add_periodic(VoiceFallback(SERVICE, host.store, host.clocks).sweep)
    worker = TextWorker(host.store, keyring, host.clocks, delivery, settings.authority)
    host.add_periodic(worker.loop)
    host.add_periodic(worker.measuring)
    host.add_periodic(PracticeTimeout(host.store, host.clocks).ending)
    host.add_periodic(SilenceTimeout(host.store, host.clocks).ending)
    intake = Intake(host.store, keyring, Spool(settings.spool_dir, keyring), worker.loop.wake)
    host.add_periodic(intake.replay)
    handlers = Handlers(delivery, host.clocks)
    host.subscribe(
        [
            Subscription(CarerAlert, handlers.on_carer_alert),
            Subscription(DutySendAgain, delivery.send_again),
            Subscription(EpisodeChanged, handlers.on_episode_changed, Priority.BACKGROUND),
            Subscription(ChildIdentified, handlers.on_child_identified),
            Subscription(ReportTaken, handlers.on_report_taken, Priority.BACKGROUND),
        ],
        prefetch=Prefetch(lock_stopped),
        consumer=FaustConsumer,
    )
    probes = Probes(host.store, host.clocks, texts)
    host.add_periodic(probes.sending)
    card = Card(host.store, [way.number for way in texts.ways if way.number], settings.authority)
    receipts = Receipts(SERVICE, host.store, host.clocks, delivery.knows_as_taken)
    keys = CallKeys(host.store, host.clocks, keyring, settings.public_url)
    add_parts(options, host, settings)
    await host.run(pages(intake, receipts, keys, host.clocks, settings, card, probes))
