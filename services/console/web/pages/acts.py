"""A page an act: what it will bring about, what it asks, who will be named. Its button does it once."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID, uuid4

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

from services.console.acts.service import ActService, Result, Subject
from services.console.policy.about import About
from services.console.policy.acts import DEEDS, Deed, possible, read_form, steps_to_choose
from services.console.policy.answers import Answers, Fault, Faults
from services.console.web.session import SessionGuard, SignedIn, id_of
from services.console.web.templates import Templates, go_to
from services.safeguarding.operators import OperatorAct


@dataclass(frozen=True)
class ActingPages:
    acting: ActService
    door: SessionGuard
    look: Templates

    def mount(self, app: FastAPI) -> None:
        for path, shows, acts in (
            ("/episodes/{episode}/acts/{act}", self.shows_for_episode, self.acts_on_episode),
            ("/duties/{duty}/acts/{act}", self.shows_for_duty, self.acts_on_duty),
        ):
            app.add_api_route(path, shows, methods=["GET"], include_in_schema=False)
            app.add_api_route(path, acts, methods=["POST"], include_in_schema=False)
        app.add_api_route("/duties/{duty}", self.duty, methods=["GET"], include_in_schema=False)
        app.add_api_route("/parts/duties/{duty}", self.duty_part, methods=["GET"], include_in_schema=False)

    async def duty(self, request: Request, duty: UUID, done: str = "") -> Response:
        here = await self.door.require(request)
        shown = await self._duty(here, duty) | {"done": done}
        return self.look.page(request, "duty.html", shown, here=here.operator, csrf=here.csrf)

    async def duty_part(self, request: Request, duty: UUID) -> Response:
        here = await self.door.require(request, following=True)
        return self.look.page(request, "_duty.html", await self._duty(here, duty), here=here.operator)

    async def shows_for_episode(self, request: Request, episode: UUID, act: OperatorAct) -> Response:
        return await self._shows(request, Subject(episode=episode), act)

    async def shows_for_duty(self, request: Request, duty: UUID, act: OperatorAct) -> Response:
        return await self._shows(request, Subject(duty=duty), act)

    async def acts_on_episode(self, request: Request, episode: UUID, act: OperatorAct) -> Response:
        return await self._acts(request, Subject(episode=episode), act)

    async def acts_on_duty(self, request: Request, duty: UUID, act: OperatorAct) -> Response:
        return await self._acts(request, Subject(duty=duty), act)

    async def _shows(self, request: Request, subject: Subject, act: OperatorAct) -> Response:
        deed = _deed(act)
        here = await self.door.require(request, deed.needs)
        about = await self._about(here, subject)
        if not deed.possible(about):
            return self._stale(request, here, deed, about)
        return self._form(request, here, deed, about, {"act": str(uuid4()), "seen": about.seen}, {})

    async def _acts(self, request: Request, subject: Subject, act: OperatorAct) -> Response:
        deed = _deed(act)
        here, form = await self.door.enter_with_form(request, deed.needs)
        about, name = await self._about(here, subject), id_of(form)
        if await self.acting.done_before(name):
            return go_to(f"{_page_of(about)}?done={act}")
        try:
            answers = read_form(deed, about, name, form, self.look.clocks.story())
        except Faults as faults:
            if about.seen != form.get("seen") or not deed.possible(about):
                return self._stale(request, here, deed, about)
            return self._form(request, here, deed, about, form, faults.by_field)
        if deed.confirms and not (form.get("confirmed") and await self.acting.named_before(name)):
            return await self._names(request, here, deed, about, answers, form)
        return await self._does(request, here, deed, subject, about, answers, form)

    async def _does(
        self,
        request: Request,
        here: SignedIn,
        deed: Deed,
        subject: Subject,
        about: About,
        answers: Answers,
        form: Mapping[str, str],
    ) -> Response:
        result = await self.acting.act(here.operator, deed, subject, answers, form.get("seen", ""))
        if result is Result.STALE:
            return self._stale(request, here, deed, await self._about(here, subject))
        if result is Result.DONE and deed.act is OperatorAct.CHILD_REVEALED:
            return await self._reveals(request, here, about)
        return go_to(f"{_page_of(about)}?done={deed.act}")

    async def _reveals(self, request: Request, here: SignedIn, about: About) -> Response:
        """On this answer alone: the form sent again shows the episode, and another look is another act."""
        shown: dict[str, object] = {"who": await self.acting.who(about), "back": _page_of(about)}
        return self.look.page(request, "revealed.html", shown, here=here.operator, csrf=here.csrf)

    async def _names(
        self, request: Request, here: SignedIn, deed: Deed, about: About, answers: Answers, form: Mapping[str, str]
    ) -> Response:
        """The page that names the child, and asks once more. Sent again, the first form looks nobody up anew."""
        if not deed.possible(about) or not await self.acting.name(here.operator, about, answers, form.get("seen", "")):
            return self._stale(request, here, deed, about)
        shown: dict[str, object] = {
            "what": deed.act,
            "asks": deed.asks,
            "about": about,
            "form": form,
            "who": await self.acting.who(about),
            "back": _page_of(about),
        }
        return self.look.page(request, "confirm.html", shown, here=here.operator, csrf=here.csrf)

    async def _duty(self, here: SignedIn, duty: UUID) -> dict[str, object]:
        about = await self._about(here, Subject(duty=duty))
        deeds = [each for each in possible(about) if here.operator.may(each.needs)]
        return {"about": about, "duty": about.duty, "deeds": deeds}

    async def _about(self, here: SignedIn, subject: Subject) -> About:
        about = await self.acting.about(subject, here.operator)
        if about is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "nothing-to-act-on")
        return about

    def _form(
        self,
        request: Request,
        here: SignedIn,
        deed: Deed,
        about: About,
        form: Mapping[str, str],
        faults: dict[str, Fault],
    ) -> Response:
        shown: dict[str, object] = {
            "what": deed.act,
            "asks": deed.asks,
            "about": about,
            "form": form,
            "faults": faults,
            "steps": steps_to_choose(deed, about),
            "back": _page_of(about),
        }
        status = HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK
        return self.look.page(request, "act.html", shown, here=here.operator, csrf=here.csrf, status=status)

    def _stale(self, request: Request, here: SignedIn, deed: Deed, about: About) -> Response:
        shown: dict[str, object] = {"what": deed.act, "about": about, "back": _page_of(about)}
        return self.look.page(
            request, "stale.html", shown, here=here.operator, csrf=here.csrf, status=HTTPStatus.CONFLICT
        )


def _deed(act: OperatorAct) -> Deed:
    if act not in DEEDS:
        raise HTTPException(HTTPStatus.NOT_FOUND, "no-such-act")
    return DEEDS[act]


def _page_of(about: About) -> str:
    """Where its reader came from: the episode, or the duty where it has none."""
    if about.episode is not None:
        return f"/episodes/{about.episode.episode}"
    return f"/duties/{about.duty.duty}" if about.duty is not None else "/"
