"""Professionals, put together."""

from services.bus.house import House
from services.delivery.loop import DeliveryLoop
from services.delivery.receipts import Receipts
from services.delivery.text import AT_ONCE
from services.professionals.handlers import Handlers
from services.professionals.sending import TextSender
from services.professionals.settings import ProfessionalsSettings
from services.professionals.web import pages
from services.safeguarding.duties import ProfessionalNotify
from services.safeguarding.outcomes import DutyAcknowledged


async def main() -> None:
    settings = ProfessionalsSettings()
    house = House("professionals", settings)
    keyring = settings.keyring
    loop = DeliveryLoop(
        house.service,
        house.store,
        house.clocks,
        settings.text_medium(),
        keyring=keyring,
        prepare=TextSender(keyring, house.clocks).prepare,
        slot=settings.slot,
        at_once=AT_ONCE,
    )
    handlers = Handlers(loop, house.clocks)
    house.health.watch("delivery", loop.obstacle)
    house.hear({ProfessionalNotify: handlers.on_professional_notify, DutyAcknowledged: handlers.on_duty_acknowledged})
    house.parts.append(loop)
    await house.run(pages(Receipts(house.service, house.store, house.clocks), settings))
