"""Counts what an authority owes for a month or a year, and serves it: absences, the checks and interviews after them, a
list, and the return's own table.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

from services.console.acts.service import ActRecorder
from services.console.policy.access import May
from services.console.policy.acts import REASON
from services.console.web.templates import Pages
from services.options.returns.missing_rules import MEANINGS, find_faults
from services.platform.register.keys import Decryptor
from services.platform.register.police_notice import birth_date_of
from services.platform.runtime.problems import Problem
from services.platform.store.disposal import schedule
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows
from services.platform.store.unit_of_work import Store
from services.safeguarding.deeds import Faults
from services.safeguarding.duty.decisions import RegisterLookedUp
from services.safeguarding.identifiers import AuthorityId, ChildId, Scope, derived, is_provisional
from services.safeguarding.operators import OperatorAct
from services.safeguarding.working_time import ENGLAND, TimeForm, format_time, in_england

DAY, THREE_DAYS, TOGETHER = timedelta(hours=24), timedelta(hours=72), timedelta(hours=1)
APRIL = 4
"""A collection year begins with its first day."""


@dataclass(frozen=True, slots=True)
class Absence:
    """`missing`: M, or A where the child was away without authorisation. `home` and `code`: None, if not known."""

    episode: UUID
    reference: str
    child: ChildId
    authority: AuthorityId
    missing: str
    started_at: datetime
    ended_at: datetime | None
    checked_at: datetime | None
    offered_at: datetime | None
    held_at: datetime | None
    declined_at: datetime | None
    told: Mapping[str, datetime]
    code: str | None
    home: str | None

    def within(self, deed: datetime | None, limit: timedelta) -> bool:
        return deed is not None and self.ended_at is not None and deed <= self.ended_at + limit


@dataclass(frozen=True, slots=True)
class Period:
    """`name`: a month, such as 2026-11, or the year in which a collection year begins, such as 2026."""

    name: str
    start: datetime
    end: datetime

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last, in England."""
        return in_england(self.start).date(), (in_england(self.end) - timedelta(days=1)).date()

    @property
    def before(self) -> "Period":
        """The month or the year before it."""
        months = 1 if "-" in self.name else 12
        return _period_from(_move(in_england(self.start), -months), months)

    def began_within(self, months: int, now: datetime) -> bool:
        """In one of the last whole months of UTC, so many and this one: what is kept by month is kept of all of it."""
        return 12 * (now.year - self.start.year) + now.month - self.start.month <= months


def period_of(name: str) -> Period | None:
    year, _, month = name.partition("-")
    try:
        return _period_from(datetime(int(year), int(month or APRIL), 1, tzinfo=ENGLAND), 1 if month else 12)
    except (ValueError, OverflowError):
        return None


def _period_from(first: datetime, months: int) -> Period:
    name = f"{first:%Y-%m}" if months == 1 else f"{first:%Y}"
    return Period(name, first.astimezone(UTC), _move(first, months).astimezone(UTC))


def _move(first: datetime, months: int) -> datetime:
    """To the first of another month, in England."""
    count = 12 * first.year + first.month - 1 + months
    return first.replace(year=count // 12, month=count % 12 + 1)


def _begun_in(period: Period, absences: Iterable[Absence]) -> list[Absence]:
    """Without those that only went on in it."""
    return [each for each in absences if each.started_at >= period.start]


Counts = Mapping[str, Sequence[Absence]]


def count_absences(absences: Sequence[Absence]) -> Counts:
    """Each number by its name, as the absences that it counts. A report of which nobody knows the child yet may be one
    of the others: it stands apart, and is in no other number.
    """
    unknown = [each for each in absences if is_provisional(each.child)]
    absences = [each for each in absences if not is_provisional(each.child)]
    back = [each for each in absences if each.ended_at is not None]
    repeats, homes = _groups(absences, lambda each: each.child), by_home(absences)
    return {
        "absences": absences,
        "missing": [each for each in absences if each.missing == "M"],
        "away": [each for each in absences if each.missing == "A"],
        "repeats": [each for group in repeats.values() if len(group) > 1 for each in group],
        "together": [each for each in absences if any(_went_together(each, other) for other in homes[each.home or ""])],
        "back": back,
        "checked": [each for each in back if each.checked_at],
        "checked-24h": [each for each in back if each.within(each.checked_at, DAY)],
        "offered-24h": [each for each in back if each.within(_first_offer(each), DAY)],
        "held": [each for each in back if each.held_at],
        "held-72h": [each for each in back if each.within(each.held_at, THREE_DAYS)],
        "declined": [each for each in back if each.declined_at and not each.held_at],
        "not-identified": unknown,
        "no-interview": [each for each in back if not each.held_at and not each.declined_at],
    }


def by_home(absences: Iterable[Absence]) -> Counts:
    return _groups(absences, lambda each: each.home or "")


def by_hour(absences: Iterable[Absence]) -> Counts:
    """Of England's day."""
    return _groups(absences, lambda each: f"{in_england(each.started_at):%H}:00")


def _first_offer(absence: Absence) -> datetime | None:
    """An interview that was held or declined had been offered by then."""
    return min(filter(None, (absence.offered_at, absence.held_at, absence.declined_at)), default=None)


def _went_together(one: Absence, other: Absence) -> bool:
    return one.home is not None and one.child != other.child and abs(one.started_at - other.started_at) <= TOGETHER


def _groups(absences: Iterable[Absence], key: Callable[[Absence], str]) -> dict[str, list[Absence]]:
    found: dict[str, list[Absence]] = {}
    for each in sorted(absences, key=key):
        found.setdefault(key(each), []).append(each)
    return found


IN_PERIOD = """
    started_at < %(end)s AND (ended_at IS NULL OR ended_at >= %(start)s)
    AND (%(authorities)s::text[] IS NULL OR a.authority = ANY(%(authorities)s::text[]))
"""
ABSENCES = f"""
    SELECT episode, a.reference, a.child, a.authority, missing, started_at, ended_at, checked_at, offered_at, held_at,
           declined_at, told, c.code, h.reference AS home
    FROM absences a LEFT JOIN register.for_console c ON c.child = a.child AND c.authority = a.authority
    LEFT JOIN register.homes_for_console h ON h.placement = a.placement AND h.authority = a.authority
    WHERE {IN_PERIOD} ORDER BY started_at
"""  # noqa: S608 this module's own words
MISSING_TABLE = f"""
    SELECT a.child, c.authority, c.date_of_birth, c.wrapped, c.reference AS "CHILD", missing AS "MISSING",
           to_char(started_at AT TIME ZONE 'Europe/London', 'DD/MM/YYYY') AS "MIS_START",
           CASE WHEN ended_at < %(end)s THEN to_char(ended_at AT TIME ZONE 'Europe/London', 'DD/MM/YYYY') END AS "MIS_END"
    FROM absences a JOIN register.children_for_return c ON c.child = a.child AND c.authority = a.authority
    WHERE {IN_PERIOD} ORDER BY c.authority, c.reference, started_at
"""  # noqa: S608 as above
"""The columns of the table Missing of the return on looked-after children (SSDA903)."""


def absences_in(period: Period, authorities: Scope) -> Query[list[Absence]]:
    """Those that began in it, or went on."""

    def decode(rows: Rows) -> list[Absence]:
        told = ({role: datetime.fromisoformat(at) for role, at in (row.told or {}).items()} for row in rows)
        return [Absence(**row._asdict() | {"told": each}) for row, each in zip(rows, told, strict=True)]

    return Query(ABSENCES, _named(period, authorities), decode)


def missing_table(keyring: Keyring, period: Period, authorities: Scope) -> Query[list[tuple[Any, ...]]]:
    """With each row's child and authority in front. Call it only where a reason is on record."""

    def decode(rows: Rows) -> list[tuple[Any, ...]]:
        births = (birth_date_of(Decryptor(keyring, row.child, row.wrapped), row) for row in rows)
        return [
            (row.child, row.authority, row.CHILD, None if born is None else f"{born:%d/%m/%Y}", *row[5:])
            for row, born in zip(rows, births, strict=True)
        ]

    return Query(MISSING_TABLE, _named(period, authorities), decode)


def _named(period: Period, authorities: Scope) -> dict[str, Any]:
    return {"start": period.start, "end": period.end, "authorities": authorities}


FORMULA = ("=", "+", "-", "@", "\t", "\r")
OF_LIST = (
    "Child", "Absence", "Home", "Missing or away", "Began", "Ended", "Safe and well check", "Interview offered", "Interview held",
    "Interview declined",
)  # fmt: skip
OF_TABLE = ("CHILD", "DOB", "MISSING", "MIS_START", "MIS_END")
OF_RETURN = ("child.reference", "child.date_of_birth")
KEPT_MONTHS = schedule().records["timeline"].months or 0
GONE = f"Reports are kept for {KEPT_MONTHS} months, and this period began before. Its figures would be wrong. Choose a later one."


@dataclass(frozen=True)
class ReturnPages(Pages):
    store: Store
    keyring: Keyring

    def mount(self, app: FastAPI) -> None:
        self.serve(app, "/returns", self.show)
        self.serve(app, "/returns/list.csv", self.show_list)
        self.serve(app, "/returns/missing.csv", sends=self.draw)

    async def show(self, request: Request, period: str = "") -> Response:
        signed_in = await self.guard.require(request)
        chosen = self._period(period)
        before = chosen.before if chosen.before.began_within(KEPT_MONTHS, self.templates.clocks.story()) else None
        async with self.store.read() as reader:
            absences = await reader.fetch(absences_in(chosen, signed_in.operator.scope))
            earlier = [] if before is None else await reader.fetch(absences_in(before, signed_in.operator.scope))
        begun = _begun_in(chosen, absences)
        shown = {
            "period": chosen,
            "before": before,
            "counts": count_absences(begun),
            "counts_before": {} if before is None else count_absences(_begun_in(before, earlier)),
            "homes": by_home(begun),
            "hours": by_hour(begun),
            "absences": absences,
            "act": uuid4(),
        }
        return self.templates.page(signed_in, "returns.html", shown)

    async def show_list(self, request: Request, period: str = "") -> Response:
        """For the partnership or an inspector: by code, as on the page; one fact a cell, times in England's."""
        signed_in, chosen = await self.guard.require(request), self._period(period)
        async with self.store.read() as reader:
            absences = await reader.fetch(absences_in(chosen, signed_in.operator.scope))
        told = sorted({role for each in absences for role in each.told})
        names = [f"{self.templates.words.of(role, 'role')} told" for role in told]
        columns = (*OF_LIST, *(f"{each[:1].upper()}{each[1:]}" for each in names))
        return _sheet(f"absences-{chosen.name}.csv", columns, [_in_cells(each, told) for each in absences])

    async def draw(self, request: Request) -> Response:
        """With each child's id and birth date, on the record of each, with the reason. A table that the Department
        would refuse is drawn only by who has seen why.
        """
        signed_in, form = await self.guard.enter_with_form(request, May.REVEAL, proved=True)
        clocks, chosen, operator = self.templates.clocks, self._period(form.get("period", "")), signed_in.operator
        try:
            answers = self.read(form, [REASON])
        except Faults as faults:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "reason-needed") from faults
        async with self.store.transaction() as uow:
            rows = await uow.fetch(missing_table(self.keyring, chosen, operator.scope))
            for child, authority in {(child, authority) for child, authority, *_ in rows}:
                act = derived("return", str(answers.act), chosen.name, child)
                look = RegisterLookedUp(authority=authority, purpose="statutory-return", fields=OF_RETURN)
                recorder = ActRecorder(clocks, self.keyring, uow, operator, act, child)
                await recorder.carry_out(OperatorAct.RETURN_DRAWN, answers.said, also=[look], authority=authority)
        table = [dict(zip(OF_TABLE, row[2:], strict=True)) for row in rows]
        broken = find_faults(table, *chosen.days)
        if broken and "anyway" not in form:
            shown = {"period": chosen, "faults": broken, "table": table, "meanings": MEANINGS, "form": form}
            return self.templates.page(signed_in, "faults.html", shown)
        return _sheet(f"missing-{chosen.name}.csv", OF_TABLE, [row.values() for row in table])

    def _period(self, name: str) -> Period:
        """The month that is now, if none is named. Raises HTTPException, and Problem where its reports are gone."""
        now = self.templates.clocks.story()
        found = period_of(name or f"{in_england(now):%Y-%m}")
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-such-period")
        if not found.began_within(KEPT_MONTHS, now):
            raise Problem(HTTPStatus.GONE, "No longer kept", GONE)
        return found


def _in_cells(each: Absence, told: Iterable[str]) -> list[str | None]:
    """In the order of OF_LIST, then when each of the roles was first told."""
    deeds = (each.started_at, each.ended_at, each.checked_at, each.offered_at, each.held_at, each.declined_at)
    moments = [*deeds, *(each.told.get(role) for role in told)]
    times = ["" if at is None else format_time(at, TimeForm.SHEET) for at in moments]
    return [each.code or "not identified", each.reference, each.home, each.missing, *times]


def _as_text(cell: object) -> object:
    """A reference that an agency chose is no formula, whatever opens the table."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def _sheet(name: str, columns: Sequence[str], rows: Iterable[Iterable[object]]) -> Response:
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(columns)
    writer.writerows([_as_text(cell) for cell in row] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(sheet.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)
