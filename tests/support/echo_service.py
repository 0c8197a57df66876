"""A service for bus tests: says one decision for each report that it hears. Run as a process of its own, so that it can be killed.

`ECHO_REFUSES` names a force whose reports its handler fails on, for ever.
"""

import asyncio
import os

from services.bus.envelope import Received, say
from services.bus.house import House
from services.runtime.settings import Settings
from services.safeguarding.decisions import ProtocolDecided, Verdict
from services.safeguarding.events import ChildReportedMissing
from services.store.transaction import Transaction

REFUSES = os.environ.get("ECHO_REFUSES")


async def main() -> None:
    house = House("protocol", Settings())

    async def on_child_reported_missing(received: Received[ChildReportedMissing], transaction: Transaction) -> None:
        if received.content.authority == REFUSES:
            msg = "this report cannot be worked on"
            raise ValueError(msg)
        decided = ProtocolDecided(
            authority=received.content.authority,
            about=received.content.kind,
            about_id=received.id,
            verdict=Verdict.TOLD,
            protocol="echo 1",
        )
        now = house.clocks.wall()
        await say(transaction, decided, said_by=house.service, subject=received.subject, at=now, now=now)

    house.hear({ChildReportedMissing: on_child_reported_missing})
    await house.run()


if __name__ == "__main__":
    asyncio.run(main())
