"""Carers, put together."""

from services.bus.handling import Priority, Subscription
from services.bus.house import House
from services.carers.alerts import Alerts
from services.carers.card import Card
from services.carers.carrying_out import SERVICE, CarryingOut
from services.carers.handlers import Handlers
from services.carers.intake import Intake
from services.carers.practices import Practices
from services.carers.reading import Reader
from services.carers.settings import CarersSettings
from services.carers.spool import Spool
from services.carers.web import pages
from services.delivery.loop import DeliveryLoop
from services.delivery.pruning import Pruning
from services.delivery.receipts import Receipts
from services.delivery.second_route import SecondRoute
from services.delivery.text import AT_ONCE
from services.safeguarding.decisions import EpisodeChanged, ReportTaken
from services.safeguarding.duties import CarerAlert, DutySendAgain


async def main() -> None:
    settings = CarersSettings()
    house = House(SERVICE, settings)
    keyring = settings.keyring
    delivery = DeliveryLoop(
        SERVICE,
        house.store,
        house.clocks,
        settings.text_medium(),
        keyring=keyring,
        prepare=settings.kept_from_the_real(Alerts(keyring, house.clocks).prepare),
        slot=settings.slot,
        at_once=AT_ONCE,
    )
    house.health.watch("delivery", delivery.obstacle)
    house.parts.append(delivery)
    house.turn(Pruning(house.store, house.clocks, settings.retention).repeating())
    house.turn(SecondRoute(SERVICE, house.store, house.clocks).sweep)
    reader = Reader(house.store, keyring, house.clocks, CarryingOut(keyring, delivery), settings.authority)
    house.turn(reader.loop)
    house.turn(reader.measuring)
    house.turn(Practices(house.store, house.clocks).ending)
    intake = Intake(house.store, keyring, Spool(settings.spool_dir, keyring), reader.loop.wake)
    house.turn(intake.replay)
    handlers = Handlers(delivery, house.clocks)
    house.subscribe(
        [
            Subscription(CarerAlert, handlers.on_carer_alert),
            Subscription(DutySendAgain, handlers.on_duty_send_again),
            Subscription(EpisodeChanged, handlers.on_episode_changed, Priority.BACKGROUND),
            Subscription(ReportTaken, handlers.on_report_taken, Priority.BACKGROUND),
        ]
    )
    card = Card(house.store, settings.twilio_from, settings.authority)
    receipts = Receipts(SERVICE, house.store, house.clocks)
    await house.run(pages(intake, receipts, house.clocks, settings, card))
