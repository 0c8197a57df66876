"""Applies an import of the register: all of it or nothing, or tries it and changes nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from services.casework import metrics
from services.casework.settings import CaseworkSettings
from services.casework.store import people_on_directory, publish_directory_changes
from services.options.register_upkeep import history, writer
from services.options.register_upkeep.policy import register_import
from services.options.register_upkeep.policy.rows import TABLES
from services.platform.register.operators import has_left
from services.platform.runtime.clocks import Clocks
from services.platform.store.disposal import MOST, schedule
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store

ONLY_A_PERSON = "an import cannot have a record kept for less time than before; a person can (services register keep)"

AN_ID_OF_ITS_OWN = "an id that no authority had before: this one has left, and its id ends its record"


class Refused(Exception):
    """Nothing was changed: these rows are wrong."""

    def __init__(self, faults: Sequence[register_import.Fault]) -> None:
        super().__init__("faults")
        self.faults = faults


class Held(Exception):
    """Nothing was changed: it would end more than an import may unasked."""

    def __init__(self, losses: Mapping[str, register_import.Loss]) -> None:
        super().__init__("losses")
        self.losses = losses


class _Tried(Exception):
    """Rolls back what was only tried."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__("tried")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Sent:
    """`by`: the credential, or a person's account. `feed`: single rows, each with its time. `confirmed`: it may end as
    much as it does. `trying`: nothing is changed.
    """

    document: Mapping[str, Any]
    sha256: str
    by: str
    feed: bool = False
    confirmed: bool = False
    trying: bool = False


@dataclass
class RegisterImporter:
    store: Store
    clocks: Clocks
    keyring: Keyring
    settings: CaseworkSettings

    def __post_init__(self) -> None:
        self._at_once = asyncio.Semaphore(max(1, self.settings.database_connections // 2))
        """Leaves connections to agencies' events, however many authorities import at two in the morning."""

    async def take(self, authority: str, sent: Sent) -> dict[str, Any]:
        """How many rows of each table it has and how many differ from before, once all of it is durable.

        Raises Refused, Held. A trial is never held: its answer says that the import would be.
        """
        at = self.clocks.story()
        given, faults = await asyncio.to_thread(register_import.read, sent.document, authority, feed=sent.feed)
        if len(faults) >= register_import.MOST_FAULTS:
            _require_none(faults)
        faults += [*register_import.birth_faults(given, at.date()), *register_import.age_faults(given, at)]
        if given.authority is not None:
            wrong = period_faults(given.authority.retention or {})
            faults += [register_import.Fault("authority", 1, "", "retention", wanted) for wanted in wrong]
        try:
            async with self._at_once:
                answer = await self._apply(authority, sent, given, faults)
        except _Tried as tried:
            return tried.answer
        metrics.IMPORTS.labels("applied").inc()
        return answer

    async def _apply(
        self, authority: str, sent: Sent, given: register_import.Import, faults: Sequence[register_import.Fault]
    ) -> dict[str, Any]:
        async with self.store.transaction([authority]) as uow:
            imported = await history.begin_import(uow)
            if await uow.fetch(has_left(authority)):
                _require_none([register_import.Fault("authority", 1, authority, "id", AN_ID_OF_ITS_OWN)])
            before = await writer.lock_and_read(uow, authority)
            given, passed_over = register_import.drop_given_away(given, before)
            given, older = register_import.drop_older(given, before)
            given = register_import.give_codes(given, before)
            corrected = await uow.fetch(writer.corrections_by_reference(self.keyring, authority))
            given, kept, agreed = register_import.keep_corrections(given, corrected)
            _require_none([*faults, *register_import.cross_faults(given, before)])
            at = self.clocks.story()
            people = await uow.fetch(people_on_directory(authority))
            await writer.write_import(uow, self.keyring, authority, given, before, at)
            shared, shorter = await uow.fetch(
                writer.people_sharing_a_number(authority), history.shortened_periods(imported)
            )
            less = [
                register_import.Fault("authority", 1, "", "retention", f"{each}: {ONLY_A_PERSON}") for each in shorter
            ]
            _require_none([*less, *register_import.sharing_faults(given, shared)])
            losses = (
                {} if sent.confirmed else await uow.fetch(history.losses_of(imported, authority, at, fed=sent.feed))
            )
            would_end = register_import.excessive(losses, self.settings.import_brake_share)
            counts = {name: len(rows) for name in TABLES if (rows := getattr(given, name)) is not None}
            answer: dict[str, Any] = {"authority": authority, "rows": counts}
            more = {"transferred": list(passed_over), "corrections_kept": kept, "older": older}
            answer |= {name: each for name, each in more.items() if each}
            if sent.trying:
                changes = await uow.fetch(history.changes_of(imported))
                held = {what: asdict(each) for what, each in would_end.items()}
                raise _Tried(answer | {"tried": True, "changes": changes, "held": held})
            if would_end:
                metrics.IMPORTS.labels("held").inc()
                raise Held(would_end)
            writer.forget_corrections(uow, authority, agreed)
            await history.publish_date_changes(uow, authority, imported)
            await publish_directory_changes(uow, authority, people)
            tables = {*counts, *(["authority"] if given.authority else [])}
            source = history.ImportSource(sent.by, tables, sent.sha256, fed=sent.feed, confirmed=sent.confirmed)
            changed = await history.keep_import(uow, imported, authority, source, at)
        return answer | {"import": str(imported), "changed": changed}


def _require_none(faults: Sequence[register_import.Fault]) -> None:
    if faults:
        metrics.IMPORTS.labels("refused").inc()
        raise Refused(faults)


def period_faults(days: Mapping[str, int]) -> list[str]:
    """What is wrong with an authority's own periods, by record."""
    own = {name: each.least for name, each in schedule().records.items() if each.least}
    faults = [f"one of these records is needed: {', '.join(sorted(own))}"] if {*days} - {*own} else []
    return faults + [
        f"{name}: {least.days} to {MOST.days} days are allowed"
        for name, least in own.items()
        if not least.days <= days.get(name, MOST.days) <= MOST.days
    ]
