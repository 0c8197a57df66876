"""Serves what an authority owes for a month or a year: counts, a list, and the return's own table."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from http import HTTPStatus
from uuid import uuid4

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

from services.console.acts.recorder import ActRecorder
from services.console.policy.access import May
from services.console.policy.acts import REASON
from services.console.web.templates import Pages
from services.options.returns.counts import Absence, Period, by_home, by_hour, count_absences, period_of
from services.options.returns.queries import absences_in, missing_table
from services.platform.runtime.http.problems import Problem
from services.platform.store.disposal.retention import schedule
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from services.safeguarding.deeds import Faults
from services.safeguarding.duty.evidence import RegisterLookedUp
from services.safeguarding.identifiers import derived
from services.safeguarding.operators import OperatorAct
from services.safeguarding.working_time import in_england

FORMULA = ("=", "+", "-", "@", "\t", "\r")
OF_RETURN = ("child.reference", "child.date_of_birth")
KEPT_MONTHS = schedule().records["timeline"].months or 0
GONE = f"Reports are kept for {KEPT_MONTHS} months, and this period began before. Its figures would be wrong. Choose a later one."


@dataclass(frozen=True)
class ReturnPages(Pages):
    store: Store
    keyring: Keyring

    def mount(self, app: FastAPI) -> None:
        app.add_api_route("/returns", self.show, methods=["GET"], include_in_schema=False)
        app.add_api_route("/returns/list.csv", self.show_list, methods=["GET"], include_in_schema=False)
        app.add_api_route("/returns/missing.csv", self.draw, methods=["POST"], include_in_schema=False)

    async def show(self, request: Request, period: str = "") -> Response:
        signed_in = await self.guard.require(request)
        chosen = self._period(period)
        async with self.store.read() as reader:
            absences = await reader.fetch(absences_in(chosen, signed_in.operator.scope))
        begun = [each for each in absences if each.started_at >= chosen.start]
        shown = {
            "period": chosen,
            "counts": count_absences(begun),
            "homes": by_home(begun),
            "hours": by_hour(begun),
            "absences": absences,
            "act": uuid4(),
        }
        return self.templates.page(request, "returns.html", shown, signed_in)

    async def show_list(self, request: Request, period: str = "") -> Response:
        """For the partnership or an inspector: by code, as on the page."""
        signed_in, chosen = await self.guard.require(request), self._period(period)
        async with self.store.read() as reader:
            absences = await reader.fetch(absences_in(chosen, signed_in.operator.scope))
        columns = [each.name for each in fields(Absence)]
        return _sheet(f"absences-{chosen.name}.csv", columns, [_in_cells(each, columns) for each in absences])

    async def draw(self, request: Request) -> Response:
        """With each child's id and birth date, on the record of each, with the reason."""
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
        columns = ("CHILD", "DOB", "MISSING", "MIS_START", "MIS_END")
        return _sheet(f"missing-{chosen.name}.csv", columns, [row[2:] for row in rows])

    def _period(self, name: str) -> Period:
        """The month that is now, if none is named. Raises HTTPException, and Problem where its reports are gone."""
        now = self.templates.clocks.story()
        found = period_of(name or f"{in_england(now):%Y-%m}")
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-such-period")
        if not found.began_within(KEPT_MONTHS, now):
            raise Problem(HTTPStatus.GONE, "No longer kept", GONE)
        return found


def _in_cells(absence: Absence, columns: Iterable[str]) -> Iterable[object]:
    told = "; ".join(f"{role} {at.isoformat()}" for role, at in absence.told.items())
    return [told if name == "told" else getattr(absence, name) for name in columns]


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
