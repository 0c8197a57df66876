"""Professionals, put together."""

from services.bus.handling import Priority, Subscription
from services.bus.house import House
from services.delivery.loop import DeliveryLoop
from services.delivery.mail_answers import MailAnswers
from services.delivery.pruning import Pruning
from services.delivery.receipts import Receipts
from services.delivery.second_route import SecondRoute
from services.delivery.text import AT_ONCE
from services.professionals.answering import Acknowledging
from services.professionals.deputies import Deputies
from services.professionals.grouped_medium import GroupedMail
from services.professionals.grouping import Grouping
from services.professionals.handlers import Handlers
from services.professionals.replies import Replies
from services.professionals.sending import MailSender, Sender, TextSender
from services.professionals.settings import ProfessionalsSettings
from services.professionals.web import pages
from services.safeguarding.duties import DutySendAgain, ProfessionalNotify
from services.safeguarding.outcomes import DutyAcknowledged


async def main() -> None:
    settings = ProfessionalsSettings()
    house = House("professionals", settings)
    keyring = settings.keyring
    sender = Sender(
        TextSender(keyring, house.clocks),
        MailSender(keyring, house.clocks, settings.links, settings.smtp_from, Grouping(keyring, house.clocks)),
    )
    loop = DeliveryLoop(
        house.service,
        house.store,
        house.clocks,
        settings.text_medium(),
        keyring=keyring,
        prepare=settings.kept_from_the_real(sender.prepare),
        slot=settings.slot,
        at_once=AT_ONCE,
        others=[GroupedMail(settings.email_medium(), house.store)],
        alone=lambda parcel: parcel.medium == "email",
    )
    handlers = Handlers(loop, house.clocks)
    house.health.watch("delivery", loop.obstacle)
    house.turn(SecondRoute(house.service, house.store, house.clocks).sweep)
    house.subscribe(
        [
            Subscription(ProfessionalNotify, handlers.on_professional_notify),
            Subscription(DutySendAgain, handlers.on_duty_send_again),
            Subscription(DutyAcknowledged, handlers.on_duty_acknowledged, Priority.BACKGROUND),
        ]
    )
    house.parts.append(loop)
    house.turn(Pruning(house.store, house.clocks, settings.retention).repeating())
    replies = Replies(house.store, MailAnswers(house.service, keyring, house.clocks))
    house.parts.append(settings.mail_listener(replies.take))
    acknowledging = Acknowledging(house.store, house.clocks, Deputies(loop, keyring, house.clocks))
    await house.run(pages(Receipts(house.service, house.store, house.clocks), acknowledging, house.clocks, settings))
