"""Serves what changes the rota: the forms of a shift, hand-overs, and calendars to subscribe to."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from hmac import compare_digest
from http import HTTPStatus
from uuid import UUID, uuid4

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

from services.console.accounts import account_names
from services.console.policy.access import May, Operator
from services.console.policy.shift import InWords, board
from services.console.policy.status import overview
from services.console.read_model.projections import open_cases
from services.console.read_model.repository import entries_of_shifts
from services.console.web.pages.shift import ShiftQueries
from services.console.web.session import SignedIn
from services.console.web.templates import Pages, go_to
from services.options.shift_exchange.acts import (
    SHIFT_ACTS,
    RotaService,
    ShiftAct,
    choices,
    hand_overs,
    may_end,
    write_note,
)
from services.options.shift_exchange.calendars import AHEAD, write_calendar
from services.platform.register import directory
from services.platform.register.words import reasons_by_id
from services.platform.runtime.problems import require_text
from services.platform.store.query import Query
from services.safeguarding.deeds import Fault, Faults, Field
from services.safeguarding.identifiers import AuthorityId, derived
from services.safeguarding.operators import OperatorAct
from services.safeguarding.working_time import ENGLAND, day_in_england

WITHDRAWN = "SELECT feed, withdrawn FROM console.calendars"
WITHDRAW = """
    INSERT INTO console.calendars (feed, withdrawn, by, at) VALUES (%(feed)s, 1, %(by)s, %(at)s)
    ON CONFLICT (feed) DO UPDATE SET withdrawn = calendars.withdrawn + 1, by = excluded.by, at = excluded.at
"""
HAND_OVERS_SHOWN = timedelta(hours=24)


class ExchangeQueries(ShiftQueries):
    async def shift(self, operator: Operator) -> dict[str, object]:
        """Notes are for those who may read reasons."""
        shown = await super().shift(operator)
        async with self.store.read() as reader:
            said, names, withdrawn = await reader.fetch(
                entries_of_shifts(operator.scope, self.clocks.story() - HAND_OVERS_SHOWN),
                account_names(),
                Query(WITHDRAWN, {}, dict),
            )
            words = [each for made in said for each in made.content.words] if operator.may(May.READ_REASONS) else []
            notes = await reader.fetch(reasons_by_id(self.keyring, words)) if words else {}
        return shown | {
            "hand_overs": hand_overs(said),
            "notes": notes,
            "accounts": names,
            "calendar": partial(self._path_of_calendar, withdrawn) if operator.may(May.COVER) else None,
        }

    def _path_of_calendar(self, withdrawn: Mapping[UUID, int], authority: AuthorityId, whose: str) -> str:
        """For a person or a role. Signed, and names neither."""
        feed = derived("calendar", authority, whose)
        return f"/calendars/{authority}/{feed.hex}{self._signatures(feed, withdrawn)[0]}.ics"

    def _signatures(self, feed: UUID, withdrawn: Mapping[UUID, int]) -> list[str]:
        signed = f"calendar {feed} {withdrawn.get(feed, 0)}"
        return [each.hex()[:32] for each in self.keyring.number_hashes(signed)]

    async def withdraw_calendar(self, operator: Operator, authority: AuthorityId, whose: str) -> None:
        """From now on its links open nothing, and the page has another."""
        row = {"feed": derived("calendar", authority, whose), "by": operator.account, "at": self.clocks.wall()}
        async with self.store.transaction() as uow:
            uow.write(WITHDRAW, row)

    async def calendar(self, authority: AuthorityId, token: str, in_words: InWords) -> bytes | None:
        """What a link of `_path_of_calendar` shows. None: it is not ours, or its person or role is not on the rota."""
        now = self.clocks.story()
        try:
            feed = UUID(hex=token[:32])
        except ValueError:
            return None
        async with self.store.read([authority]) as reader:
            withdrawn = await reader.fetch(Query(WITHDRAWN, {}, dict))
            if not any(
                compare_digest(token[32:].encode(), each.encode()) for each in self._signatures(feed, withdrawn)
            ):
                return None
            rota = await reader.fetch(directory.rota_lines(self.keyring, [authority], now))
        today = datetime.combine(day_in_england(now), time(0), ENGLAND).astimezone(UTC)
        shown = board(rota, today, AHEAD)
        named = {
            derived("calendar", authority, each): each for each in (*shown.people, *(role.role for role in shown.roles))
        }
        return write_calendar(shown, now, in_words, named[feed]) if feed in named else None

    async def note(self, authority: AuthorityId | None, in_words: InWords) -> str:
        """What is open, for who hands the shift over. An account of several authorities writes its own."""
        if authority is None:
            return ""
        async with self.store.read() as reader:
            return write_note(
                overview(await reader.fetch(open_cases([authority])), (), self.clocks.story()).cases, in_words
            )


@dataclass(frozen=True)
class ExchangePages(Pages):
    queries: ExchangeQueries
    service: RotaService

    def mount(self, app: FastAPI) -> None:
        self.serve(app, "/shift", self.show)
        self.serve(app, "/shift/acts/{act}", self.show_form, self.submit)
        self.serve(app, "/shift/calendars", sends=self.withdraw_calendar)
        self.serve(app, "/calendars/{authority}/{token}.ics", self.show_calendar)

    async def show(self, request: Request) -> Response:
        """In place of the core's page, which it extends."""
        signed_in = await self.guard.require(request)
        acts = [each for each in SHIFT_ACTS.values() if each.has_page and signed_in.operator.may(each.needs)]
        about = {"acts": acts, "new_act": uuid4, "may_end": may_end}
        return self.templates.page(signed_in, "exchange.html", await self.queries.shift(signed_in.operator) | about)

    async def show_calendar(self, authority: str, token: str) -> Response:
        """For a calendar that subscribes to it: its link is signed, and there is no session."""
        require_text("authority", authority)
        found = await self.queries.calendar(authority, token, self.templates.words.of)
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-calendar")
        return Response(found, media_type="text/calendar; charset=utf-8")

    async def withdraw_calendar(self, request: Request) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, May.CHANGE_ROTA)
        authority = form.get("authority", "")
        if not signed_in.operator.sees(authority):
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-calendar")
        await self.queries.withdraw_calendar(signed_in.operator, authority, form.get("whose", ""))
        return go_to("/shift")

    async def show_form(self, request: Request, act: OperatorAct) -> Response:
        spec = _spec_of(act)
        signed_in = await self.guard.require(request, spec.needs)
        form: dict[str, str] = {}
        if act is OperatorAct.SHIFT_HANDED_OVER:
            form["hand_over"] = await self.queries.note(signed_in.operator.only_authority, self.templates.words.of)
        lines = await self.service.lines(signed_in.operator)
        offered = choices(lines, self.templates.words.of, signed_in.operator)
        return self._form(signed_in, spec, offered, form, {})

    async def submit(self, request: Request, act: OperatorAct) -> Response:
        spec, now = _spec_of(act), self.templates.clocks.story()
        signed_in, form = await self.guard.enter_with_form(request, spec.needs)
        lines = await self.service.lines(signed_in.operator)
        offered = choices(lines, self.templates.words.of, signed_in.operator)
        try:
            answers = self.read(form, _asks(spec, offered))
            effect = await asyncio.to_thread(spec.effect, answers, now, offered["person"])  # it may read a calendar
            if effect.calendar_of and not (effect.changes and form.get("confirmed")):
                shown = {"what": act, "form": form, "effect": effect, "names": offered["person"]}
                return self.templates.page(signed_in, "calendar.html", shown)
            await self.service.act(signed_in.operator, spec, answers, effect, lines)
        except Faults as faults:
            return self._form(signed_in, spec, offered, form, faults.by_field)
        return go_to("/shift", signed_in, act)

    def _form(
        self,
        signed_in: SignedIn,
        spec: ShiftAct,
        offered: Mapping[str, Mapping[str, str]],
        form: Mapping[str, str],
        faults: Mapping[str, Fault],
    ) -> Response:
        shown: dict[str, object] = {
            "offered": {f"{name}_choices": labels for name, labels in offered.items()},
            "back": "/shift",
        }
        return self.templates.form(signed_in, spec.act, _asks(spec, offered), form, faults, shown=shown)


def _asks(spec: ShiftAct, offered: Mapping[str, Mapping[str, str]]) -> list[Field]:
    return [each.offering(tuple(offered.get(each.name, ()))) for each in spec.asks]


def _spec_of(act: OperatorAct) -> ShiftAct:
    if act not in SHIFT_ACTS:
        raise HTTPException(HTTPStatus.NOT_FOUND, "no-such-act")
    return SHIFT_ACTS[act]
