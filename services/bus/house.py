"""What every service's `app.py` puts together in the same way: store, publisher, consumer, web, story clock, health."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from prometheus_client import REGISTRY
from starlette.types import ASGIApp

from services.bus.contract import Contract
from services.bus.handling import Handler, Prefetch, Priority, Subscription
from services.bus.publisher import Publisher
from services.bus.record_reader import RecordReader
from services.bus.worker import Worker
from services.runtime import logs
from services.runtime.clocks import Clocks
from services.runtime.exposition import exposition
from services.runtime.health import Health
from services.runtime.process import Part, Web, run_until_told
from services.runtime.registry import loop_watch
from services.runtime.repeating import Repeating
from services.runtime.settings import Settings
from services.safeguarding.message import Message
from services.store import inbox, story
from services.store.engine import connect, connect_to_read
from services.store.transaction import Store

BUNDLES_OF_RECORDS = 24
"""More in one transaction than of messages that somebody waits for."""


@dataclass
class House:
    """A service being put together. Give it `handlers`, `pages` and loops, then `run`."""

    service: str
    settings: Settings
    clocks: Clocks = field(default_factory=Clocks)
    health: Health = field(default_factory=Health)
    parts: list[Part] = field(default_factory=list)

    def __post_init__(self) -> None:
        logs.configure(self.service, self.settings.slot)
        self.store = Store(connect(self.settings, self.service), connect_to_read(self.settings, self.service))
        self.publisher = Publisher(self.settings, self.store, self.clocks)
        self.health.watch("publishing", self.publisher.obstacle)
        self._contract = partial(Contract, self.service, self.store, self.publisher, self.clocks)

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
        self._consume(Worker, self._contract(subscriptions, last_resort, prefetch=prefetch))

    def subscribe_in_batches(self, handlers: Mapping[type[Message], Handler], *, gather_seconds: float) -> None:
        """For a service that only records what it hears. `gather_seconds`: how long a partition's batch waits for those of others."""
        subscriptions = [Subscription(event, handler, Priority.BACKGROUND) for event, handler in handlers.items()]
        contract = self._contract(subscriptions, most_bundles=BUNDLES_OF_RECORDS, gather_seconds=gather_seconds)
        self._consume(RecordReader, contract)

    def _consume(self, consumer: type[Worker | RecordReader], contract: Contract) -> None:
        part = consumer(self.settings, contract)
        self.health.watch("consuming", contract.obstacle)
        self.health.watch("reading", part.obstacle)
        self.parts.append(part)

    def turn(self, loop: Repeating) -> None:
        """Runs beside the rest, and shows its failures in readiness."""
        self.health.watch(loop.name, loop.obstacle)
        self.parts.append(loop)

    async def run(self, pages: ASGIApp | None = None, *, closing: Callable[[], None] = lambda: None) -> None:
        """Until SIGTERM or SIGINT. HTTP comes up last and goes down first; `closing` ends answers that would go on for ever."""
        web = Web(
            exposition(REGISTRY, self.health, pages), self.settings.http_port, self.settings.http_host, closing=closing
        )
        clock = story.follow(self.store.reading, self.clocks)
        self.health.watch("database", clock.obstacle)
        self.turn(inbox.forgetting(self.store, self.clocks))
        first: Sequence[Part] = [clock, loop_watch(), self.publisher]
        try:
            await run_until_told([*first, *self.parts, web])
        finally:
            await self.store.close()
