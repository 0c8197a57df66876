"""Strategy, put together."""

from services.bus.handling import Priority, Subscription
from services.bus.house import House
from services.delivery.email import AT_ONCE
from services.delivery.loop import DeliveryLoop
from services.delivery.mail_answers import MailAnswers
from services.delivery.pruning import Pruning
from services.safeguarding.decisions import EpisodeChanged
from services.safeguarding.discussion_events import (
    StrategyDiscussionCancelled,
    StrategyDiscussionHeld,
    StrategyDiscussionRedated,
)
from services.safeguarding.duties import DutySendAgain, StrategyInvite
from services.strategy.answering import Answering
from services.strategy.discussing import Discussing
from services.strategy.handlers import Handlers, goes_on
from services.strategy.inviting import Inviting
from services.strategy.letters import Letters
from services.strategy.record_pages import RecordReading, RecordWriting
from services.strategy.recording import Recording
from services.strategy.replies import Replies
from services.strategy.saying import SERVICE
from services.strategy.settings import StrategySettings
from services.strategy.watching import DiscussionWatch
from services.strategy.web import Behind, pages


async def main() -> None:
    settings = StrategySettings()
    house = House(SERVICE, settings)
    keyring, mailbox = settings.keyring, settings.smtp_from
    inviting = Inviting(keyring, house.clocks, Letters(house.clocks, settings.links, mailbox))
    loop = DeliveryLoop(
        SERVICE,
        house.store,
        house.clocks,
        settings.email_medium(),
        keyring=keyring,
        prepare=settings.kept_from_the_real(inviting.prepare),
        slot=settings.slot,
        at_once=AT_ONCE,
    )
    discussing = Discussing(loop, house.clocks)
    recording = Recording(house.clocks, discussing)
    handlers = Handlers(loop, house.clocks, discussing, recording)
    house.health.watch("delivery", loop.obstacle)
    house.parts.append(loop)
    house.turn(Pruning(house.store, house.clocks, settings.retention).repeating())
    house.subscribe(
        [
            Subscription(StrategyInvite, handlers.on_strategy_invite),
            Subscription(DutySendAgain, handlers.on_duty_send_again),
            Subscription(StrategyDiscussionRedated, handlers.on_strategy_discussion_redated),
            Subscription(StrategyDiscussionCancelled, handlers.on_strategy_discussion_cancelled),
            Subscription(StrategyDiscussionHeld, handlers.on_strategy_discussion_held),
            Subscription(EpisodeChanged, handlers.on_episode_changed, Priority.BACKGROUND, skip_if=goes_on),
        ]
    )
    house.turn(DiscussionWatch(house.store, house.clocks, discussing).loop)
    replies = Replies(house.store, keyring, discussing, MailAnswers(SERVICE, keyring, house.clocks))
    house.parts.append(settings.mail_listener(replies.take))
    behind = Behind(
        Answering(house.store, house.clocks, discussing),
        RecordWriting(house.store, keyring, house.clocks, recording),
        RecordReading(house.store, keyring, house.clocks),
    )
    await house.run(pages(behind, house.clocks, settings))
