"""Makes every Kafka client, with the address, certificates and login of the settings, and says why Kafka refuses."""

import asyncio
import contextlib
import ssl
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError

from services.platform.runtime.periodic import Repeating
from services.platform.runtime.private_trust import trusting
from services.platform.runtime.settings import KafkaSecurity, KafkaSettings
from services.safeguarding.message import Topic

if TYPE_CHECKING:
    from aiokafka.admin import AIOKafkaAdminClient
    from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

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
