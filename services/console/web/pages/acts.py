"""Serves a page for each act: what it brings about, what it asks, and who is named. Its button acts once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from uuid import UUID

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

from services.console.acts.service import ActService, Result, Subject, named_child
from services.console.policy.access import May
from services.console.policy.acts import ACT_SPECS, SAME_CHILD, About, ActSpec, possible_acts, steps_to_choose
from services.console.web.session import SignedIn, act_of
from services.console.web.templates import Pages, go_to
from services.safeguarding.deeds import Answers, Fault, Faults, fill_in
from services.safeguarding.operators import OperatorAct
from services.safeguarding.roles import Deed

BY_PHONE = "Both reports came from one phone, within the hour."
"""The reason that is kept where somebody says by one tap that they are of one child."""


@dataclass(frozen=True)
class Visit:
    """A request to a page of an act, by somebody who may do it."""

    request: Request
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
            app.add_api_route(path, partial(self.show, of), methods=["GET"], include_in_schema=False)
            app.add_api_route(path, partial(self.submit, of), methods=["POST"], include_in_schema=False)
        app.add_api_route(
            "/episodes/{id_}/same-phone", self.answer_same_phone, methods=["POST"], include_in_schema=False
        )
        for path, template in (("/duties/{duty}", "duty.html"), ("/parts/duties/{duty}", "_duty.html")):
            app.add_api_route(path, partial(self.show_duty, template), include_in_schema=False)

    async def show_duty(self, template: str, request: Request, duty: UUID) -> Response:
        signed_in = await self.guard.require(request)
        about = await self._about(signed_in, Subject(duty=duty))
        acts = [each for each in possible_acts(about) if signed_in.operator.may(each.needs)]
        return self.templates.page(request, template, {"about": about, "duty": about.duty, "acts": acts}, signed_in)

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
        visit = Visit(request, signed_in, spec, await self._about(signed_in, subject))
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
        visit = Visit(request, signed_in, spec, await self._about(signed_in, subject))
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
        visit = Visit(request, signed_in, spec, await self._about(signed_in, subject))
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
        return self.templates.page(visit.request, "confirm.html", shown, visit.signed_in)

    async def _about(self, signed_in: SignedIn, subject: Subject) -> About:
        about = await self.service.about(subject, signed_in.operator)
        if about is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "nothing-to-act-on")
        return about

    async def _form(self, visit: Visit, form: Mapping[str, str], faults: Mapping[str, Fault]) -> Response:
        spec, shown = visit.spec, visit.shown | {"steps": steps_to_choose(visit.spec, visit.about)}
        if spec.act is OperatorAct.IDENTIFIED:
            shown["candidates"] = await self.service.candidates(visit.about)
        return self.templates.form(visit.request, visit.signed_in, spec.act, spec.asks, form, faults, shown=shown)

    def _stale(self, visit: Visit) -> Response:
        return self.templates.page(
            visit.request, "stale.html", visit.shown, visit.signed_in, status=HTTPStatus.CONFLICT
        )


def _asks_proof(spec: ActSpec) -> bool:
    """Whoever is told who a child is, or stands a search down, has shown of late who they are."""
    return spec.confirms or spec.act is OperatorAct.CHILD_REVEALED


def _spec_of(act: OperatorAct | Deed) -> ActSpec:
    if act not in ACT_SPECS:
        raise HTTPException(HTTPStatus.NOT_FOUND, "no-such-act")
    return ACT_SPECS[act]
