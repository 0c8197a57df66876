"""Keeps what forces and agencies say of themselves. A force's versions are only added, approved or taken back.

Changes are decided in the name of one person; the console shows and decides them at `/organisations/changes`. Nobody
outside does.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from starlette.requests import Request
from starlette.responses import JSONResponse

from services.options.register_upkeep.policy.organisations import (
    SHOWN_OTHERWISE,
    AgencyRow,
    Change,
    ForceRow,
    Organisations,
    describe_change,
    fingerprint_of,
    waits_for_second,
    why_not_approved,
    why_not_taken_back,
)
from services.platform.register import organisations
from services.platform.register.keys import Decryptor, key_of
from services.platform.register.operators import operator_by_code, record_change, record_change_of_authority
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.problems import Problem, Strangers, bearer_of, read_form
from services.platform.store import disposal
from services.platform.store.disposal import ALONE
from services.platform.store.encryption import OF_NO_AUTHORITY, Keyring
from services.platform.store.query import BRIEFLY, PATIENTLY, Query, Rows, all_rows, first_row, scalar
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.identifiers import AuthorityId
from services.safeguarding.operators import AccountId

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('organisations', 0))"
ENTER = "INSERT INTO register.forces (id) VALUES (%(force)s) ON CONFLICT DO NOTHING"
ADD = """
    INSERT INTO register.force_versions (id, force, name, notice_url, notice_email, polls, secrets, reply_secrets,
        client_certificate, oauth, callback, private_ca, sends_open_list, proposed_by, proposed_at, effective_at)
    VALUES (%(version)s, %(force)s, %(name)s, %(notice_url)s, %(notice_email)s, %(polls)s, %(secrets)s,
        %(reply_secrets)s, %(client_certificate)s, %(oauth)s, %(callback)s, %(private_ca)s, %(sends_open_list)s, %(by)s, %(now)s,
        %(effective_at)s)
"""
CHANGE = """
    SELECT 'force' AS kind, v.force AS name, v.proposed_by, v.effective_at,
        v.id IN (SELECT version FROM register.versions_tried) AS was_tried, v.taken_back_at IS NOT NULL AS is_over,
        (SELECT count(*) FROM register.force_versions o WHERE o.force = v.force AND o.id <> v.id
            AND o.effective_at <= %(now)s AND o.taken_back_at IS NULL) AS others_in_force, v.asked_back_by,
        (SELECT max(effective_at) FROM register.force_versions o WHERE o.force = v.force AND o.taken_back_at IS NULL)
    FROM register.force_versions v WHERE v.id = %(change)s
    UNION ALL SELECT 'agency', agency, proposed_by, NULL, true, effective_at IS NOT NULL OR taken_back_at IS NOT NULL, 0, NULL, NULL
    FROM register.agency_changes WHERE id = %(change)s
"""
APPROVE = (
    "UPDATE register.{} SET approved_by = %(by)s, effective_at = %(at)s, changes = %(changes)s WHERE id = %(change)s"
)
ASK_BACK = "UPDATE register.force_versions SET asked_back_by = %(by)s WHERE id = %(change)s"
TAKE_BACK = """
    UPDATE register.{} SET taken_back_by = %(by)s, taken_back_at = %(at)s, reason = %(reason)s WHERE id = %(change)s
"""
AGENCY = """
    SELECT a.secrets, k.wrapped, (SELECT jsonb_object_agg(source, authority) FROM register.agency_sources WHERE agency = a.id) AS sources
    FROM register.agencies a LEFT JOIN register.data_keys k ON k.owner = 'agency-' || a.id WHERE a.id = %(agency)s
"""
PROPOSED_AGENCY = """
    SELECT c.secrets, k.wrapped, c.sources
    FROM register.agency_changes c LEFT JOIN register.data_keys k ON k.owner = 'agency-' || c.agency WHERE c.id = %(change)s
"""
ENTER_AGENCY = "INSERT INTO register.agencies (id, secrets) VALUES (%(agency)s, %(secrets)s)"
ENTER_SOURCES = """
    INSERT INTO register.agency_sources (source, agency, authority)
    SELECT key, %(agency)s, value FROM jsonb_each_text(%(sources)s::jsonb)
"""
PROPOSE_AGENCY = """
    INSERT INTO register.agency_changes (id, agency, secrets, sources, proposed_by, proposed_at)
    VALUES (%(change)s, %(agency)s, %(secrets)s, %(sources)s::jsonb, %(by)s, %(now)s)
"""
FORGET_SOURCES = """
    DELETE FROM register.agency_sources WHERE agency = (SELECT agency FROM register.agency_changes WHERE id = %(change)s)
"""
APPLY_SOURCES = """
    INSERT INTO register.agency_sources (source, agency, authority)
    SELECT each.key, c.agency, each.value FROM register.agency_changes c, jsonb_each_text(c.sources) AS each
    WHERE c.id = %(change)s
"""
APPLY_SECRETS = """
    UPDATE register.agencies SET secrets = c.secrets FROM register.agency_changes c
    WHERE c.id = %(change)s AND agencies.id = c.agency
"""
FORGET_SECRETS = "UPDATE register.agency_changes SET secrets = NULL WHERE id = %(change)s"
HAS_KEY = (
    "SELECT EXISTS (SELECT FROM register.authority_keys WHERE authority = %(authority)s AND authority <> %(common)s)"
)
LATEST = """
    SELECT *, taken_back_at IS NULL AND (effective_at IS NULL OR asked_back_by IS NOT NULL) AS waits FROM (
        SELECT id, 'force' AS kind, force AS name, proposed_by, proposed_at, approved_by, effective_at, asked_back_by,
            taken_back_by, taken_back_at, reason, changes, id IN (SELECT version FROM register.versions_tried) AS was_tried
        FROM register.force_versions
        UNION ALL
        SELECT id, 'agency', agency, proposed_by, proposed_at, approved_by, effective_at, NULL,
            taken_back_by, taken_back_at, reason, changes, NULL
        FROM register.agency_changes
    ) each_change ORDER BY waits DESC, proposed_at DESC, id LIMIT %(most)s
"""
SECRETS = "agencies.secrets"
OF_A_VERSION = tuple(each for each in ForceRow.model_fields if each != "id")
OF_AN_AGENCY = ("secrets", "sources")
TABLES = {"force": "force_versions", "agency": "agency_changes"}


async def lock_organisations(uow: UnitOfWork) -> None:
    """Until the end of the transaction nobody else changes one: two who approve see each other."""
    await uow.fetch(Query(LOCK, {}, all_rows))


async def put_organisations(
    uow: UnitOfWork, keyring: Keyring, given: Organisations, by: AccountId, now: datetime
) -> dict[str, UUID]:
    """Enters what is new. What differs from a force's newest version, or from an agency, is proposed: returned, by the
    organisation. The caller has locked the organisations. `now` is wall time.
    """
    proposed: dict[str, UUID] = {}
    for force in given.forces:
        known = await uow.fetch(organisations.versions_of(keyring, force.id))
        if known and not _differences(force, known[-1]):
            continue
        version = await _add_version(uow, keyring, force, by, now, effective_at=None if known else now)
        step, fields = ("proposed", _differences(force, known[-1])) if known else ("entered", OF_A_VERSION)
        record_change(uow, organisations.force_owner(force.id), step, by, version=version, fields=tuple(fields))
        if known:
            proposed[force.id] = version
    for agency in given.agencies:
        change = await _put_agency(uow, keyring, agency, by, now)
        proposed |= {} if change is None else {agency.id: change}
    return proposed


async def latest_changes(uow: UnitOfWork, most: int) -> list[dict[str, Any]]:
    """Of every force and agency, those that wait first, then the newest. None has a secret."""
    return await uow.fetch(Query(LATEST, {"most": most}, lambda rows: [row._asdict() for row in rows]))


async def change_by_id(uow: UnitOfWork, change: UUID, now: datetime) -> Change | None:
    row = await uow.fetch(Query(CHANGE, {"change": change, "now": now}, first_row))
    return None if row is None else Change(change, *row)


async def describe(uow: UnitOfWork, keyring: Keyring, change: UUID, kind: str, name: str) -> list[str]:
    """What the change would change of what holds now, or of the newest version that is approved to come."""
    if kind == "agency":
        now_, then = (AGENCY, {"agency": name}), (PROPOSED_AGENCY, {"change": change})
        before, after = await uow.fetch(_agency(keyring, name, *now_), _agency(keyring, name, *then))
        return describe_change(before, after, OF_AN_AGENCY)
    known = await uow.fetch(organisations.versions_of(keyring, name))
    approved = [each for each in known if each.effective_at is not None]
    wanted = next((each for each in known if each.version == change), None)
    return describe_change(approved[-1], wanted, OF_A_VERSION) if approved and wanted is not None else []


async def approve(
    uow: UnitOfWork, of: Change, by: AccountId, effective_at: datetime, changes: Sequence[str] = ()
) -> None:
    """`changes`: what `by` was shown. An agency's keys and sources are its own from now on."""
    about = {"change": of.id, "by": by, "at": effective_at, "changes": list(changes)}
    if of.kind == "agency":
        applied = (FORGET_SOURCES, APPLY_SOURCES, APPLY_SECRETS, FORGET_SECRETS)
        await uow.fetch_each([Query(each, about, all_rows) for each in applied])
    uow.write(APPROVE.format(TABLES[of.kind]), about)
    told = {} if of.kind == "agency" else {"effective_at": effective_at}
    record_change(uow, f"{of.kind}-{of.name}", "approved", by, version=of.id, **told)


def ask_back(uow: UnitOfWork, of: Change, by: AccountId) -> None:
    uow.write(ASK_BACK, {"change": of.id, "by": by})
    record_change(uow, organisations.force_owner(of.name), "asked-back", by, version=of.id)


def take_back(uow: UnitOfWork, of: Change, by: AccountId, now: datetime, reason: str | None = None) -> None:
    """A force's version before it is in force again; where it was the one before itself, its keys no longer count."""
    about = {"change": of.id, "by": by, "at": now, "reason": reason}
    uow.write(TAKE_BACK.format(TABLES[of.kind]), about)
    if of.kind == "agency":
        uow.write(FORGET_SECRETS, about)
    record_change(uow, f"{of.kind}-{of.name}", "taken-back", by, version=of.id)


async def destroy_key(
    uow: UnitOfWork, authority: AuthorityId, by: AccountId, now: datetime
) -> list[disposal.Hindrance] | None:
    """The first person asks (None), and a second one does it, where nothing hinders it. Its data keys go with it; what
    is kept from now on is under a new key. Raises `erasures.BUSY`.
    """
    owner = disposal.owner_of(authority)
    if not await uow.fetch(Query(HAS_KEY, {"authority": authority, "common": OF_NO_AUTHORITY}, scalar)):
        return [disposal.Hindrance("gone", authority)]
    _, hindered = await uow.fetch(PATIENTLY, disposal.hindrances(owner))
    if hindered:
        return hindered
    if await uow.fetch(disposal.ask_erasure(uuid4(), authority, owner, None, by, now)):
        record_change_of_authority(uow, authority, "key-destruction-asked", by)
        return None
    waiting = await uow.fetch(disposal.waiting_erasure(owner))
    approved = disposal.approve_erasure(waiting or uuid4(), by, now)
    _, _, _, hindered = await uow.fetch(PATIENTLY, ALONE, BRIEFLY, approved)
    if not hindered:
        record_change_of_authority(uow, authority, "key-destroyed", by)
    return hindered


def _differences(row: ForceRow, version: organisations.Force) -> list[str]:
    said = row.model_dump()
    return [name for name in OF_A_VERSION if said[name] != getattr(version, name)]


async def _add_version(
    uow: UnitOfWork, keyring: Keyring, row: ForceRow, by: AccountId, now: datetime, *, effective_at: datetime | None
) -> UUID:
    key, version = await key_of(uow, keyring, organisations.force_owner(row.id)), uuid4()
    said = {
        "secrets": json.dumps(row.secrets),
        "reply_secrets": json.dumps(row.reply_secrets),
        "client_certificate": row.client_certificate,
        "oauth": None if row.oauth is None else row.oauth.model_dump_json(),
    }
    sealed = {name: None if told is None else key.close(told, f"force_versions.{name}") for name, told in said.items()}
    about = {"version": version, "force": row.id, "by": by, "now": now, "effective_at": effective_at}
    await uow.fetch(Query(ENTER, about, all_rows), Query(ADD, row.model_dump() | sealed | about, all_rows))
    return version


async def _put_agency(uow: UnitOfWork, keyring: Keyring, row: AgencyRow, by: AccountId, now: datetime) -> UUID | None:
    """The change that waits for a second person. None: it is entered, or nothing differs."""
    known = await uow.fetch(_agency(keyring, row.id, AGENCY, {"agency": row.id}))
    change, owner = uuid4(), organisations.agency_owner(row.id)
    changed = tuple(name for name in OF_AN_AGENCY if getattr(row, name) != getattr(known, name, None))
    if not changed:
        return None
    secrets = (await key_of(uow, keyring, owner)).close(json.dumps(row.secrets), SECRETS)
    about = {"change": change, "agency": row.id, "secrets": secrets, "sources": json.dumps(row.sources)}
    written = (ENTER_AGENCY, ENTER_SOURCES) if known is None else (PROPOSE_AGENCY,)
    await uow.fetch_each([Query(each, about | {"by": by, "now": now}, all_rows) for each in written])
    more = {} if known is None else {"version": change}
    record_change(uow, owner, "entered" if known is None else "proposed", by, fields=changed, **more)
    return None if known is None else change


def _agency(keyring: Keyring, agency: str, sql: str, asked: Mapping[str, object]) -> Query[AgencyRow | None]:
    """As it holds, or as it is proposed."""

    def decode(rows: Rows) -> AgencyRow | None:
        if not rows:
            return None
        secrets = Decryptor(keyring, organisations.agency_owner(agency), rows[0].wrapped).open(rows[0].secrets, SECRETS)
        return AgencyRow(id=agency, secrets=tuple(json.loads(secrets or "[]")), sources=rows[0].sources or {})

    return Query(sql, asked, decode)


MOST_SHOWN = 60


class CannotChange(Exception):
    """Says why not, to whoever asked."""


@dataclass(frozen=True, slots=True)
class OrganisationChanges:
    """`now` is wall time. The organisations are locked until the transaction's end."""

    uow: UnitOfWork
    keyring: Keyring
    by: AccountId
    now: datetime

    async def latest(self) -> list[dict[str, Any]]:
        """Those that wait, then the newest: who did what and when. `changes`: a line for each field that differs, and
        of one that waits `shown`, which an approval says again.
        """
        found = await latest_changes(self.uow, MOST_SHOWN)
        for each in found:
            if each["effective_at"] is None and each["taken_back_at"] is None:
                about = each["id"], each["kind"], each["name"]
                each["changes"] = await describe(self.uow, self.keyring, *about)
                each["shown"] = fingerprint_of(each["changes"])
        return found

    async def approve(
        self, change: UUID, at: datetime | None = None, *, shown: str | None
    ) -> tuple[list[str], datetime]:
        """What it changes, and from when it holds: an agency's now, a force's `at`, and at the earliest now. `shown`:
        the fingerprint of what `by` was shown; None: it is not approved yet. Raises CannotChange, also where another
        change has been approved since then: this one would take it back.
        """
        found = await change_by_id(self.uow, change, self.now)
        effective = self.now if at is None or (found and found.kind == "agency") else max(at, self.now)
        refused = why_not_approved(found, self.by, effective)
        if found is None or refused is not None:
            raise CannotChange(refused)
        lines = await describe(self.uow, self.keyring, change, found.kind, found.name)
        if shown is not None:
            if shown != fingerprint_of(lines):
                raise CannotChange(SHOWN_OTHERWISE)
            await approve(self.uow, found, self.by, effective, lines)
        return lines, effective

    async def take_back(self, change: UUID, reason: str | None = None) -> bool:
        """False: it was approved, and a second person has to ask the same. Raises CannotChange."""
        found = await change_by_id(self.uow, change, self.now)
        refused = why_not_taken_back(found)
        if found is None or refused is not None:
            raise CannotChange(refused)
        if waits_for_second(found, self.by):
            ask_back(self.uow, found, self.by)
            return False
        take_back(self.uow, found, self.by, self.now, reason)
        return True


async def changes_by_code(uow: UnitOfWork, keyring: Keyring, code: str, now: datetime) -> OrganisationChanges | None:
    """None for a code that is wrong or too old, or whose owner may not change organisations."""
    operator = await uow.fetch(operator_by_code(code, now))
    if operator is None or operator.scope is not None:
        return None
    await lock_organisations(uow)
    return OrganisationChanges(uow, keyring, operator.account, now)


MOST_OF_A_REASON = 500


@dataclass(frozen=True)
class OrganisationEndpoint:
    """Takes the code that a command takes: by it we know who asks, whatever the console says."""

    store: Store
    clocks: Clocks
    keyring: Keyring
    strangers: Strangers = field(default_factory=Strangers)

    def mount(self, app: FastAPI) -> None:
        app.add_api_route("/organisations/changes", self.show, include_in_schema=False)
        for name, step in (("approve", self.approve), ("take-back", self.take_back)):
            path = f"/organisations/changes/{{change}}/{name}"
            app.add_api_route(path, step, methods=["POST"], include_in_schema=False)

    async def show(self, request: Request) -> JSONResponse:
        async with self._acting(request) as changes:
            return JSONResponse(jsonable_encoder({"changes": await changes.latest()}))

    async def approve(self, request: Request, change: UUID) -> JSONResponse:
        """`at`: from when a force's holds, ISO 8601 with its zone. `shown`: as the list of changes had it."""
        form = await read_form(request)
        try:
            at = datetime.fromisoformat(form["at"]).astimezone(self.clocks.wall().tzinfo) if "at" in form else None
        except (ValueError, OverflowError):
            raise Problem(HTTPStatus.BAD_REQUEST, "Not a time", "A time is needed.", field="at") from None
        async with self._acting(request) as changes:
            await changes.approve(change, at, shown=form.get("shown", ""))
        return JSONResponse({"done": "approved"})

    async def take_back(self, request: Request, change: UUID) -> JSONResponse:
        reason = (await read_form(request)).get("reason", "")[:MOST_OF_A_REASON]
        async with self._acting(request) as changes:
            is_done = await changes.take_back(change, reason)
        return JSONResponse({"done": "taken-back" if is_done else "asked-back"})

    @asynccontextmanager
    async def _acting(self, request: Request) -> AsyncIterator[OrganisationChanges]:
        """Raises Problem: 401 without a code of somebody who may, 409 with the reason where it cannot be done."""
        self.strangers.let_in(request, "organisations")
        try:
            async with self.store.transaction() as uow:
                changes = await changes_by_code(uow, self.keyring, bearer_of(request), self.clocks.wall())
                if changes is None:
                    detail = "A code of an operator or a duty manager of every authority is needed."
                    raise Problem(HTTPStatus.UNAUTHORIZED, "Not authenticated", detail)
                self.strangers.remember(request, "organisations")
                yield changes
        except CannotChange as cannot:
            raise Problem(HTTPStatus.CONFLICT, "It cannot be done", f"Nothing was changed: {cannot}.") from None
