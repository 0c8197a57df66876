"""Plays police desks: a machine that takes signed notices, and a person who answers them."""

import asyncio
import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError
from yarl import URL

from infra.sandbox.behaviours import Behaviours, Mode
from infra.sandbox.config import Desk
from infra.sandbox.errands import Errands
from infra.sandbox.ledger import Ledger

ACKNOWLEDGED = "police.acknowledged"
SECONDS_TO_ACKNOWLEDGE = 0.3
SECONDS_TO_COME_AGAIN = 2.0
REPLY_PAUSES = (0.5, 1.0, 2.0)
_OFFICER_NAMES = ("PC Adeyemi", "PC Bevan", "Sgt Cartwright", "PC Doshi", "PC Eastwood")


@dataclass(slots=True)
class Notice:
    """A notice as the desk holds it.

    `repeats` counts later arrivals of the same id, `conflicts` those among them whose bytes differ from the first;
    `acknowledged` is true once Safe Return has taken this desk's acknowledgement.
    """

    force: str
    id: str
    verified: bool
    body: Any
    digest: bytes
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    repeats: int = 0
    conflicts: int = 0
    acknowledged: bool = False
    reference: str | None = None


class Desks:
    """All forces' desks. A repeated notice is counted, and not acknowledged twice."""

    def __init__(
        self, desks: tuple[Desk, ...], behaviours: Behaviours, session: aiohttp.ClientSession, errands: Errands
    ) -> None:
        self.desks = {desk.force: desk for desk in desks}
        self.notices: Ledger[Notice] = Ledger()
        self._behaviours, self._session, self._errands = behaviours, session, errands
        self._verifiers = {desk.force: [Webhook(secret) for secret in desk.secrets] for desk in desks}
        self._references: Counter[str] = Counter()
        self._recorded_under: dict[tuple[str, str], str] = {}
        """By force and episode: a force records an absence once, whatever else it is told of it."""
        for desk in desks:
            if desk.notices_url is not None:
                self._errands.start(self._come_for_notices(desk, desk.notices_url))

    def take(self, force: str, body: bytes, headers: Mapping[str, str]) -> Notice:
        """Keep a notice. One whose signature is wrong is kept too, as not verified, and no id finds it."""
        notice_id, digest = headers.get("webhook-id", ""), hashlib.sha256(body).digest()
        if not self._verified(force, body, headers):
            notice = Notice(force, notice_id, verified=False, body=_read_json(body), digest=digest)
            self.notices.add(f"not verified {uuid.uuid4()}", notice)
            return notice
        if known := self.find(force, notice_id):
            known.repeats += 1
            known.conflicts += known.digest != digest
            return known
        notice = Notice(force, notice_id, verified=True, body=_read_json(body), digest=digest)
        self.notices.add(f"{force} {notice_id}", notice)
        self._errands.start(self._acknowledge(notice))
        return notice

    def find(self, force: str, notice_id: str) -> Notice | None:
        """Find a verified notice of a force by its id."""
        return self.notices.get(f"{force} {notice_id}")

    def reply(self, notice: Notice, kind: str, **about: str) -> asyncio.Task[None]:
        """Send a reply of the force about a notice, over and over until Safe Return has taken it.

        The acknowledgement of a new report carries the reference under which the force has recorded it.
        """
        absence = (notice.force, _episode_of(notice) or notice.id)
        if kind == ACKNOWLEDGED and _type_of(notice) == "missing-notice.new" and "reference" not in about:
            known = notice.reference or self._recorded_under.get(absence)
            about = {"reference": known or self._next_reference(notice.force), "reference_kind": "incident"}
        notice.reference = about.get("reference", notice.reference)
        if notice.reference is not None:
            self._recorded_under[absence] = notice.reference
        return self._errands.start(self._send(notice, kind, about))

    async def _come_for_notices(self, desk: Desk, url: str) -> None:
        after = "0"
        while True:
            if self._behaviours.desks[desk.force].mode is Mode.NORMAL:
                after = await self._come(desk, URL(url), after)
            await asyncio.sleep(SECONDS_TO_COME_AGAIN)

    async def _come(self, desk: Desk, url: URL, after: str) -> str:
        """Store what came, and give the cursor to ask with next."""
        target = url.with_query(after=after)
        headers = self._signed(desk, f"poll_{uuid.uuid4().hex}", target.path_qs)
        try:
            async with self._session.get(target, headers=headers) as response:
                if not response.ok:
                    return after
                answer = await response.json()
        except (aiohttp.ClientError, TimeoutError):
            return after
        for each in answer["notices"]:
            self.take(desk.force, each["body"].encode(), each["headers"])
        return str(answer["after"])

    async def _acknowledge(self, notice: Notice) -> None:
        await asyncio.sleep(SECONDS_TO_ACKNOWLEDGE)
        if self._behaviours.desks[notice.force].acknowledges and _type_of(notice) is not None:
            await self.reply(notice, ACKNOWLEDGED)

    def _next_reference(self, force: str) -> str:
        self._references[force] += 1
        return f"{_initials(force)}-{datetime.now(UTC):%Y%m%d}-{self._references[force]:04d}"

    def _reply_body(self, notice: Notice, kind: str, about: dict[str, str]) -> bytes:
        shift = int.from_bytes(notice.digest[:2])
        officer = {
            "name": _OFFICER_NAMES[shift % len(_OFFICER_NAMES)],
            "collar_number": f"{_initials(notice.force)} {1000 + shift % 9000}",
        }
        data = {"notice": notice.id, "episode": _episode_of(notice), "officer": officer} | about
        return json.dumps({"type": kind, "timestamp": datetime.now(UTC).isoformat(), "data": data}).encode()

    async def _send(self, notice: Notice, kind: str, about: dict[str, str]) -> None:
        body = self._reply_body(notice, kind, about)
        desk, reply_id, attempt = self.desks[notice.force], f"msg_{uuid.uuid4().hex}", 0
        while not await self._post(desk, reply_id, body):
            await asyncio.sleep(REPLY_PAUSES[min(attempt, len(REPLY_PAUSES) - 1)])
            attempt += 1
        notice.acknowledged = notice.acknowledged or kind == ACKNOWLEDGED

    async def _post(self, desk: Desk, reply_id: str, body: bytes) -> bool:
        headers = {"Content-Type": "application/json"} | self._signed(desk, reply_id, body.decode())
        try:
            async with self._session.post(desk.reply_url, data=body, headers=headers) as response:
                return response.ok
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _signed(self, desk: Desk, message_id: str, body: str) -> dict[str, str]:
        now = datetime.now(UTC)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(desk.reply_secret).sign(message_id, now, body),
        }

    def _verified(self, force: str, body: bytes, headers: Mapping[str, str]) -> bool:
        for webhook in self._verifiers[force]:
            try:
                webhook.verify(body, dict(headers), json_parse=False)
            except (WebhookVerificationError, ValueError):
                continue
            return True
        return False


def _type_of(notice: Notice) -> str | None:
    """Give the kind of a notice, or None for what is not one."""
    return notice.body.get("type") if isinstance(notice.body, dict) else None


def _episode_of(notice: Notice) -> str | None:
    told = notice.body.get("data") if isinstance(notice.body, dict) else None
    return told.get("episode") if isinstance(told, dict) else None


def _initials(force: str) -> str:
    return "".join(word[0] for word in force.split("-")).upper()


def _read_json(body: bytes) -> Any:
    """Read JSON; anything else is kept as text, so that a person can see what came."""
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
