"""Puts a service together as every `app.py` needs it: store, outbox relay, consumer, web, story clock, health."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from prometheus_client import REGISTRY
from starlette.types import ASGIApp

from services.platform.bus.connection import READ, WRITE, AccessCheck, Connection
from services.platform.bus.consumer import Consumer
from services.platform.bus.message_processor import Handler, MessageProcessor, Prefetch, Subscription
from services.platform.bus.outbox_relay import OutboxRelay
from services.platform.messages.signature import SAYS, KnownSpeakers, Signer, read_public_keys, read_signing_key
from services.platform.runtime import logs, spans
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.process import Drain, Health, Part, Repeating, run_until_told
from services.platform.runtime.server import BUILD, Web, exposition, loop_watch
from services.platform.runtime.settings import KafkaSecurity, SecretFile, Settings, SigningKeys, secret_path
from services.platform.store import inbox, story_clock
from services.platform.store.disposal import Disposal
from services.platform.store.engine import Listener, connect, connect_to_read, database_url
from services.platform.store.unit_of_work import Origin, Store


@dataclass
class ServiceHost:
    """A service that is being put together: subscribe, add its parts, then `run` it."""

    service: str
    settings: Settings
    clocks: Clocks = field(default_factory=Clocks)
    health: Health = field(default_factory=Health)
    parts: list[Part] = field(default_factory=list)

    def __post_init__(self) -> None:
        logs.configure(self.service, self.settings.slot)
        self._tracer = spans.tracer_of(self.service)
        BUILD.info({"version": self.settings.version})
        keys = SigningKeys()
        own = partial(read_signing_key, self.service)
        signer = Signer(SecretFile(keys.signing_key.get_secret_value(), own, secret_path("signing_key")).value)
        self._speakers = KnownSpeakers(SecretFile(keys.bus_keys, read_public_keys, secret_path("bus_keys")).value)
        self.store = Store(
            connect(self.settings, self.service),
            connect_to_read(self.settings, self.service),
            origin=Origin(self.service, self.clocks, signer),
        )
        self.relay = OutboxRelay(self.settings, self.store, self.clocks, signer)
        self.health.watch("publishing", self.relay.obstacle)
        self._rights = {kind.topic: {WRITE} for kind in SAYS[self.service]}

    def subscribe(
        self,
        subscriptions: Sequence[Subscription],
        last_resort: Handler | None = None,
        *,
        prefetch: Prefetch | None = None,
        consumer: type[Consumer[Any]],
        gather_seconds: float = 0.0,
    ) -> None:
        """Consumes from the oldest message that the service has not acknowledged. `last_resort` handles a message that
        became a dead letter. A service that acts takes the `FaustConsumer`, one that only records messages the
        `BatchConsumer`: each loads what it consumes with, and no more.

        `gather_seconds`: how long the first message of a transaction waits for others.
        """
        processor = MessageProcessor(
            self.service,
            self.store,
            self.relay,
            self.clocks,
            self._speakers,
            subscriptions,
            last_resort,
            prefetch=prefetch,
            most_bundles=consumer.BUNDLES_AT_ONCE,
            gather_seconds=gather_seconds,
        )
        part = consumer(self.settings, processor)
        for topic in processor.topics:
            self._rights.setdefault(topic, set()).add(READ)
        self.health.watch("consuming", processor.obstacle)
        self.health.watch("reading", part.obstacle)
        self.parts.append(part)

    def add_periodic(self, loop: Repeating) -> None:
        """Runs it beside the other parts, and shows its failures in readiness."""
        self.health.watch(loop.name, loop.obstacle)
        self.parts.append(loop)

    async def run(self, pages: ASGIApp | None = None, *, closing: Callable[[], None] = lambda: None) -> None:
        """Runs until SIGTERM or SIGINT. HTTP starts last and stops first; `closing` ends streams and the like."""
        served = exposition(REGISTRY, self.health, pages, self.settings.metrics_network)
        web = Web(served, self.settings.http_port, self.settings.http_host, closing=closing)
        clock = story_clock.follow_database(self.store, self.clocks)
        listener = Listener(database_url(self.settings, self.service), self.store.channels)
        self.health.watch("database", lambda: listener.obstacle() or clock.obstacle())
        self.add_periodic(
            inbox.forgetting(self.store, self.clocks, timedelta(hours=self.settings.published_kept_hours))
        )
        if (disposal := Disposal(self.store, self.clocks, self.service)).sweeps:
            self.add_periodic(disposal.repeating())
        if self.settings.kafka_security is not KafkaSecurity.PLAINTEXT:
            access = AccessCheck(Connection(self.settings), self._rights)
            self.health.watch("Kafka", access.obstacle)
            self.add_periodic(access.loop)
        tracers: Sequence[Part] = [] if self._tracer is None else [self._tracer]
        first: Sequence[Part] = [*tracers, listener, clock, loop_watch(), self.relay]
        try:
            await run_until_told([*first, *self.parts, web, Drain(self.health, self.settings.drain_seconds)])
        finally:
            await self.store.close()
