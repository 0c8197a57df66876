"""A broker with TLS, passwords and rights: each service may write what it says and read what it hears, and no more."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError
from kafka.admin import ConfigResource, ConfigResourceType
from pydantic import SecretStr

from infra.docker.certificates import Authority
from infra.kafka.broker import Broker
from infra.kafka.guard import ADMINISTRATOR, Guard
from infra.local.engines import class_cache
from infra.local.settings.environment import bare
from infra.local.settings.layout import JARS
from services.platform.bus import administration
from services.platform.bus.administration import REPUBLISHES, set_access
from services.platform.bus.connection import READ, WRITE, AccessCheck, Connection
from services.platform.messages.signature import SAYS
from services.platform.runtime.settings import KafkaSecurity, TopicSettings
from services.safeguarding.message import Topic
from services.schemas.messages import HEARS
from tests.support.engines.alone import require_alone
from tests.support.engines.bus import wait_for_port
from tests.support.engines.ports import free_port

pytestmark = pytest.mark.timeout(450)
WAITS_SECONDS = 15
SERVICES = tuple(SAYS)
SAID = {service: {kind.topic for kind in kinds} for service, kinds in SAYS.items()}
HEARD = {service: {kind.topic for kind in kinds} for service, kinds in HEARS.items()}


@dataclass
class Guarded:
    address: str
    ca: Path
    authority: Authority

    def settings(self, user: str, **other: Any) -> TopicSettings:
        login: dict[str, Any] = {
            "kafka_user": user,
            "kafka_password": SecretStr(f"of {user}"),
            "kafka_security": KafkaSecurity.SASL_SSL,
        }
        return TopicSettings.model_validate({"kafka": self.address, "kafka_ca": self.ca} | login | other)

    def of(self, user: str, **other: Any) -> Connection:
        return Connection(self.settings(user, **other))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    require_alone()
    folder = tmp_path_factory.mktemp("guarded")
    authority = Authority.make()
    (folder / "broker.pem").write_text(authority.issue("broker", "127.0.0.1"))
    (folder / "ca.pem").write_text(authority.certificate)
    guard = Guard(str(folder / "broker.pem"), str(folder / "ca.pem"), free_port())
    broker = Broker(folder / "kafka", class_cache.fetch(JARS), free_port(), free_port(), guard, f"of {ADMINISTRATOR}")
    broker.make_log()
    with (folder / "log").open("ab") as log:
        running = subprocess.Popen(broker.command, stdout=log, stderr=log, env=bare(), start_new_session=True)
    try:
        found = Guarded(broker.address, folder / "ca.pem", authority)
        wait_for_port(broker.address)
        administration.create(found.settings(ADMINISTRATOR))
        set_access(found.of(ADMINISTRATOR), HEARS, {service: f"of {service}" for service in SERVICES})
        asyncio.run(_let_in(found))
        yield found
    finally:
        running.kill()
        running.wait(90)


async def _let_in(guarded: Guarded) -> None:
    """A broker takes a moment to go by what it has accepted. Leaves a message on each topic."""
    async with guarded.of(ADMINISTRATOR).producer() as producer:
        for topic in Topic:
            await producer.send_and_wait(topic, b"{}", partition=0)
    async with asyncio.timeout(90):
        for service in SERVICES:
            while await guarded.of(service).find_refusal({Topic.DEAD_LETTERS: []}) is not None:  # noqa: ASYNC110 Kafka tells nobody
                await asyncio.sleep(0.1)


def test_a_topic_that_exists_is_kept_as_long_as_is_declared_from_then_on(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, declared = guarded.settings(ADMINISTRATOR), administration.read_declaration()
    assert administration.set_retention(settings) == ([], [])
    longer = [replace(each, retention_days=31) if each.name is Topic.DUTIES else each for each in declared]
    with monkeypatch.context() as changed:
        changed.setattr(administration, "read_declaration", lambda: longer)
        assert administration.set_retention(settings) == (["duties from 30 to 31 days"], [])
        assert administration.set_retention(settings) == ([], [])
    assert administration.set_retention(settings) == (["duties from 31 to 30 days"], [])
    of_duties = ConfigResource(ConfigResourceType.TOPIC, Topic.DUTIES)
    with closing(guarded.of(ADMINISTRATOR).plain_admin()) as admin:
        held = admin.describe_configs([of_duties])["topic"][Topic.DUTIES]
    assert held["min.insync.replicas"]["value"] == "1", "what else was set stays"


async def test_each_service_writes_where_it_speaks_and_nowhere_else(guarded: Guarded) -> None:
    wrong = []
    for service in SERVICES:
        for topic in Topic:
            async with asyncio.timeout(60):
                done = await _writes(guarded, service, topic)
            if done is not (service in REPUBLISHES or topic in SAID[service]):
                wrong.append((service, topic, done))
    assert wrong == []


async def test_each_service_reads_what_it_hears_and_nothing_else(guarded: Guarded) -> None:
    found = await asyncio.gather(*(_reads(guarded, *each) for each in product(SERVICES, Topic)))
    wrong = [
        each
        for each, done in zip(product(SERVICES, Topic), found, strict=True)
        if done is not (each[1] in HEARD[each[0]])
    ]
    assert wrong == []


async def test_each_service_has_its_own_place_in_the_topics_and_no_others(guarded: Guarded) -> None:
    wrong = []
    for service in SERVICES:  # all at once are eighty clients, of which a busy machine leaves some half connected
        found = await asyncio.gather(*(_joins(guarded, service, group) for group in SERVICES))
        expected = [service == group and bool(HEARD[service]) for group in SERVICES]
        wrong += [(service, group) for group, *both in zip(SERVICES, found, expected, strict=True) if len({*both}) > 1]
    assert wrong == []


async def test_a_right_that_is_no_longer_listed_is_taken_away(guarded: Guarded) -> None:
    fewer = {service: () if service == "carers" else kinds for service, kinds in HEARS.items()}
    set_access(guarded.of(ADMINISTRATOR), fewer, {})
    try:
        assert not await _reads(guarded, "carers", Topic.DUTIES)
        assert await _reads(guarded, "police", Topic.DUTIES)
    finally:
        set_access(guarded.of(ADMINISTRATOR), HEARS, {})


@pytest.mark.parametrize("service", SERVICES)
async def test_kafka_lets_a_service_in_with_all_that_it_needs(guarded: Guarded, service: str) -> None:
    rights = {topic: [WRITE] * (topic in SAID[service]) + [READ] * (topic in HEARD[service]) for topic in Topic}
    assert await guarded.of(service).find_refusal({topic: needed for topic, needed in rights.items() if needed}) is None


async def test_why_kafka_does_not_let_a_service_in_is_said(guarded: Guarded, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(Authority.make().certificate)
    refusals = {
        "login": guarded.of("carers", kafka_password=SecretStr("another")),
        "certificate": guarded.of("carers", kafka_ca=tmp_path / "ca.pem"),
    }
    assert await refusals["login"].find_refusal({}) == "Kafka refuses the login: SaslAuthenticationFailed"
    assert "CERTIFICATE_VERIFY_FAILED" in str(await refusals["certificate"].find_refusal({}))
    check = AccessCheck(guarded.of("carers"), {Topic.EVIDENCE: [READ, WRITE], Topic.DUTIES: [READ, WRITE]})
    await check.loop.start()
    async with asyncio.timeout(60):
        while check.obstacle() is None:  # noqa: ASYNC110 the loop has no event
            await asyncio.sleep(0.05)
    await check.loop.stop()
    assert check.obstacle() == "Kafka does not allow: READ evidence, WRITE duties"


async def _writes(guarded: Guarded, service: str, topic: Topic) -> bool:
    producer = guarded.of(service).producer(enable_idempotence=True)
    await producer.start()
    try:
        await producer.send_and_wait(topic, b"{}", partition=0)
    except TopicAuthorizationFailedError:
        return False
    finally:
        await producer.stop()
    return True


async def _reads(guarded: Guarded, service: str, topic: Topic) -> bool:
    """The message that the administrator has left there comes at once, or never."""
    try:
        async with _consuming(guarded, service, topic, auto_offset_reset="earliest") as consumer:
            await asyncio.wait_for(consumer.getone(), WAITS_SECONDS)
    except (TopicAuthorizationFailedError, TimeoutError):
        return False
    return True


async def _joins(guarded: Guarded, service: str, group: str) -> bool:
    place = TopicPartition(min(HEARD[service], default=Topic.DUTIES), 0)
    try:
        async with _consuming(guarded, service, group_id=group, enable_auto_commit=False) as consumer:
            consumer.assign([place])
            await consumer.commit({place: 0})
    except GroupAuthorizationFailedError:
        return False
    return True


@asynccontextmanager
async def _consuming(guarded: Guarded, service: str, *topics: str, **options: Any) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = guarded.of(service).consumer(*topics, **options)
    try:
        async with asyncio.timeout(60):
            await consumer.start()
            yield consumer
    finally:
        await consumer.stop()
