"""Writes each authority's pack every quarter of an hour and puts it in its places. A part of the service host."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.console import metrics
from services.console.fallback.page import PackPage
from services.console.fallback.plan import PackPlan
from services.console.fallback.seal import put, seal
from services.platform.runtime.logs import logger
from services.platform.runtime.periodic import Repeating, run_each
from services.platform.runtime.places import PlaceAway
from services.safeguarding.identifiers import AuthorityId

EVERY = timedelta(minutes=15)
LOOKS_EVERY_SECONDS = 60
"""A place that was away is tried again then."""


class PackWriter:
    """Each process of the console writes; the later pack takes the earlier one's place."""

    def __init__(self, page: PackPage, plans: Mapping[AuthorityId, PackPlan], key: Ed25519PrivateKey) -> None:
        self._page, self._plans, self._key = page, plans, key
        started = page.clocks.wall()
        self._written: dict[tuple[AuthorityId, int], datetime] = {}
        for authority, plan in plans.items():
            for number in range(len(plan.places)):
                metrics.PACK_WRITTEN.labels(authority, number + 1).set(started.timestamp())
        self._repeating = Repeating("fallback packs", self.turn, every_seconds=LOOKS_EVERY_SECONDS)
        self.start, self.stop = self._repeating.start, self._repeating.stop

    async def turn(self) -> None:
        """A place that is away delays no other, and an authority whose pack cannot be written no other authority. The
        database away: the places keep the last pack. Raises the last error.
        """
        await run_each(self._write_due, self._plans)

    async def _write_due(self, authority: AuthorityId) -> None:
        plan, now = self._plans[authority], self._page.clocks.wall()
        written = [self._written.get((authority, number)) for number in range(len(plan.places))]
        due = [number for number, last in enumerate(written) if last is None or now - last >= EVERY]
        if not due:
            return
        page = await self._page.write(authority)
        if page is None:
            logger().warning("the fallback plan names an authority that the register does not have")
            return
        sealed = seal(page, plan.recipients, self._key)
        for number in due:
            try:
                await put(plan.places[number], sealed)
            except PlaceAway as away:
                logger().warning("a fallback pack was not taken", name=f"place {number + 1}", reason=str(away))
                continue
            self._written[authority, number] = now
            metrics.PACK_WRITTEN.labels(authority, number + 1).set(now.timestamp())
