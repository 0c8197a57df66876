"""Keeps notices for a force that nothing can reach from outside, and hands them over when it comes for them.

They are offered by a cursor, and accepted once the force has come for more.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from services.platform.delivery import events as delivery_events
from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import SendRequest, SendResult
from services.platform.delivery.channels.webhook import signed
from services.platform.delivery.model import MediumName, State
from services.platform.delivery.queue.repository import BODY, decode_delivery
from services.platform.delivery.webhook_signature import is_signed
from services.platform.register.keys import Decryptor
from services.platform.register.organisations import Force, Forces
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.runtime.problems import SIGNED, Problem, Strangers, read_routes
from services.platform.store.encryption import DOES_NOT_OPEN, KeyMissing, Keyring, split
from services.platform.store.query import BRIEFLY, Query, Rows, all_rows, scalar
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.police.notices.sender import lane_of
from services.police.web.webhooks import FORCE, not_signed
from services.safeguarding.duty.decisions import AttemptResult
from services.safeguarding.identifiers import ForceId

AT_ONCE = 50
LOOK_AGAIN = timedelta(minutes=5)
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('offered to ' || %(force)s, 0))"
"""The positions of a force are committed in their order, so that its cursor passes none over."""
START = """
    SELECT CASE
        WHEN EXISTS (SELECT FROM police.offered WHERE force = %(force)s AND position = %(after)s) THEN %(after)s
        ELSE least(%(after)s, (
            SELECT coalesce(max(o.position), 0) FROM police.offered o JOIN delivery.deliveries d ON d.id = o.delivery
            WHERE o.force = %(force)s AND d.lane = %(lane)s AND o.confirmed_at IS NOT NULL
        ))
    END
"""
"""A cursor that no answer of this database gave, as after a restoration, confirms nothing: what is put lies lower."""
CONFIRM = """
    WITH confirmed AS (
        UPDATE police.offered o SET confirmed_at = %(now)s FROM delivery.deliveries d
        WHERE d.id = o.delivery AND d.lane = %(lane)s
            AND o.force = %(force)s AND o.position <= %(after)s AND o.confirmed_at IS NULL RETURNING o.delivery
    )
    UPDATE delivery.deliveries SET state = 'accepted', changed_at = %(now)s, lease_owner = NULL, lease_until = NULL
    WHERE id = ANY(ARRAY(
        SELECT id FROM delivery.deliveries
        WHERE id IN (SELECT delivery FROM confirmed) AND state IN ('waiting', 'sending', 'unknown')
        ORDER BY id FOR NO KEY UPDATE
    ))
    RETURNING *
"""
OFFER = """
    INSERT INTO police.offered (delivery, force, offered_at)
    SELECT id, %(force)s, %(now)s FROM delivery.deliveries
    WHERE lane = %(lane)s AND state IN ('sending', 'unknown') AND body IS NOT NULL AND withdrawn_at IS NULL
    ORDER BY created_at ON CONFLICT DO NOTHING
"""
OFFERED = """
    SELECT o.position, d.id, d.key_owner, d.body, k.wrapped FROM police.offered o
    JOIN delivery.deliveries d ON d.id = o.delivery JOIN register.data_keys k ON k.owner = d.key_owner
    WHERE o.force = %(force)s AND d.lane = %(lane)s AND o.position > %(after)s AND d.state <> 'withdrawn'
    ORDER BY o.position LIMIT %(most)s
"""
TAKE_BACK = "DELETE FROM police.offered WHERE delivery = ANY(%(notices)s) AND confirmed_at IS NULL"
"""What the force was not given, its cursor must not confirm. It is offered anew until it opens, or its time is over."""


class PolledSender:
    """Sends nothing. Until the force confirms that it has come for a notice, the notice may have arrived."""

    name: MediumName = "poll"

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send(self, _sending: SendRequest) -> SendResult:
        return SendResult(AttemptResult.UNKNOWN, retry_after=LOOK_AGAIN, waits=True)


@dataclass(frozen=True, slots=True)
class Notice:
    position: int
    id: UUID
    body: str


class Offer(NamedTuple):
    """`closed`: those that do not open now. They are offered again. `after`: the cursor for the next time."""

    notices: list[Notice]
    closed: list[UUID]
    after: int


async def offer(uow: UnitOfWork, keyring: Keyring, force: ForceId, lane: str, after: int, now: datetime) -> Offer:
    """The notices of this lane after the cursor, the oldest first, without those whose key was erased. Those up to the
    cursor are confirmed: the force has stored them. `now` is wall time. Raises LockNotAvailable if one of them stays
    locked: the force asks again with the same cursor.
    """
    about: dict[str, Any] = {"force": force, "lane": lane, "after": after, "now": now, "most": AT_ONCE}
    _, _, start = await uow.fetch(BRIEFLY, Query(ONE_AT_A_TIME, about, all_rows), Query(START, about, scalar))
    about["after"] = start
    confirmed, _, found = await uow.fetch(
        Query(CONFIRM, about, all_rows), Query(OFFER, about, all_rows), Query(OFFERED, about, all_rows)
    )
    for row in confirmed:
        delivery = decode_delivery(row)
        uow.publish(delivery_events.accepted(delivery, None), subject=delivery.child, cause=delivery)
        uow.on_commit(metrics.ENDED.labels(PolledSender.name, State.ACCEPTED).inc)
    given = _opened(keyring, found, start)
    if given.closed:
        uow.write(TAKE_BACK, {"notices": given.closed})
    return given


def _opened(keyring: Keyring, rows: Rows, start: int) -> Offer:
    """One authority's missing key holds up no other's notices. It is asked for once, since a key service is slow."""
    notices, closed, missing = list[Notice](), list[UUID](), set[bytes]()
    for row in rows:
        body, under = None, split(row.wrapped)[0]
        try:
            if under not in missing:
                body = Decryptor(keyring, row.key_owner, row.wrapped).open(row.body, BODY)
        except DOES_NOT_OPEN as error:
            logger().error("notices do not open: a key is missing or wrong", delivery=str(row.id), exc_info=error)
            if isinstance(error, KeyMissing):
                missing.add(under)
        if body is None:
            closed.append(row.id)
        else:
            notices.append(Notice(row.position, row.id, body))
    return Offer(notices, closed, notices[-1].position if notices else start)


LARGEST_CURSOR = 2**62
ROUTES = read_routes(__file__)
ROUTES["notices"]["openapi_extra"] = {"parameters": SIGNED} | ROUTES["notices"]["openapi_extra"]


class PollEndpoint:
    """Commits before it answers that what the cursor confirms is accepted."""

    def __init__(self, store: Store, clocks: Clocks, keyring: Keyring, forces: Forces) -> None:
        self._store, self._clocks, self._keyring, self._forces = store, clocks, keyring, forces
        self._strangers = Strangers()

    def mount(self, app: FastAPI) -> None:
        app.add_api_route("/forces/{force_id}/notices", self.give_notices, methods=["GET"], **ROUTES["notices"])

    async def give_notices(self, force_id: str, request: Request, after: int = 0) -> JSONResponse:
        """For a force that comes for its notices: those after the cursor. It confirms that those before are stored."""
        return await self.give(request, force_id, after)

    async def give(self, request: Request, force_id: ForceId, after: int) -> JSONResponse:
        """Raises Problem as `signed_body` does. The signature is of the request's target, in place of a body."""
        if not 0 <= after < LARGEST_CURSOR:
            detail = "The cursor of an earlier answer, or 0, is needed."
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Not a cursor", detail, field="after")
        self._strangers.let_in(request, force_id)
        target = f"/forces/{force_id}/notices?after={after}".encode()
        async with self._store.transaction() as uow:
            force = await uow.fetch(self._forces.by_id(force_id)) if FORCE.fullmatch(force_id) else None
            asking = next(
                (each for each in _who_may_ask(force) if is_signed(target, request.headers, each.reply_secrets)), None
            )
            if asking is None:
                raise not_signed()
            self._strangers.remember(request, force_id)
            now = self._clocks.wall()
            lane = lane_of(force_id, None if asking is force else asking.version)
            offered = await offer(uow, self._keyring, force_id, lane, after, now)
        if offered.closed and not offered.notices:
            # An empty answer would say that no child is missing.
            detail = "There are notices for you that cannot be opened here now. Ask again, and ring us."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "Notices cannot be opened", detail)
        notices = [
            {
                "cursor": str(each.position),
                "headers": signed(str(each.id), each.body, asking.secrets, self._clocks.own()),
                "body": each.body,
            }
            for each in offered.notices
        ]
        return JSONResponse({"notices": notices, "after": str(offered.after)})


def _who_may_ask(force: Force | None) -> tuple[Force, ...]:
    """A version that is only proposed may ask, by its own keys, for its connection test and for nothing else."""
    if force is None:
        return ()
    return tuple(each for each in (force, *force.proposed) if each.polls)
