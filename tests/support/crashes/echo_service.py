"""A service for bus tests: says one decision for each report that it hears. Run as a process of its own, so that it can be killed.

Reports of the authority `refused` make its handler fail, for ever; of `waiting`, fail as if the database were away. Those
of `crash` crash Faust itself, those of `no-commit` let its next commit fail.
`ECHO_MENDED=1` ends both. With `ECHO_IN_BATCHES=1` it takes messages in batches.
"""

import asyncio
import os
from typing import Any, cast

from aiokafka.errors import CommitFailedError

from services.platform.bus.consumer import BatchConsumer
from services.platform.bus.faust_consumer import FaustConsumer
from services.platform.bus.message_processor import Subscription, in_background
from services.platform.bus.service_host import ServiceHost
from services.platform.messages.envelope import Received
from services.platform.runtime.settings import Settings
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.duty.decisions import ProtocolDecided, Verdict

MENDED = os.environ.get("ECHO_MENDED") == "1"
IN_BATCHES = os.environ.get("ECHO_IN_BATCHES") == "1"
GATHER_SECONDS = 0.05


async def crash(host: ServiceHost, *, by_commit: bool) -> None:
    """As Faust does by itself, in its own thread, when Kafka does not take a commit."""
    [app] = [part._app for part in host.parts if isinstance(part, FaustConsumer)]
    assert app is not None
    if not by_commit:
        await app.crash(CommitFailedError())
        return

    async def commit(*_: object) -> None:
        raise CommitFailedError

    cast("Any", app.consumer)._thread._consumer.commit = commit


async def main() -> None:
    host = ServiceHost("protocol", Settings())

    async def on_child_reported_missing(received: Received[ChildReportedMissing], uow: UnitOfWork) -> None:
        if received.content.authority == "refused" and not MENDED:
            msg = "Amina B., 07700 900123, cannot be worked on"
            raise ValueError(msg)
        if received.content.authority == "waiting" and not MENDED:
            raise ConnectionError
        if received.content.authority in {"crash", "no-commit"}:
            await crash(host, by_commit=received.content.authority == "no-commit")
        decided = ProtocolDecided(
            authority=received.content.authority,
            about=received.content.kind,
            about_id=received.id,
            verdict=Verdict.TOLD,
            protocol="echo 1",
        )
        now = host.clocks.wall()
        uow.publish(decided, subject=received.subject, at=now)

    if os.environ.get("ECHO_DIRECT") == "1":

        class Direct(BatchConsumer):
            BUNDLES_AT_ONCE = 4
            GATHERED_SECONDS = 0.0

        host.subscribe([Subscription(ChildReportedMissing, on_child_reported_missing)], consumer=Direct)
    elif IN_BATCHES:
        subscriptions = in_background({ChildReportedMissing: on_child_reported_missing})
        host.subscribe(subscriptions, consumer=BatchConsumer, gather_seconds=GATHER_SECONDS)
    else:
        host.subscribe([Subscription(ChildReportedMissing, on_child_reported_missing)], consumer=FaustConsumer)
    await host.run()


if __name__ == "__main__":
    asyncio.run(main())
