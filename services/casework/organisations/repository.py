"""Keeps what forces and agencies say of themselves. A force's versions are only added, approved or taken back."""

import json
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID, uuid4

from services.casework.policy.organisations import AgencyRow, ForceRow, Organisations, Version
from services.platform.register.keys import Decryptor, key_of
from services.platform.register.organisations import agencies, forces
from services.platform.register.organisations.forces import Force, versions_of
from services.platform.store.encryption import OF_NO_AUTHORITY, Keyring
from services.platform.store.query import Query, all_rows, first_row
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId
from services.safeguarding.operators import AccountId, OrganisationChanged

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
            AND o.effective_at <= %(now)s AND o.taken_back_at IS NULL) AS others_in_force
    FROM register.force_versions v WHERE v.id = %(version)s
"""
APPROVE = "UPDATE register.force_versions SET approved_by = %(by)s, effective_at = %(at)s WHERE id = %(version)s"
TAKE_BACK = "UPDATE register.force_versions SET taken_back_by = %(by)s, taken_back_at = %(at)s WHERE id = %(version)s"
AGENCY = """
    SELECT a.secrets, k.wrapped, (SELECT jsonb_object_agg(source, authority) FROM register.agency_sources WHERE agency = a.id) AS sources
    FROM register.agencies a LEFT JOIN register.data_keys k ON k.owner = 'agency-' || a.id WHERE a.id = %(agency)s
"""
KEEP_AGENCY = """
    INSERT INTO register.agencies (id, secrets) VALUES (%(agency)s, %(secrets)s)
    ON CONFLICT (id) DO UPDATE SET secrets = excluded.secrets
"""
FORGET_SOURCES = "DELETE FROM register.agency_sources WHERE agency = %(agency)s"
KEEP_SOURCE = """
    INSERT INTO register.agency_sources (source, agency, authority) VALUES (%(source)s, %(agency)s, %(authority)s)
"""
DESTROY_KEY = """
    DELETE FROM register.authority_keys WHERE authority = %(authority)s AND authority <> %(common)s RETURNING authority
"""
SECRETS = "agencies.secrets"
OF_A_VERSION = tuple(each for each in ForceRow.model_fields if each != "id")


async def lock_organisations(uow: UnitOfWork) -> None:
    """Until the end of the transaction nobody else changes one: two who approve see each other."""
    await uow.fetch(Query(LOCK, {}, all_rows))


async def put_organisations(
    uow: UnitOfWork, keyring: Keyring, given: Organisations, by: AccountId, now: datetime
) -> dict[str, UUID]:
    """Enters what is new, and keeps an agency's row. What differs from a force's newest version is proposed: returned,
    by force. The caller has locked the organisations. `now` is wall time.
    """
    proposed: dict[str, UUID] = {}
    for force in given.forces:
        known = await uow.fetch(versions_of(keyring, force.id))
        if known and not _differences(force, known[-1]):
            continue
        version = await _add_version(uow, keyring, force, by, now, effective_at=None if known else now)
        step, fields = ("proposed", _differences(force, known[-1])) if known else ("entered", OF_A_VERSION)
        changed = OrganisationChanged(step=step, version=version, account=by, fields=tuple(fields))
        uow.publish(changed, subject=forces.owner_of(force.id))
        if known:
            proposed[force.id] = version
    for agency in given.agencies:
        await _keep_agency(uow, keyring, agency, by)
    return proposed


async def version_of(uow: UnitOfWork, version: UUID, now: datetime) -> Version | None:
    row = await uow.fetch(Query(VERSION, {"version": version, "now": now}, first_row))
    return None if row is None else Version(*row)


def approve(uow: UnitOfWork, version: UUID, of: Version, by: AccountId, effective_at: datetime) -> None:
    uow.write(APPROVE, {"version": version, "by": by, "at": effective_at})
    changed = OrganisationChanged(step="approved", version=version, account=by, effective_at=effective_at)
    uow.publish(changed, subject=forces.owner_of(of.force))


def take_back(uow: UnitOfWork, version: UUID, of: Version, by: AccountId, now: datetime) -> None:
    """The version before it is in force again; where it was the one before itself, its keys no longer count."""
    uow.write(TAKE_BACK, {"version": version, "by": by, "at": now})
    changed = OrganisationChanged(step="taken-back", version=version, account=by)
    uow.publish(changed, subject=forces.owner_of(of.force))


async def destroy_key(uow: UnitOfWork, authority: AuthorityId, by: AccountId) -> bool:
    """Whether it had one. Its data keys go with it; what is kept from now on is under a new key."""
    destroyed = await uow.fetch(Query(DESTROY_KEY, {"authority": authority, "common": OF_NO_AUTHORITY}, first_row))
    if destroyed is not None:
        uow.publish(OrganisationChanged(step="key-destroyed", account=by), subject=f"authority-{authority}")
    return destroyed is not None


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


async def _keep_agency(uow: UnitOfWork, keyring: Keyring, row: AgencyRow, by: AccountId) -> None:
    key, owner = await key_of(uow, keyring, agencies.owner_of(row.id)), agencies.owner_of(row.id)
    known = await uow.fetch(Query(AGENCY, {"agency": row.id}, first_row))
    before = None
    if known is not None:
        secrets = Decryptor(keyring, owner, known.wrapped).open(known.secrets, SECRETS)
        before = AgencyRow(id=row.id, secrets=tuple(json.loads(secrets or "[]")), sources=known.sources or {})
    changed = [name for name in ("secrets", "sources") if getattr(row, name) != getattr(before, name, None)]
    if not changed:
        return
    about = {"agency": row.id, "secrets": key.close(json.dumps(row.secrets), SECRETS)}
    await uow.fetch(Query(KEEP_AGENCY, about, all_rows), Query(FORGET_SOURCES, about, all_rows), *_sources(row))
    uow.publish(OrganisationChanged(step="entered", account=by, fields=tuple(changed)), subject=owner)


def _sources(row: AgencyRow) -> Iterable[Query[object]]:
    for source, authority in row.sources.items():
        yield Query(KEEP_SOURCE, {"source": source, "agency": row.id, "authority": authority}, all_rows)
