"""Takes an authority from nothing to live: entered, given a credential, tried, exercised, switched on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import httpx
import psycopg

from services.console.acts.desk import ExerciseService
from services.console.acts.service import ConsoleService
from services.console.policy.access import ALL, Operator, Providers
from services.options.set_up.readiness import Check, Facts, ForceFacts, checks
from services.platform.delivery.model import TEXT_WAYS
from services.platform.register import directory
from services.platform.register.operators import (
    add_credential,
    has_left,
    new_token,
    record_change_of_authority,
    withdraw_credential,
)
from services.platform.store.query import Query, Rows, all_rows, first_row
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, new_id

TABLES = (
    "authority",
    "placements",
    "people",
    "carers",
    "children",
    "directory",
    "sharing_agreements",
    "agencies",
    "photographs",
)
LASTS = timedelta(days=365)
LASTS_FOR_A_FORM = timedelta(minutes=5)
WITHIN_SECONDS = 60
EXERCISED_WITHIN = timedelta(days=30)

AUTHORITIES = """
    SELECT id, name, live, duty_line IS NOT NULL AS has_duty_line, (
        SELECT coalesce(jsonb_object_agg(way, jsonb_build_object('number', number, 'sender', sender)), '{}')
        FROM register.text_numbers WHERE authority = id
    ) AS numbers
    FROM register.authorities
    WHERE %(authorities)s::text[] IS NULL OR id = ANY(%(authorities)s::text[]) ORDER BY id
"""
ENTER = """
    INSERT INTO register.authorities (id, name, live) VALUES (%(authority)s, %(name)s, false)
    ON CONFLICT (id) DO NOTHING RETURNING id
"""
UNNUMBER = "DELETE FROM register.text_numbers WHERE authority = %(authority)s"
NUMBER = """
    INSERT INTO register.text_numbers (authority, way, number, sender)
    VALUES (%(authority)s, %(way)s, %(number)s, %(sender)s)
"""
OPEN = "UPDATE register.authorities SET live = true WHERE id = %(authority)s AND NOT live RETURNING id"
CREDENTIALS = """
    SELECT id, tables, made_at, expires_at, client FROM casework.credentials
    WHERE authority = %(authority)s AND withdrawn_at IS NULL AND expires_at > %(now)s + interval '1 hour' ORDER BY made_at
"""
IMPORTED = "SELECT name, at FROM casework.last_imported WHERE authority = %(authority)s"
IMPORTS = "SELECT * FROM casework.imports_shown WHERE authority = %(authority)s ORDER BY at DESC, id LIMIT 20"
MANAGERS = """
    SELECT count(*) FILTER (WHERE second_factor IS NOT NULL OR provider IS NOT NULL) AS managers FROM accounts
    WHERE disabled_at IS NULL AND role = 'duty-manager' AND authorities && ARRAY[%(authority)s, 'all']
"""
FORCES = """
    SELECT p.force, f.host IS NOT NULL AS is_reached, coalesce(f.host NOT LIKE 'mail at %%', false) AS has_api,
        EXISTS (SELECT FROM register.sharing_for_police s WHERE s.authority = %(authority)s AND s.force = p.force
            AND s.fields <> '{}' AND %(today)s::date BETWEEN s.from_on AND coalesce(s.until_on, 'infinity')) AS is_agreed
    FROM (SELECT DISTINCT force FROM register.placements_for_protocol WHERE authority = %(authority)s) p
    LEFT JOIN LATERAL (SELECT host FROM register.forces_for_console f WHERE f.force = p.force AND effective_at <= %(now)s
        ORDER BY effective_at DESC LIMIT 1) f ON true ORDER BY p.force
"""
EXERCISED = """
    SELECT DISTINCT step ->> 'channel' AS channel FROM duties d, jsonb_array_elements(d.content -> 'steps') AS steps (step)
    WHERE d.exercise AND d.content ->> 'authority' = %(authority)s AND d.changed_at > %(since)s
    AND step ->> 'state' IN ('accepted', 'delivered', 'acknowledged')
"""


@dataclass(frozen=True, slots=True)
class Readiness:
    authority: Any
    checks: Sequence[Check]
    credentials: Rows
    imports: Rows
    forces: Sequence[ForceFacts]

    @property
    def may_open(self) -> bool:
        return not self.authority.live and all(each.is_met for each in self.checks)


@dataclass(frozen=True)
class AuthorityService(ConsoleService):
    """`casework`: where the register's door is, for files that are tried here. None: they are not."""

    providers: Providers | None
    casework: str | None

    async def authorities(self, operator: Operator) -> Rows:
        async with self.store.read() as reader:
            return await reader.fetch(Query(AUTHORITIES, {"authorities": operator.scope}, all_rows))

    async def readiness(self, operator: Operator, authority: AuthorityId) -> Readiness | None:
        """None for an authority that is not there, or not theirs."""
        if not operator.sees(authority):
            return None
        now, wall = self.clocks.story(), self.clocks.wall()
        asked = {"authority": authority, "now": wall, "today": now.date(), "since": now - EXERCISED_WITHIN}
        async with self.store.read() as reader:
            found, credentials, imported, imports, managers, forces, exercised, rota = await reader.fetch(
                Query(AUTHORITIES, {"authorities": [authority]}, first_row),
                Query(CREDENTIALS, asked, all_rows),
                Query(IMPORTED, asked, lambda rows: {row.name: row.at for row in rows}),
                Query(IMPORTS, asked, all_rows),
                Query(MANAGERS, asked, lambda rows: int(rows[0].managers)),
                Query(FORCES, asked, lambda rows: [ForceFacts(*row) for row in rows]),
                Query(EXERCISED, asked, lambda rows: {row.channel for row in rows}),
                directory.rota_lines(self.keyring, [authority], now),
            )
        if found is None:
            return None
        provided = [] if self.providers is None else self.providers.providers.values()
        signed_in = any({authority, ALL} & {*grant.listed} for each in provided for grant in each.groups.values())
        facts = Facts(found.has_duty_line, len(credentials), imported, rota, managers, signed_in, forces, exercised)
        return Readiness(found, checks(facts, now), credentials, imports, forces)

    async def enter(self, operator: Operator, authority: AuthorityId, name: str) -> str | None:
        """Why not: `left` or `taken`. No real report about its children is taken until it goes live."""
        async with self.store.transaction() as uow:
            if await uow.fetch(has_left(authority)):
                return "left"
            entered = await uow.fetch(Query(ENTER, {"authority": authority, "name": name}, bool))
            if entered:
                record_change_of_authority(uow, authority, "entered", operator.account)
        return None if entered else "taken"

    async def number(self, operator: Operator, authority: AuthorityId, said: Mapping[str, str]) -> bool:
        """Its own numbers for texts. False if another has one, one is no number, or its provider's name is lacking."""
        numbers = []
        for way, spec in TEXT_WAYS.items():
            number, sender = (said.get(f"{way}_{part}", "").replace(" ", "") or None for part in ("number", "sender"))
            if (sender is not None) != (number is not None and spec.sender is not None):
                return False
            if number is not None:
                numbers.append({"authority": authority, "way": way, "number": number, "sender": sender})
        try:
            async with self.store.transaction() as uow:
                await uow.fetch(Query(UNNUMBER, {"authority": authority}, len))
                for each in numbers:
                    await uow.fetch(Query(NUMBER, each, len))
                record_change_of_authority(uow, authority, "numbered", operator.account)
        except (psycopg.IntegrityError, psycopg.DataError):
            return False
        return True

    async def make_credential(self, operator: Operator, authority: AuthorityId) -> str:
        """Its token, which is kept nowhere."""
        async with self.store.transaction() as uow:
            name, token = await self._credential(uow, authority, LASTS)
            record_change_of_authority(uow, authority, "credential-made", operator.account, name)
        return token

    async def withdraw(self, operator: Operator, authority: AuthorityId, credential: str) -> bool:
        """False if it does not hold any more."""
        async with self.store.transaction() as uow:
            withdrawn = await uow.fetch(withdraw_credential(credential, self.clocks.wall(), authority)) is not None
            if withdrawn:
                record_change_of_authority(uow, authority, "credential-withdrawn", operator.account, credential)
        return withdrawn

    async def take_files(
        self, operator: Operator, authority: AuthorityId, mapping: str, files: Mapping[str, bytes], **asked: str
    ) -> tuple[int, dict[str, Any]]:
        """Casework's answer to these files. `asked`: `try` or `confirm`. Raises httpx.HTTPError."""
        parts = [("file", (name, content, "text/csv")) for name, content in files.items()]
        return await self._ask(operator, authority, "files", params=asked, data={"mapping": mapping}, files=parts)

    async def undo(self, operator: Operator, authority: AuthorityId, imported: str) -> tuple[int, dict[str, Any]]:
        """Casework's answer. Raises httpx.HTTPError."""
        return await self._ask(operator, authority, f"imports/{UUID(imported)}/undo")

    async def _ask(
        self, operator: Operator, authority: AuthorityId, path: str, **content: Any
    ) -> tuple[int, dict[str, Any]]:
        """By a credential for this alone: only casework writes the register."""
        async with self.store.transaction() as uow:
            name, token = await self._credential(uow, authority, LASTS_FOR_A_FORM)
            record_change_of_authority(uow, authority, "credential-made", operator.account, name)
        bearer = {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(
            base_url=self.casework or "", timeout=WITHIN_SECONDS, headers=bearer, trust_env=False
        ) as client:
            answer = await client.post(f"/register/{authority}/{path}", **content)
        return answer.status_code, dict(answer.json())

    async def exercise(self, operator: Operator, readiness: Readiness, act: UUID) -> int:
        """How many began: one in each force's area. A repeated `act` begins none."""
        service = ExerciseService(self.store, self.clocks, self.keyring)
        for each in readiness.forces:
            one = uuid5(act, each.force)
            await service.start(operator, one, readiness.authority.id, each.force, "Every channel, before going live")
        return len(readiness.forces)

    async def open(self, operator: Operator, readiness: Readiness) -> bool:
        """From now on real reports about its children are taken. False if something is lacking, or if it is live."""
        if not readiness.may_open:
            return False
        async with self.store.transaction() as uow:
            opened = await uow.fetch(Query(OPEN, {"authority": readiness.authority.id}, bool))
            if opened:
                record_change_of_authority(uow, readiness.authority.id, "live", operator.account)
        return opened

    async def _credential(self, uow: UnitOfWork, authority: AuthorityId, lasts: timedelta) -> tuple[str, str]:
        name, token, now = new_id("credential"), new_token(), self.clocks.wall()
        row = {"id": name, "authority": authority, "tables": TABLES, "expires_at": now + lasts}
        await uow.fetch(add_credential(row, token, now))
        return name, token
