"""Serves the protocol's pages in the console: who is told, an event's effects, a story from a form. Sends nothing.

The rules are read again whenever a file has changed.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response

from services.console.policy.access import May, Operator
from services.console.settings import ConsoleSettings
from services.console.web.session import SessionGuard, SignedIn
from services.console.web.templates import SECURITY, Pages, Section, Templates
from services.handbook import phrases
from services.handbook.charts.chart import draw, follow, triggers_of
from services.handbook.stories import story_pages
from services.protocol.editions.choice import Choice, Kept, RulesInForce, choose
from services.protocol.editions.edition import Signature, adoption_of, find_editions, signature
from services.protocol.loader import DEFAULT, Library, files
from services.protocol.policy.rule_language.grammar import Protocol, format_period
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.protocol.simulate import Timeline, tell
from services.safeguarding.working_time import day_in_england


@dataclass
class ShownRules:
    """As the protocol service chooses them; but no rules from before this process began are known here, so for an
    authority whose files were at fault even then it shows the default rules, with the fault.
    """

    folder: Path | None
    _shipped: Library = field(default_factory=lambda: Library(files()))
    _rules: RulesInForce = field(default_factory=RulesInForce)
    _choice: Choice | None = None
    _seen: Signature | None = None
    _kept: dict[str, list[Kept]] = field(default_factory=dict)
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def refresh(self, today: date) -> None:
        """Call it before a page is made. If nothing has changed, it reads only the files' names and times."""
        async with self._one_at_a_time:
            now = await asyncio.to_thread(signature, self.folder)
            if now != self._seen:
                await asyncio.to_thread(self._choose, today)
                self._seen = now

    def library(self, authority: str, on: date) -> Library:
        return self._rules.library(authority, on)

    @property
    def authorities(self) -> list[str]:
        """Those with files of their own, even if these are at fault."""
        return [] if self._choice is None else sorted(self._choice.own)

    def faults(self, authority: str) -> tuple[str, ...]:
        return () if self._choice is None else tuple(self._choice.faults.get(authority, ()))

    def _choose(self, today: date) -> None:
        known = [each.edition for editions in self._kept.values() for each in editions]
        self._choice = choose(self._shipped.read_files, find_editions(self.folder, known), self._kept, today)
        for whose, edition in self._choice.new.items():
            kept = self._kept.setdefault(whose, [])
            since = adoption_of(edition.read(), today).effective_from
            kept.append(Kept(len(kept) + 1, edition.hash, edition, since))
        self._rules.put(self._choice)


HERE = Path(__file__).parent
SVG = SECURITY | {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
"""A drawing carries its own style, and nothing that could run."""
MOMENTS_SHOWN = 300


def mount(app: FastAPI, guard: SessionGuard, templates: Templates, settings: ConsoleSettings) -> None:
    """Into the console, as its other pages."""
    templates.add(HERE / "pages", Section("/protocol", "Protocol"), Section("/simulate", "Simulator"))
    app.mount("/handbook", StaticFiles(directory=HERE / "static"))
    HandbookPages(guard, templates, ShownRules(settings.protocol_dir)).mount(app)


@dataclass(frozen=True)
class HandbookPages(Pages):
    rules: ShownRules
    _one_at_a_time: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    def mount(self, app: FastAPI) -> None:
        self.serve(app, "/protocol", self.show_protocol)
        self.serve(app, "/protocol/{event}", self.show_event)
        self.serve(app, "/protocol/{event}/chart", self.show_chart)
        self.serve(app, "/simulate", self.show_simulator, self.play)

    async def show_protocol(self, request: Request, authority: str = "") -> Response:
        """For each event who is told."""
        signed_in = await self.guard.require(request)
        _, _, protocol = await self._protocol(signed_in.operator, authority)
        told = {
            trigger: dict.fromkeys(phrases.who(rule.tell, rule.among) for rule in protocol.on(trigger))
            for trigger in Trigger
            if protocol.on(trigger)
        }
        return self._page(signed_in, "protocol.html", protocol, {"told": told})

    async def show_event(self, request: Request, event: str, authority: str = "") -> Response:
        signed_in = await self.guard.require(request)
        name, library, protocol = await self._protocol(signed_in.operator, authority)
        origins = library.origins(name)
        by_trigger = [(trigger, list(follow(protocol.on(trigger), protocol))) for trigger in _known(event, protocol)]
        shown = {"event": event, "by_trigger": by_trigger, "origins": origins, "spoken": format_period}
        return self._page(signed_in, "protocol-event.html", protocol, shown)

    async def show_chart(self, request: Request, event: str, authority: str = "") -> Response:
        signed_in = await self.guard.require(request)
        name, library, protocol = await self._protocol(signed_in.operator, authority)
        _known(event, protocol)
        drawn = draw(event, library, name, self._today())
        return Response(drawn, media_type="image/svg+xml", headers=SVG)

    async def show_simulator(self, request: Request, authority: str = "") -> Response:
        signed_in = await self.guard.require(request)
        _, _, protocol = await self._protocol(signed_in.operator, authority)
        return self._form(signed_in, protocol, {}, [])

    async def play(self, request: Request) -> Response:
        """In a thread, one at a time: a week without an answer takes part of a second, and delays no other page."""
        signed_in, form = await self.guard.enter_with_form(request, May.LOOK)
        name, library, protocol = await self._protocol(signed_in.operator, form.get("authority", ""))
        wrong = story_pages.wrong(story_pages.questions(protocol), form)
        if wrong:
            return self._form(signed_in, protocol, form, wrong)
        async with self._one_at_a_time:
            timeline = await asyncio.to_thread(tell, story_pages.story(form, name), library)
        return self._form(signed_in, protocol, form, [], timeline)

    async def _protocol(self, operator: Operator, asked: str) -> tuple[str, Library, Protocol]:
        """Whose rules, the files that they come from, and what is in force today."""
        today = self._today()
        await self.rules.refresh(today)
        name = self._whose(operator, asked)
        library = self.rules.library(name, today)
        return name, library, library.current(name, today)

    def _today(self) -> date:
        return day_in_england(self.guard.clocks.story())

    def _form(
        self,
        signed_in: SignedIn,
        protocol: Protocol,
        form: Mapping[str, str],
        wrong: list[str],
        timeline: Timeline | None = None,
    ) -> Response:
        rows = [] if timeline is None else story_pages.moments(timeline)
        shown = {
            "questions": story_pages.questions(protocol),
            "form": form,
            "wrong": wrong,
            "timeline": timeline,
            "rows": rows[:MOMENTS_SHOWN],
            "left_out": max(0, len(rows) - MOMENTS_SHOWN),
            "columns": story_pages.COLUMNS,
        }
        status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
        return self._page(signed_in, "simulate.html", protocol, shown, status)

    def _page(
        self,
        signed_in: SignedIn,
        name: str,
        protocol: Protocol,
        shown: Mapping[str, object],
        status: HTTPStatus = HTTPStatus.OK,
    ) -> Response:
        around: dict[str, object] = {
            "protocol": protocol,
            "authorities": self._to_choose(signed_in.operator),
            "faults": self.rules.faults(protocol.authority),
            "say": phrases,
        }
        return self.templates.page(signed_in, name, around | dict(shown), status=status)

    def _to_choose(self, operator: Operator) -> list[str]:
        """Whose rules they may choose among; none for somebody who sees one authority."""
        known, scope = self.rules.authorities, operator.scope
        return [] if operator.only_authority else [DEFAULT, *(each for each in known if scope is None or each in scope)]

    def _whose(self, operator: Operator, asked: str) -> str:
        if operator.only_authority is not None:
            return operator.only_authority
        return asked if asked in self._to_choose(operator) else DEFAULT


def _known(event: str, protocol: Protocol) -> list[Trigger]:
    try:
        return triggers_of(event, protocol)
    except ValueError:
        raise HTTPException(HTTPStatus.NOT_FOUND, "no-event") from None
