"""Defines the bus's metrics. No label holds an id of a child, a person or a message.

Makes every Kafka client, with the address, certificates and login of the settings, and says why Kafka refuses.

Opens Kafka's producer when it is first needed, replaces it when it can send no more, and closes it in a moment.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError, KafkaTimeoutError
from prometheus_client import Counter, Gauge, Histogram

from services.platform.messages.signature import Doubt
from services.platform.runtime.logs import logger
from services.platform.runtime.process import Repeating
from services.platform.runtime.settings import KafkaSecurity, KafkaSettings, trusting
from services.safeguarding.message import Topic

if TYPE_CHECKING:
    from aiokafka.admin import AIOKafkaAdminClient
    from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

HANDLED = Counter("bus_messages_handled", "Messages taken from the bus, by result", ["kind", "result"])
HANDLING = Histogram(
    "bus_handling_seconds",
    "Time in a message's handler, without its deferred writes, the commit and the publication",
    ["kind"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30),
)
WAITING = Gauge("bus_partitions_waiting", "Partitions held by a message that waits for the database or for Kafka")
PUBLISHED = Counter("bus_messages_published", "Messages that Kafka has acknowledged", ["topic"])
PUBLISHED_AGAIN = Counter("bus_messages_published_again", "Messages that Kafka acknowledged, and had lost")
UNCHECKED = Gauge(
    "bus_published_unchecked", "Leaders' epochs of which Kafka did not say whether it still has what was written then"
)
PUBLISH_FAILURES = Counter("bus_publish_failures", "Attempts to publish that failed and will be repeated")
OUTBOX_DEPTH = Gauge("bus_outbox_depth", "Messages committed and not yet published")
OUTBOX_OLDEST = Gauge("bus_outbox_oldest_seconds", "Age of the oldest message committed and not yet published")
LAG = Gauge("bus_consumer_lag", "Messages on the bus that a service has not acknowledged yet", ["group", "topic"])
STANDS = Gauge(
    "bus_consumer_stands_seconds",
    "For how long a service has acknowledged nothing of a partition where messages wait: of its longest",
    ["group", "topic"],
)
UNDER_REPLICATED = Gauge(
    "bus_partitions_under_replicated", "Partitions of ours with fewer copies in sync than they have brokers"
)
BROKER = Gauge("bus_broker_answers", "1 while Kafka answers the watch, 0 while it does not")
REFUSED = Counter(
    "bus_messages_refused", "Messages not proved to come from a service that may publish them, by doubt", ["doubt"]
)
for doubt in Doubt:  # an increase from nothing is none
    REFUSED.labels(doubt)
DEAD_LETTERS = Counter("bus_dead_letters", "Messages given up on and handed to a human", ["kind"])


LOGIN = "SCRAM-SHA-512"
ASKED_EVERY_SECONDS, ASKED_AGAIN_SECONDS = 60.0, 5.0
"""While it is let in, and while it is not."""
ANSWERS_WITHIN_MS = 5_000
READ, WRITE = "READ", "WRITE"
Rights = Mapping[Topic, Iterable[str]]


class Connection:
    """Clients of aiokafka for a service, and of kafka-python (`plain_...`), which block, for a command. A library that
    few processes need is loaded by those alone.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings

    def producer(self, **more: Any) -> AIOKafkaProducer:
        return AIOKafkaProducer(**self._options(), **more)

    def consumer(self, *topics: str, **more: Any) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(*topics, **self._options(), **more)

    def admin(self, **more: Any) -> "AIOKafkaAdminClient":
        from aiokafka.admin import AIOKafkaAdminClient

        return AIOKafkaAdminClient(**self._options(), **more)

    def plain_producer(self, **more: Any) -> "KafkaProducer":
        from kafka import KafkaProducer

        return KafkaProducer(**self._options(), **more)

    def plain_consumer(self, **more: Any) -> "KafkaConsumer":
        from kafka import KafkaConsumer

        return KafkaConsumer(**self._options(), **more)

    def plain_admin(self, **more: Any) -> "KafkaAdminClient":
        from kafka import KafkaAdminClient

        return KafkaAdminClient(**self._options(), **more)

    def faust_options(self) -> dict[str, Any]:
        """What `faust.App` takes."""
        import faust

        options = {"broker": f"aiokafka://{self._settings.kafka}"}
        match self._settings.kafka_security:
            case KafkaSecurity.SASL_SSL:
                login = faust.SASLCredentials(
                    username=self._settings.kafka_user,
                    password=self._password(),
                    mechanism=LOGIN,
                    ssl_context=self._certificates(),
                )
                return options | {"broker_credentials": login}
            case KafkaSecurity.SSL:
                return options | {"broker_credentials": faust.SSLCredentials(context=self._certificates())}
        return options

    async def find_refusal(self, rights: Rights) -> str | None:
        """Says why Kafka does not let this process in, or which of its rights are missing. None if it lets it in, and
        if it does not answer. The clients tell neither: a wrong password looks like an absent Kafka, and Faust waits
        for ever for a topic that it may not read.
        """
        try:
            await self._log_in()
            held = await asyncio.to_thread(self._rights_held, list(rights))
        except ssl.SSLError as error:
            return f"Kafka's certificate and ours do not go together: {error.reason}"
        except (OSError, TimeoutError):
            return None
        except KafkaError as error:
            return None if error.retriable else f"Kafka refuses the login: {type(error).__name__}"
        lacking = [f"{right} {topic}" for topic, asked in rights.items() for right in asked if right not in held[topic]]
        return f"Kafka does not allow: {', '.join(lacking)}" if lacking else None

    async def _log_in(self) -> None:
        """Connects to the first broker within reach. Raises any refusal, or the last one's error if none is."""
        options = {name: value for name, value in self._options().items() if name != "bootstrap_servers"}
        brokers = self._settings.kafka.split(",")
        for each in brokers:
            host, _, port = each.rpartition(":")
            try:
                opened = await create_conn(host, int(port), request_timeout_ms=ANSWERS_WITHIN_MS, **options)
            except (OSError, TimeoutError):
                if each == brokers[-1]:
                    raise
            else:
                opened.close()
                return

    def _rights_held(self, topics: list[Topic]) -> dict[str, list[str]]:
        """Raises TimeoutError if Kafka has gone away since the login: this library's errors are not aiokafka's."""
        from kafka.errors import KafkaError as PlainKafkaError

        try:
            with contextlib.closing(self.plain_admin(bootstrap_timeout_ms=ANSWERS_WITHIN_MS)) as admin:
                return {each["name"]: each["authorized_operations"] for each in admin.describe_topics(topics)}
        except PlainKafkaError as error:
            if error.retriable:
                raise TimeoutError from error
            raise

    def _options(self) -> dict[str, Any]:
        """Options that both libraries name alike."""
        security = self._settings.kafka_security
        options: dict[str, Any] = {"bootstrap_servers": self._settings.kafka, "security_protocol": security.value}
        if security is not KafkaSecurity.PLAINTEXT:
            options["ssl_context"] = self._certificates()
        if security is KafkaSecurity.SASL_SSL:
            options |= {"sasl_mechanism": LOGIN, "sasl_plain_username": self._settings.kafka_user}
            options["sasl_plain_password"] = self._password()
        return options

    def _password(self) -> str:
        return self._settings.kafka_password.get_secret_value()

    def _certificates(self) -> ssl.SSLContext:
        """Read anew for each client, so that a renewed certificate needs no restart."""
        context = trusting(cafile=self._settings.kafka_ca)
        if self._settings.kafka_certificate is not None:
            context.load_cert_chain(self._settings.kafka_certificate)
        return context


class AccessCheck:
    """Asks Kafka at the start, and every minute, whether this process may say and hear what it has to."""

    def __init__(self, connection: Connection, rights: Rights) -> None:
        self._connection = connection
        self._rights = rights
        self._refusal: str | None = None
        self.loop = Repeating("bus access", self._ask, every_seconds=ASKED_EVERY_SECONDS)

    def obstacle(self) -> str | None:
        return self._refusal

    async def _ask(self) -> None:
        self._refusal = await self._connection.find_refusal(self._rights)
        if self._refusal is not None:
            self.loop.wake_after(ASKED_AGAIN_SECONDS)


REQUEST_TIMEOUT_MS = 10_000
CLOSE_WITHIN_SECONDS = 3


class Producer:
    """One for each process. `ready` raises KafkaError while Kafka is away, and may be called again."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._opened: AIOKafkaProducer | None = None
        self._given_up: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        """Whether `ready` would return at once."""
        return self._opened is not None

    async def ready(self) -> AIOKafkaProducer:
        if self._opened is None:
            producer = self._connection.producer(
                acks="all", enable_idempotence=True, request_timeout_ms=REQUEST_TIMEOUT_MS, retry_backoff_ms=100
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            if self._opened is not None:
                await producer.stop()
            else:
                self._opened = producer
        return self._opened

    def report_failure(self, producer: AIOKafkaProducer, error: BaseException) -> None:
        """Makes `ready` open another producer after an error that this one cannot recover from. If Kafka refuses a
        message for good, an idempotent producer has a gap in the numbers of that partition, and Kafka refuses every
        later message. A producer whose own loop has died refuses everything.
        """
        passes = isinstance(error, KafkaTimeoutError) or (isinstance(error, KafkaError) and error.retriable)
        if producer is not self._opened or passes:
            return
        logger().warning("the producer is replaced", reason=type(error).__name__)
        self._opened = None
        # Messages that others still send over it are acknowledged or refused as before.
        closing = asyncio.create_task(_stop(producer))
        self._given_up.add(closing)
        closing.add_done_callback(self._given_up.discard)

    async def close(self) -> None:
        closing = set(self._given_up)
        if self._opened is not None:
            closing.add(asyncio.create_task(_stop(self._opened)))
        if not closing:
            return
        _, left = await asyncio.wait(closing, timeout=CLOSE_WITHIN_SECONDS)
        for each in left:
            logger().warning("the producer did not close in time")
            each.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def _stop(producer: AIOKafkaProducer) -> None:
    try:
        await producer.stop()
    except KafkaError as error:
        logger().warning("the producer did not close in order", reason=type(error).__name__)
