"""Which failures a consumer waits out when it starts, and which end the process."""

import asyncio
import errno
import os
import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NodeNotReadyError,
    TopicAuthorizationFailedError,
)
from faust.assignor.partition_assignor import PartitionAssignor
from yarl import URL

from services.platform.bus import faust_consumer
from services.platform.bus.faust_consumer import ConsumingEndedError, FaustConsumer

BY_THE_NETWORK = (
    ConnectionRefusedError(),
    ConnectionResetError(),
    TimeoutError(),
    socket.gaierror(socket.EAI_AGAIN, "a name that nobody knows yet"),
    OSError(errno.EHOSTUNREACH, "No route to host"),
)


class PlayedFaust:
    """Fails to start as told, once each, then runs until it is crashed."""

    def __init__(self, *failures: Exception, hangs: int = 0) -> None:
        self.failures = list(failures)
        self.hangs = hangs
        self.crash_reason: Exception | None = None
        self.started = 0

    @property
    def should_stop(self) -> bool:
        return self.crash_reason is not None

    async def start(self) -> None:
        self.started += 1
        if self.started <= self.hangs:
            await asyncio.Future()
        if self.failures:
            raise self.failures.pop(0)

    async def stop(self) -> None: ...


def consumer(app: PlayedFaust, monkeypatch: pytest.MonkeyPatch) -> FaustConsumer:
    monkeypatch.setattr(faust_consumer, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(faust_consumer, "WATCH_EVERY_SECONDS", 0.01)
    processor: Any = SimpleNamespace(topics=(), service="protocol")
    part = FaustConsumer(SimpleNamespace(slot=None), processor)  # type: ignore[arg-type]
    monkeypatch.setattr(part, "_build", lambda: app)
    return part


async def test_what_says_that_kafka_is_away_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    app = PlayedFaust(KafkaConnectionError(), KafkaTimeoutError(), NodeNotReadyError(), *BY_THE_NETWORK)
    part = consumer(app, monkeypatch)
    await part.start()
    async with asyncio.timeout(30):
        while part.obstacle() is not None:  # noqa: ASYNC110 asks about the part, which has no event
            await asyncio.sleep(0.01)
    assert app.started == 4 + len(BY_THE_NETWORK)


async def test_an_attempt_that_would_wait_for_ever_is_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faust_consumer, "JOIN_WITHIN_SECONDS", 0.05)
    app = PlayedFaust(hangs=2)
    part = consumer(app, monkeypatch)
    await part.start()
    async with asyncio.timeout(30):
        while part.obstacle() is not None:  # noqa: ASYNC110 asks about the part, which has no event
            await asyncio.sleep(0.01)
    assert app.started == 3


async def test_what_was_assigned_to_the_same_member_at_another_address_is_taken() -> None:
    """As where the containers of Kafka and of a service are made anew together."""
    processor: Any = SimpleNamespace(topics=(), service="protocol")
    settings: Any = SimpleNamespace(slot=None, kafka="127.0.0.1:1", kafka_security=None)
    apps = [FaustConsumer(settings, processor)._build() for _ in range(2)]
    apps[1].conf.canonical_url = URL("http://made-anew:6066")
    before, after = (cast("PartitionAssignor", each.assignor) for each in apps)
    given = before.assign(
        SimpleNamespace(partitions_for_topic=lambda _: {0, 1}),
        {"member": before.metadata({"children"})},
    )["member"]
    after.on_assignment(given)
    assert {each.partition for each in after.assigned_actives()} == {0, 1}


@pytest.mark.parametrize("late", [False, True])
async def test_what_kafka_refuses_for_good_ends_the_process_however_late_it_comes(
    monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    before: list[KafkaError] = [KafkaConnectionError()] if late else []
    part = consumer(PlayedFaust(*before, TopicAuthorizationFailedError()), monkeypatch)

    async def runs() -> None:
        await part.start()
        await part.wait_for_failure()

    with pytest.raises(TopicAuthorizationFailedError):
        await asyncio.wait_for(runs(), 30)
    assert part.obstacle() == "consuming could not be started: TopicAuthorizationFailedError"


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EMFILE])
async def test_what_this_machine_does_not_allow_is_not_taken_for_an_absent_kafka(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    part = consumer(PlayedFaust(OSError(number, os.strerror(number), "/srv/safe-return/x")), monkeypatch)
    with pytest.raises(OSError, match=os.strerror(number)):
        await part.start()
    obstacle = str(part.obstacle())
    assert os.strerror(number) in obstacle
    assert "/srv" not in obstacle


async def test_faust_that_ends_by_itself_is_an_obstacle_and_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    app = PlayedFaust()
    part = consumer(app, monkeypatch)
    await part.start()
    failed = asyncio.create_task(part.wait_for_failure())
    await asyncio.sleep(0.05)
    assert not failed.done()
    assert part.obstacle() is None
    app.crash_reason = KafkaError()
    with pytest.raises(ConsumingEndedError):
        await asyncio.wait_for(failed, 30)
    assert part.obstacle() == "consuming has ended"
