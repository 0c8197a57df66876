"""Serves the duty desk's forms: a page for each act on a case, a report for a caller, exercises, dead letters, and the
name of another authority's child in an emergency.

An act's page says what it brings about, what it asks, and who is named. Its button acts once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from uuid import UUID

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

from services.console.acts.desk import (
    BreakGlassService,
    DeadLetterRedrive,
    ExerciseService,
    NotLive,
    RedriveResult,
    ReportService,
)
from services.console.acts.service import ActService, Result, Subject, named_child
from services.console.policy.access import May, Operator
from services.console.policy.acts import ACT_SPECS, REASON, SAME_CHILD, About, ActSpec, possible_acts, steps_to_choose
from services.console.web.pages.overview import PAGE, PART, PageQueries
from services.console.web.session import SignedIn, act_of, require_every_authority
from services.console.web.templates import Pages, go_to
from services.platform.runtime.problems import Problem
from services.safeguarding.deeds import Answers, Fault, Faults, Field, Kind, fill_in
from services.safeguarding.operators import OperatorAct
from services.safeguarding.roles import Deed

BY_PHONE = "Both reports came from one phone, within the hour."
"""The reason that is kept where somebody says by one tap that they are of one child."""


@dataclass(frozen=True)
class Visit:
    """A request to a page of an act, by somebody who may do it."""

    signed_in: SignedIn
    spec: ActSpec
    about: About

    @property
    def back(self) -> str:
        """The page that leads here: the episode's, or the duty's if it has none."""
        if self.about.episode is not None:
            return f"/episodes/{self.about.episode.episode}"
        return f"/duties/{self.about.duty.duty}" if self.about.duty is not None else "/"

    @property
    def shown(self) -> dict[str, object]:
        return {"what": self.spec.act, "asks": self.spec.asks, "about": self.about, "back": self.back}


@dataclass(frozen=True)
class ActPages(Pages):
    service: ActService

    def mount(self, app: FastAPI) -> None:
        for path, of in (("/episodes/{id_}/acts/{act}", "episode"), ("/duties/{id_}/acts/{act}", "duty")):
            self.serve(app, path, partial(self.show, of), partial(self.submit, of))
        self.serve(app, "/episodes/{id_}/same-phone", sends=self.answer_same_phone)
        for path, template in (("/duties/{duty}", "duty.html"), ("/parts/duties/{duty}", "_duty.html")):
            self.serve(app, path, partial(self.show_duty, template))

    async def show_duty(self, template: str, request: Request, duty: UUID) -> Response:
        signed_in = await self.guard.require(request)
        about = await self._about(signed_in, Subject(duty=duty))
        acts = [each for each in possible_acts(about) if signed_in.operator.may(each.needs)]
        return self.templates.page(signed_in, template, {"about": about, "duty": about.duty, "acts": acts})

    async def show(
        self,
        of: str,
        request: Request,
        id_: UUID,
        act: OperatorAct | Deed,
        corrects: UUID | None = None,
        only: UUID | None = None,
    ) -> Response:
        spec, subject = _spec_of(act), Subject(**{of: id_}, corrects=corrects, only=only)
        signed_in = await self.guard.require(request, spec.needs, proved=_asks_proof(spec))
        visit = Visit(signed_in, spec, await self._about(signed_in, subject))
        if not spec.is_possible(visit.about):
            return self._stale(visit)
        form, recorded = {"seen": visit.about.seen_for(act)}, visit.about.recorded
        known = {} if recorded is None else recorded.content.model_dump(mode="json")
        return await self._form(visit, fill_in(spec.asks, known) | form, {})

    async def submit(
        self,
        of: str,
        request: Request,
        id_: UUID,
        act: OperatorAct | Deed,
        corrects: UUID | None = None,
        only: UUID | None = None,
    ) -> Response:
        spec, subject = _spec_of(act), Subject(**{of: id_}, corrects=corrects, only=only)
        signed_in, form = await self.guard.enter_with_form(request, spec.needs, proved=_asks_proof(spec))
        visit = Visit(signed_in, spec, await self._about(signed_in, subject))
        name = act_of(form)
        if await self.service.is_done(name):
            return go_to(visit.back, signed_in, f"again-{act}")
        try:
            answers = await self.service.read(spec, visit.about, name, form)
        except Faults as faults:
            if visit.about.seen_for(act) != form.get("seen") or not spec.is_possible(visit.about):
                return self._stale(visit)
            return await self._form(visit, form, faults.by_field)
        if spec.confirms and not (
            form.get("confirmed") and await self.service.has_named(name, named_child(visit.about, answers))
        ):
            return await self._confirm(visit, answers, form)
        return await self._act(visit, subject, answers, form)

    async def answer_same_phone(self, request: Request, id_: UUID) -> Response:
        """One tap: the report without a name is of the child that the page named, or of another."""
        signed_in, form = await self.guard.enter_with_form(request, May.RECORD)
        is_same, subject = form.get("same") == "yes", Subject(episode=id_)
        spec = SAME_CHILD if is_same else ACT_SPECS[OperatorAct.KEPT_APART]
        visit = Visit(signed_in, spec, await self._about(signed_in, subject))
        name, other = act_of(form), visit.about.same_phone
        if await self.service.is_done(name):
            return go_to(visit.back, signed_in, f"again-{spec.act}")
        if other is None or other.child != form.get("child"):
            return self._stale(visit)
        answers = Answers(name, {"child": other.child}, said={"reason": BY_PHONE}) if is_same else Answers(name)
        return await self._act(visit, subject, answers, form)

    async def _act(self, visit: Visit, subject: Subject, answers: Answers, form: Mapping[str, str]) -> Response:
        operator, act = visit.signed_in.operator, visit.spec.act
        result = await self.service.act(operator, visit.spec, subject, answers, form.get("seen", ""))
        if result is Result.STALE:
            return self._stale(replace(visit, about=await self._about(visit.signed_in, subject)))
        again = "again-" if result is Result.DONE_BEFORE else "held-" if visit.spec.held else ""
        return go_to(visit.back, visit.signed_in, f"{again}{act}")

    async def _confirm(self, visit: Visit, answers: Answers, form: Mapping[str, str]) -> Response:
        """Names the child and asks once more. The first form, sent again, does not look the name up again."""
        seen = form.get("seen", "")
        if not visit.spec.is_possible(visit.about) or not await self.service.name_child(
            visit.signed_in.operator, visit.spec, visit.about, answers, seen
        ):
            return self._stale(visit)
        who = await self.service.identity_of(named_child(visit.about, answers), visit.signed_in.operator)
        shown = visit.shown | {"form": form, "who": who}
        return self.templates.page(visit.signed_in, "confirm.html", shown)

    async def _about(self, signed_in: SignedIn, subject: Subject) -> About:
        about = await self.service.about(subject, signed_in.operator)
        if about is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "nothing-to-act-on")
        return about

    async def _form(self, visit: Visit, form: Mapping[str, str], faults: Mapping[str, Fault]) -> Response:
        spec, shown = visit.spec, visit.shown | {"steps": steps_to_choose(visit.spec, visit.about)}
        if spec.act is OperatorAct.IDENTIFIED:
            shown["candidates"] = await self.service.candidates(visit.about)
        return self.templates.form(visit.signed_in, spec.act, spec.asks, form, faults, shown=shown)

    def _stale(self, visit: Visit) -> Response:
        return self.templates.page(visit.signed_in, "stale.html", visit.shown, status=HTTPStatus.CONFLICT)


def _asks_proof(spec: ActSpec) -> bool:
    """Whoever is told who a child is, or stands a search down, has shown of late who they are."""
    return spec.confirms or spec.act is OperatorAct.CHILD_REVEALED


def _spec_of(act: OperatorAct | Deed) -> ActSpec:
    if act not in ACT_SPECS:
        raise HTTPException(HTTPStatus.NOT_FOUND, "no-such-act")
    return ACT_SPECS[act]


@dataclass(frozen=True)
class ReportPages(Pages):
    service: ReportService

    def mount(self, app: FastAPI) -> None:
        self.serve(app, "/report", self.show, self.report)

    async def show(self, request: Request) -> Response:
        signed_in = await self.guard.require(request, May.RECORD)
        return self.templates.form(signed_in, OperatorAct.REPORTED, await self.service.asks(signed_in.operator))

    async def report(self, request: Request) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, May.RECORD)
        asks = await self.service.asks(signed_in.operator)
        try:
            is_new = await self.service.report(signed_in.operator, self.read(form, asks))
        except Faults as faults:
            return self.templates.form(signed_in, OperatorAct.REPORTED, asks, form, faults.by_field)
        except NotLive:
            detail = "This authority is not live yet, so nobody was told. Ring police and your duty team now."
            raise Problem(HTTPStatus.CONFLICT, "Not live yet", detail) from None
        return go_to("/report", signed_in, f"{'' if is_new else 'again-'}{OperatorAct.REPORTED}")


@dataclass(frozen=True)
class ExercisePages(Pages):
    queries: PageQueries
    service: ExerciseService

    def mount(self, app: FastAPI) -> None:
        self.serve(app, "/exercise", self.show, self.start)
        self.serve(app, "/parts/exercise", self.show_part)

    async def show(self, request: Request) -> Response:
        return await self._page(await self.guard.require(request))

    async def show_part(self, request: Request) -> Response:
        """The list alone, so that a form half filled in keeps its text."""
        signed_in = await self.guard.require(request)
        shown = {"running": await self.queries.exercises(signed_in.operator.scope)}
        return self.templates.page(signed_in, "_exercises.html", shown)

    async def start(self, request: Request) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, May.EXERCISE)
        areas = await self.service.areas(signed_in.operator)
        area = Field("area", Kind.CHOICE, choices=tuple(f"{authority} {force}" for authority, force in areas))
        try:
            answers = self.read(form, [area, REASON])
        except Faults as faults:
            return await self._page(signed_in, form, faults.by_field)
        authority, force = answers.chosen["area"].split(" ")
        if not await self.service.start(signed_in.operator, answers.act, authority, force, answers.said["reason"]):
            return await self._page(signed_in, form, {"area": Fault.NOT_OFFERED})
        return go_to("/exercise", signed_in, OperatorAct.EXERCISE_STARTED)

    async def _page(
        self, signed_in: SignedIn, form: Mapping[str, str] | None = None, faults: Mapping[str, Fault] | None = None
    ) -> Response:
        areas = await self.service.areas(signed_in.operator)
        running = await self.queries.exercises(signed_in.operator.scope)
        shown, what = {"areas": areas, "running": running}, OperatorAct.EXERCISE_STARTED
        return self.templates.form(signed_in, what, (REASON,), form, faults, name="exercise.html", shown=shown)


UNKNOWN = "no-letter"
WHAT = OperatorAct.DEAD_LETTER_REDRIVEN
BACK = {"back": "/dead-letters"}


@dataclass(frozen=True)
class DeadLetterPages(Pages):
    queries: PageQueries
    service: DeadLetterRedrive

    def mount(self, app: FastAPI) -> None:
        for path, template, about in (
            ("/dead-letters", "letters.html", PAGE | {"name": "show"}),
            ("/parts/dead-letters", "_letters.html", PART | {"name": "show_part"}),
        ):
            app.add_api_route(path, self.list_page(template, self._letters), **about)
        path = f"/dead-letters/{{letter}}/acts/{WHAT}"
        self.serve(app, path, self.ask, self.redrive)

    async def _letters(self, operator: Operator) -> dict[str, object]:
        require_every_authority(operator, UNKNOWN)
        return await self.queries.dead_letters()

    async def ask(self, request: Request, letter: UUID) -> Response:
        signed_in = await self.guard.require(request, May.SEND_AGAIN)
        await self._require_known(signed_in.operator, letter)
        return self.templates.form(signed_in, WHAT, (REASON,), shown=BACK)

    async def redrive(self, request: Request, letter: UUID) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, May.SEND_AGAIN)
        await self._require_known(signed_in.operator, letter)
        try:
            answers = self.read(form, [REASON])
        except Faults as faults:
            return self.templates.form(signed_in, WHAT, (REASON,), form, faults.by_field, shown=BACK)
        result = await self.service.redrive(signed_in.operator, letter, answers.act, answers.said["reason"])
        if result is RedriveResult.DONE:
            return go_to("/dead-letters", signed_in, WHAT)
        status = HTTPStatus.GONE if result is RedriveResult.NO_LONGER_KEPT else HTTPStatus.SERVICE_UNAVAILABLE
        return self.templates.page(signed_in, "not-redriven.html", {"result": result.name}, status=status)

    async def _require_known(self, operator: Operator, letter: UUID) -> None:
        require_every_authority(operator, UNKNOWN)
        if not await self.service.is_known(letter):
            raise HTTPException(HTTPStatus.NOT_FOUND, UNKNOWN)


@dataclass(frozen=True)
class BreakGlassPages(Pages):
    service: BreakGlassService

    def mount(self, app: FastAPI) -> None:
        self.serve(app, "/break-glass", self.show, self.reveal)

    async def show(self, request: Request) -> Response:
        signed_in = await self.guard.require(request, May.REVEAL, proved=True)
        asks = await self.service.asks(signed_in.operator)
        return self.templates.form(signed_in, OperatorAct.GLASS_BROKEN, asks)

    async def reveal(self, request: Request) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, May.REVEAL, proved=True)
        asks = await self.service.asks(signed_in.operator)
        try:
            answers = self.read(form, asks)
            who = await self.service.reveal(signed_in.operator, answers)
        except Faults as faults:
            return self.templates.form(signed_in, OperatorAct.GLASS_BROKEN, asks, form, faults.by_field)
        shown = {"who": who, "authority": answers.chosen["authority"]}
        return self.templates.page(signed_in, "glass.html", shown)
