"""What every service's `app.py` puts together in the same way: store, publisher, consumer, web, story clock, health."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from prometheus_client import REGISTRY
from starlette.types import ASGIApp

from services.platform.bus.consumers.batch_consumer import BatchConsumer
from services.platform.bus.consumers.faust_consumer import FaustConsumer
from services.platform.bus.message_processor import MessageProcessor
from services.platform.bus.outbox_relay import OutboxRelay
from services.platform.bus.subscriptions import Handler, Prefetch, Priority, Subscription
from services.platform.runtime import logs
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.health import Health
from services.platform.runtime.http.exposition import exposition
from services.platform.runtime.periodic import Repeating
from services.platform.runtime.process import Part, Web, run_until_told
from services.platform.runtime.process_metrics import loop_watch
from services.platform.runtime.settings import Settings
from services.platform.store import inbox, story_clock
from services.platform.store.engine import connect, connect_to_read
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.message import Message

BUNDLES_OF_RECORDS = 24
"""More in one transaction than of messages that somebody waits for."""


@dataclass
class ServiceHost:
    """A service being put together. Give it `handlers`, `pages` and loops, then `run`."""

    service: str
    settings: Settings
    clocks: Clocks = field(default_factory=Clocks)
    health: Health = field(default_factory=Health)
    parts: list[Part] = field(default_factory=list)

    def __post_init__(self) -> None:
        logs.configure(self.service, self.settings.slot)
        self.store = Store(
            connect(self.settings, self.service),
            connect_to_read(self.settings, self.service),
            origin=Origin(self.service, self.clocks),
        )
        self.publisher = OutboxRelay(self.settings, self.store, self.clocks)
        self.health.watch("publishing", self.publisher.obstacle)
        self._contract = partial(MessageProcessor, self.service, self.store, self.publisher, self.clocks)

    def subscribe(
        self,
        subscriptions: Sequence[Subscription],
        last_resort: Handler | None = None,
        *,
        prefetch: Prefetch | None = None,
    ) -> None:
        """For a service that acts on what it hears. Consumes from the oldest message that it has not acknowledged.

        `last_resort` handles what has become a dead letter.
        """
        self._consume(FaustConsumer, self._contract(subscriptions, last_resort, prefetch=prefetch))

    def subscribe_in_batches(self, handlers: Mapping[type[Message], Handler], *, gather_seconds: float) -> None:
        """For a service that only records what it hears. `gather_seconds`: how long a partition's batch waits for those of others."""
        subscriptions = [Subscription(event, handler, Priority.BACKGROUND) for event, handler in handlers.items()]
        contract = self._contract(subscriptions, most_bundles=BUNDLES_OF_RECORDS, gather_seconds=gather_seconds)
        self._consume(BatchConsumer, contract)

    def _consume(self, consumer: type[FaustConsumer | BatchConsumer], contract: MessageProcessor) -> None:
        part = consumer(self.settings, contract)
        self.health.watch("consuming", contract.obstacle)
        self.health.watch("reading", part.obstacle)
        self.parts.append(part)

    def add_periodic(self, loop: Repeating) -> None:
        """Runs beside the rest, and shows its failures in readiness."""
        self.health.watch(loop.name, loop.obstacle)
        self.parts.append(loop)

    async def run(self, pages: ASGIApp | None = None, *, closing: Callable[[], None] = lambda: None) -> None:
        """Until SIGTERM or SIGINT. HTTP comes up last and goes down first; `closing` ends answers that would go on for ever."""
        web = Web(
            exposition(REGISTRY, self.health, pages), self.settings.http_port, self.settings.http_host, closing=closing
        )
        clock = story_clock.follow_offset(self.store.reading, self.clocks)
        self.health.watch("database", clock.obstacle)
        self.add_periodic(inbox.forgetting(self.store, self.clocks))
        first: Sequence[Part] = [clock, loop_watch(), self.publisher]
        try:
            await run_until_told([*first, *self.parts, web])
        finally:
            await self.store.close()
