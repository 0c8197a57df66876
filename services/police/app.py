"""Police, put together."""

from services.bus.house import House
from services.delivery.loop import DeliveryLoop
from services.delivery.webhook import WebhookMedium
from services.police.handlers import Handlers
from services.police.sending import NoticeSender
from services.police.settings import PoliceSettings
from services.police.web import pages
from services.police.web_replies import RepliesDoor
from services.safeguarding.duties import DutySendAgain, PoliceNotify


async def main() -> None:
    settings = PoliceSettings()
    house = House("police", settings)
    keyring = settings.keyring
    sender = NoticeSender(keyring, settings.sandbox)
    loop = DeliveryLoop(
        house.service,
        house.store,
        house.clocks,
        WebhookMedium(sandbox=settings.sandbox),
        keyring=keyring,
        prepare=sender.prepare,
        secrets=sender.secrets,
        slot=settings.slot,
    )
    house.health.watch("delivery", loop.obstacle)
    handlers = Handlers(loop, house.clocks)
    house.hear({PoliceNotify: handlers.on_police_notify, DutySendAgain: handlers.on_duty_send_again})
    house.parts.append(loop)
    await house.run(pages(RepliesDoor(house.store, house.clocks, keyring)))
