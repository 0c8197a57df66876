"""Publishes the newest anchor, signed, in each place once an hour, and reads what was published.

A file an anchor, which nothing here overwrites or removes: its first line is a checkpoint (JSON), its second the
Ed25519 signature of the first, in base64.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from io import BytesIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit import metrics, store
from services.audit.policy.chain import Anchor
from services.audit.verification import NoCheckpoint, content_of, parse
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.runtime.places import NotOurs, OpenPlace, Place, PlaceAway, open_place, require_signed, sign
from services.platform.store.unit_of_work import Store

FOLDER = "anchors"
EVERY = timedelta(hours=1)


class AnchorPublisher:
    """A place that is away is tried again at the next turn, and delays no other."""

    def __init__(self, record: Store, clocks: Clocks, places: Sequence[Place], key: Ed25519PrivateKey) -> None:
        self._store, self._clocks, self._key = record, clocks, key
        self._places = dict(enumerate(places, start=1))
        self._last: dict[int, datetime] = {}
        for number in self._places:
            metrics.ANCHOR_PUBLISHED_AT.labels(number).set(clocks.wall().timestamp())

    async def turn(self) -> bool:
        now = self._clocks.wall()
        due = [each for each in self._places if each not in self._last or now - self._last[each] >= EVERY]
        if not due:
            return False
        async with self._store.transaction() as uow:
            newest = await store.newest_anchor(uow.connection)
        if newest is None:
            return False
        for number in due:
            try:
                await asyncio.to_thread(_put, self._places[number], newest, self._key)
            except PlaceAway as away:
                logger().warning("an anchor was not taken", name=f"place {number}", reason=str(away))
                continue
            self._last[number] = now
            metrics.ANCHOR_PUBLISHED_AT.labels(number).set(now.timestamp())
        return False


def witnesses_in(place: OpenPlace, signers: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """By the hash of each published anchor, the fault that it is if the record does not hold it; and the faults of the
    files. Raises PlaceAway.
    """
    witnesses, faults = {}, []
    for name in place.names(FOLDER):
        into = BytesIO()
        place.fetch(name, into)
        said, _, signature = into.getvalue().partition(b"\n")
        try:
            _require_signed_by_any(said, signature, signers)
            known = parse(said, name)
        except NotOurs:
            faults.append(f"{name}: was not signed by this installation, or was changed since")
        except NoCheckpoint as error:
            faults.append(str(error))
        else:
            witnesses[known.hash] = (
                f"anchor {known.anchor} of {known.made_at} was published and is not in the record:"
                " the record is older than that anchor, or was rewritten since"
            )
    return witnesses, faults if witnesses or faults else ["no anchor was published there"]


def _put(place: Place, anchor: Anchor, key: Ed25519PrivateKey) -> None:
    said = content_of(anchor)
    name = f"{FOLDER}/anchor-{anchor.number:09}-{anchor.hash.hex()[:12]}.json"
    open_place(place).put(name, BytesIO(said + b"\n" + sign(said, key) + b"\n"))


def _require_signed_by_any(said: bytes, signature: bytes, signers: Sequence[str]) -> None:
    for each in signers:
        try:
            return require_signed(said, signature.strip(), each)
        except NotOurs:
            continue
    raise NotOurs
