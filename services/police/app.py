"""Police, put together."""

from services.bus.handling import Priority, Subscription
from services.bus.house import House
from services.delivery.loop import DeliveryLoop
from services.delivery.mail_answers import MailAnswers
from services.delivery.pruning import Pruning
from services.delivery.webhook import WebhookMedium
from services.police import store
from services.police.details_page import DetailsPage
from services.police.handlers import Handlers
from services.police.list_watch import ListWatch
from services.police.mail_replies import MailReplies
from services.police.mailing import NoticeMail
from services.police.notice_page import NoticePage
from services.police.sending import NoticeSender
from services.police.settings import PoliceSettings
from services.police.web import Behind, pages
from services.police.web_open_list import OpenListDoor
from services.police.web_replies import RepliesDoor
from services.register.forces import Forces
from services.safeguarding.duties import DutySendAgain, PoliceNotify


async def main() -> None:
    settings = PoliceSettings()
    house = House("police", settings)
    keyring, links = settings.keyring, settings.links
    forces, webhooks = Forces(keyring), WebhookMedium(sandbox=settings.sandbox)
    sender = NoticeSender(keyring, house.clocks, links, forces, webhooks.trust)
    loop = DeliveryLoop(
        house.service,
        house.store,
        house.clocks,
        webhooks,
        keyring=keyring,
        prepare=settings.kept_from_the_real(sender.prepare),
        secrets=sender.secrets,
        slot=settings.slot,
        others=[NoticeMail(settings.email_medium(), links, settings.smtp_from)],
    )
    house.health.watch("delivery", loop.obstacle)
    handlers = Handlers(loop, house.clocks)
    house.subscribe(
        [
            Subscription(PoliceNotify, handlers.on_police_notify, Priority.URGENT),
            Subscription(DutySendAgain, handlers.on_duty_send_again),
        ]
    )
    house.parts.append(loop)
    replies = MailReplies(house.store, MailAnswers(house.service, keyring, house.clocks))
    house.parts.append(settings.mail_listener(replies.take))
    house.turn(Pruning(house.store, house.clocks, settings.retention, store.needed()).repeating())
    house.turn(ListWatch(house.store, house.clocks).repeating())
    behind = Behind(
        RepliesDoor(house.store, house.clocks, keyring, forces),
        OpenListDoor(house.store, house.clocks, forces),
        NoticePage(house.store, house.clocks, keyring),
        DetailsPage(house.store, house.clocks, keyring),
    )
    await house.run(pages(behind, house.clocks, links))
