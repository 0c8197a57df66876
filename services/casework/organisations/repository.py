"""Keeps what forces and agencies say of themselves. A force's versions are only added, approved or taken back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from services.casework.policy.organisations import AgencyRow, ForceRow, Organisations, Version, describe_change
from services.platform.register.keys import Decryptor, decryptor_of, key_of
from services.platform.register.organisations import agencies, forces
from services.platform.register.organisations.change_record import record_change, record_change_of_authority
from services.platform.register.organisations.forces import Force, versions_of
from services.platform.store.disposal import erasures
from services.platform.store.encryption import OF_NO_AUTHORITY, Keyring
from services.platform.store.query import PATIENTLY, Query, all_rows, first_row, scalar
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, ForceId
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
VERSION = """
    SELECT v.force, v.proposed_by, v.effective_at, v.id IN (SELECT version FROM register.versions_tried) AS was_tried,
        v.taken_back_at IS NOT NULL AS is_taken_back,
        (SELECT count(*) FROM register.force_versions o WHERE o.force = v.force AND o.id <> v.id
            AND o.effective_at <= %(now)s AND o.taken_back_at IS NULL) AS others_in_force, v.asked_back_by
    FROM register.force_versions v WHERE v.id = %(version)s
"""
APPROVE = """
    UPDATE register.force_versions SET approved_by = %(by)s, effective_at = %(at)s, changes = %(changes)s
    WHERE id = %(version)s
"""
ASK_BACK = "UPDATE register.force_versions SET asked_back_by = %(by)s WHERE id = %(version)s"
TAKE_BACK = """
    UPDATE register.force_versions SET taken_back_by = %(by)s, taken_back_at = %(at)s, reason = %(reason)s
    WHERE id = %(version)s
"""
AGENCY = """
    SELECT a.secrets, k.wrapped, (SELECT jsonb_object_agg(source, authority) FROM register.agency_sources WHERE agency = a.id) AS sources
    FROM register.agencies a LEFT JOIN register.data_keys k ON k.owner = 'agency-' || a.id WHERE a.id = %(agency)s
"""
KEEP_AGENCY = """
    INSERT INTO register.agencies (id, secrets) VALUES (%(agency)s, %(secrets)s)
    ON CONFLICT (id) DO UPDATE SET secrets = excluded.secrets
"""
PROPOSE_AGENCY = """
    INSERT INTO register.agency_changes (id, agency, secrets, sources, proposed_by, proposed_at)
    VALUES (%(change)s, %(agency)s, %(secrets)s, %(sources)s::jsonb, %(by)s, %(now)s)
"""
AGENCY_CHANGE = """
    SELECT agency, secrets, sources, proposed_by FROM register.agency_changes
    WHERE id = %(change)s AND secrets IS NOT NULL
"""
APPROVE_AGENCY_CHANGE = """
    UPDATE register.agency_changes SET approved_by = %(by)s, effective_at = %(now)s, changes = %(changes)s, secrets = NULL
    WHERE id = %(change)s
"""
TAKE_AGENCY_CHANGE_BACK = """
    UPDATE register.agency_changes SET taken_back_by = %(by)s, taken_back_at = %(now)s, reason = %(reason)s, secrets = NULL
    WHERE id = %(change)s
"""
FORGET_SOURCES = "DELETE FROM register.agency_sources WHERE agency = %(agency)s"
KEEP_SOURCE = """
    INSERT INTO register.agency_sources (source, agency, authority) VALUES (%(source)s, %(agency)s, %(authority)s)
"""
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


@dataclass(frozen=True, slots=True)
class AgencyChange:
    before: AgencyRow
    after: AgencyRow
    proposed_by: AccountId

    @property
    def lines(self) -> list[str]:
        return describe_change(self.before, self.after, OF_AN_AGENCY)


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
        known = await uow.fetch(versions_of(keyring, force.id))
        if known and not _differences(force, known[-1]):
            continue
        version = await _add_version(uow, keyring, force, by, now, effective_at=None if known else now)
        step, fields = ("proposed", _differences(force, known[-1])) if known else ("entered", OF_A_VERSION)
        record_change(uow, forces.owner_of(force.id), step, by, version=version, fields=tuple(fields))
        if known:
            proposed[force.id] = version
    for agency in given.agencies:
        change = await _put_agency(uow, keyring, agency, by, now)
        proposed |= {} if change is None else {agency.id: change}
    return proposed


async def latest_changes(uow: UnitOfWork, most: int) -> list[dict[str, Any]]:
    """Of every force and agency, those that wait first, then the newest. None has a secret."""
    return await uow.fetch(Query(LATEST, {"most": most}, lambda rows: [row._asdict() for row in rows]))


async def version_of(uow: UnitOfWork, version: UUID, now: datetime) -> Version | None:
    row = await uow.fetch(Query(VERSION, {"version": version, "now": now}, first_row))
    return None if row is None else Version(*row)


def approve(
    uow: UnitOfWork, version: UUID, of: Version, by: AccountId, effective_at: datetime, changes: Sequence[str] = ()
) -> None:
    """`changes`: what `by` was shown."""
    uow.write(APPROVE, {"version": version, "by": by, "at": effective_at, "changes": list(changes)})
    record_change(uow, forces.owner_of(of.force), "approved", by, version=version, effective_at=effective_at)


def ask_back(uow: UnitOfWork, version: UUID, of: Version, by: AccountId) -> None:
    uow.write(ASK_BACK, {"version": version, "by": by})
    record_change(uow, forces.owner_of(of.force), "asked-back", by, version=version)


async def describe(uow: UnitOfWork, keyring: Keyring, change: UUID, force: ForceId, now: datetime) -> list[str]:
    """What the change of the force would change of what holds now."""
    known = await uow.fetch(versions_of(keyring, force))
    holds = [each for each in known if each.effective_at is not None and each.effective_at <= now]
    wanted = next((each for each in known if each.version == change), None)
    return describe_change(holds[-1], wanted, OF_A_VERSION) if holds and wanted is not None else []


def take_back(
    uow: UnitOfWork, version: UUID, of: Version, by: AccountId, now: datetime, reason: str | None = None
) -> None:
    """The version before it is in force again; where it was the one before itself, its keys no longer count."""
    uow.write(TAKE_BACK, {"version": version, "by": by, "at": now, "reason": reason})
    record_change(uow, forces.owner_of(of.force), "taken-back", by, version=version)


async def destroy_key(
    uow: UnitOfWork, authority: AuthorityId, by: AccountId, now: datetime
) -> list[erasures.Hindrance] | None:
    """The first person asks (None), and a second one does it, where nothing hinders it. Its data keys go with it; what
    is kept from now on is under a new key.
    """
    owner = erasures.owner_of(authority)
    if not await uow.fetch(Query(HAS_KEY, {"authority": authority, "common": OF_NO_AUTHORITY}, scalar)):
        return [erasures.Hindrance("gone", authority)]
    _, hindered = await uow.fetch(PATIENTLY, erasures.hindrances(owner))
    if hindered:
        return hindered
    if await uow.fetch(erasures.ask_erasure(uuid4(), authority, owner, None, by, now)):
        record_change_of_authority(uow, authority, "key-destruction-asked", by)
        return None
    waiting = await uow.fetch(erasures.waiting_erasure(owner))
    hindered = await uow.fetch(erasures.approve_erasure(waiting or uuid4(), by, now))
    if not hindered:
        record_change_of_authority(uow, authority, "key-destroyed", by)
    return hindered


def _differences(row: ForceRow, version: Force) -> list[str]:
    said = row.model_dump()
    return [name for name in OF_A_VERSION if said[name] != getattr(version, name)]


async def _add_version(
    uow: UnitOfWork, keyring: Keyring, row: ForceRow, by: AccountId, now: datetime, *, effective_at: datetime | None
) -> UUID:
    key, version = await key_of(uow, keyring, forces.owner_of(row.id)), uuid4()
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
    known, change, owner = await _agency(uow, keyring, row.id), uuid4(), agencies.owner_of(row.id)
    changed = tuple(name for name in OF_AN_AGENCY if getattr(row, name) != getattr(known, name, None))
    if not changed:
        return None
    secrets = (await key_of(uow, keyring, owner)).close(json.dumps(row.secrets), SECRETS)
    if known is None:
        await _keep_agency(uow, row.id, secrets, row.sources)
        record_change(uow, owner, "entered", by, fields=changed)
        return None
    about = {"change": change, "agency": row.id, "secrets": secrets, "sources": json.dumps(row.sources)}
    await uow.fetch(Query(PROPOSE_AGENCY, about | {"by": by, "now": now}, all_rows))
    record_change(uow, owner, "proposed", by, version=change, fields=changed)
    return change


async def agency_change(uow: UnitOfWork, keyring: Keyring, change: UUID) -> AgencyChange | None:
    row = await uow.fetch(Query(AGENCY_CHANGE, {"change": change}, first_row))
    before = None if row is None else await _agency(uow, keyring, row.agency)
    if row is None or before is None:
        return None
    decryptor = await decryptor_of(uow.connection, keyring, agencies.owner_of(row.agency))
    secrets = tuple(json.loads(decryptor.open(row.secrets, SECRETS) or "[]"))
    return AgencyChange(before, AgencyRow(id=row.agency, secrets=secrets, sources=row.sources), row.proposed_by)


async def approve_agency_change(
    uow: UnitOfWork, keyring: Keyring, change: UUID, of: AgencyChange, by: AccountId, now: datetime
) -> None:
    """Its keys and sources are the agency's from now on."""
    owner = agencies.owner_of(of.after.id)
    secrets = (await key_of(uow, keyring, owner)).close(json.dumps(of.after.secrets), SECRETS)
    await _keep_agency(uow, of.after.id, secrets, of.after.sources)
    uow.write(APPROVE_AGENCY_CHANGE, {"change": change, "by": by, "now": now, "changes": of.lines})
    record_change(uow, owner, "approved", by, version=change)


def take_agency_change_back(
    uow: UnitOfWork, change: UUID, of: AgencyChange, by: AccountId, now: datetime, reason: str | None
) -> None:
    uow.write(TAKE_AGENCY_CHANGE_BACK, {"change": change, "by": by, "now": now, "reason": reason})
    record_change(uow, agencies.owner_of(of.after.id), "taken-back", by, version=change)


async def _agency(uow: UnitOfWork, keyring: Keyring, agency: str) -> AgencyRow | None:
    known = await uow.fetch(Query(AGENCY, {"agency": agency}, first_row))
    if known is None:
        return None
    secrets = Decryptor(keyring, agencies.owner_of(agency), known.wrapped).open(known.secrets, SECRETS)
    return AgencyRow(id=agency, secrets=tuple(json.loads(secrets or "[]")), sources=known.sources or {})


async def _keep_agency(uow: UnitOfWork, agency: str, secrets: bytes, sources: Mapping[str, AuthorityId]) -> None:
    about = {"agency": agency, "secrets": secrets}
    named = [{"source": source, "agency": agency, "authority": each} for source, each in sources.items()]
    await uow.fetch_each(
        [
            Query(KEEP_AGENCY, about, all_rows),
            Query(FORGET_SOURCES, about, all_rows),
            *(Query(KEEP_SOURCE, each, all_rows) for each in named),
        ]
    )
