"""Serves the shift: who is on call now and how to ring them, and the rota with its dates."""

from dataclasses import dataclass

from fastapi import FastAPI, Request
from starlette.responses import Response

from services.console.acts.service import ConsoleService
from services.console.policy.access import May, Operator
from services.console.policy.shift import SHOWN, board
from services.console.web.templates import Pages
from services.platform.register import directory


class ShiftQueries(ConsoleService):
    async def shift(self, operator: Operator) -> dict[str, object]:
        """Numbers are for those who may have to ring them."""
        now, authorities = self.clocks.story(), operator.scope
        async with self.store.read() as reader:
            rota, numbers = await reader.fetch(
                directory.rota_lines(self.keyring, authorities, now), directory.telephones(self.keyring, authorities)
            )
        shown_numbers = numbers if operator.may(May.COVER) else {}
        return {"board": board(rota, now), "numbers": shown_numbers, "days": SHOWN.days}


@dataclass(frozen=True)
class ShiftPages(Pages):
    queries: ShiftQueries

    def mount(self, app: FastAPI) -> None:
        self.serve(app, "/shift", self.show)

    async def show(self, request: Request) -> Response:
        signed_in = await self.guard.require(request)
        return self.templates.page(signed_in, "shift.html", await self.queries.shift(signed_in.operator))
