"""What every service's `app.py` puts together in the same way: store, publisher, consumer, web, story clock, health."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client import REGISTRY
from starlette.types import ASGIApp

from services.bus.contract import Contract
from services.bus.handling import NOTHING, Ahead, Handler, PassesOver
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
from services.safeguarding.message import Message, Topic
from services.store import inbox, story
from services.store.engine import connect, connect_to_read
from services.store.transaction import Store


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

    def hear(
        self,
        handlers: Mapping[type[Message], Handler],
        last_resort: Handler | None = None,
        *,
        gather_seconds: float = 0.0,
        passes_over: Mapping[type[Message], PassesOver] = NOTHING,
        hurry: Collection[type[Message]] = (),
        gathered: Collection[Topic] = (),
        ahead: Ahead | None = None,
    ) -> None:
        """Consumes the topics of these messages, from the oldest that this service has not acknowledged.

        `gather_seconds`: how long a message may wait for others to be done with it in one transaction. For those who only
        keep a record, who take them in batches; whoever is to act is told at once. `passes_over` knows content that a handler would do nothing with.
        `hurry`: what is done in urgent transactions of its own, beside those of other messages that have come before. `gathered`: topics whose
        messages wait a moment for others (services.bus.worker), since nobody waits for what follows from them. `ahead` asks
        once for all that come together, before any is handled.
        """
        contract = Contract(
            self.service,
            self.store,
            self.publisher,
            self.clocks,
            handlers,
            last_resort,
            passes_over=passes_over,
            gather_seconds=gather_seconds,
            hurry=hurry,
            ahead=ahead,
        )
        self.health.watch("consuming", contract.obstacle)
        consumer = (
            RecordReader(self.settings, contract) if gather_seconds else Worker(self.settings, contract, gathered)
        )
        self.health.watch("reading", consumer.obstacle)
        self.parts.append(consumer)

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
