"""Serves one page a child, live: what needs somebody now, who has been told, who the child is; and finds a child."""

from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from uuid import UUID

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

from services.console.policy.permits import May
from services.console.web.child_queries import ChildQueries
from services.console.web.session import SignedIn
from services.console.web.templates import Pages
from services.safeguarding.identifiers import ChildId

MOST_SOUGHT = 120


@dataclass(frozen=True)
class ChildPages(Pages):
    """A child goes by its code in the authority's register (`C17`), by our reference of an episode, or by its id."""

    queries: ChildQueries

    def mount(self, app: FastAPI) -> None:
        for path, endpoint, method in (
            ("/children/{name}", partial(self.show, "child.html"), "GET"),
            ("/parts/children/{name}", partial(self.show, "_child.html"), "GET"),
            ("/episodes/{episode}", partial(self.show_episode, "child.html"), "GET"),
            ("/parts/episodes/{episode}", partial(self.show_episode, "_child.html"), "GET"),
            ("/photographs/{child}", self.show_photograph, "GET"),
            ("/find", self.show_find, "GET"),
            ("/find", self.find, "POST"),
        ):
            app.add_api_route(path, endpoint, methods=[method], include_in_schema=False)

    async def show(self, page: str, request: Request, name: str, whole: str = "") -> Response:
        """Where two authorities use one code, somebody of every authority chooses. `whole`: anything asks for all."""
        signed_in = await self.guard.require(request)
        children = await self.queries.find(name, signed_in.operator)
        if len(children) > 1:
            found = await self.queries.search(name, signed_in.operator)
            return self.templates.page(request, "find.html", {"sought": name, "found": found}, signed_in)
        return await self._show(page, request, signed_in, next(iter(children), None), None, whole=bool(whole))

    async def show_episode(self, page: str, request: Request, episode: UUID, whole: str = "") -> Response:
        """The page of its child, at this episode."""
        signed_in = await self.guard.require(request)
        child = await self.queries.child_of_episode(episode, signed_in.operator)
        return await self._show(page, request, signed_in, child, episode, whole=bool(whole))

    async def show_photograph(self, request: Request, child: str) -> Response:
        signed_in = await self.guard.require(request, May.REVEAL)
        found = await self.queries.photograph(child, signed_in.operator)
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-photograph")
        return Response(found.picture, media_type=found.media_type)

    async def show_find(self, request: Request) -> Response:
        return self.templates.page(request, "find.html", {"sought": "", "found": []}, await self.guard.require(request))

    async def find(self, request: Request) -> Response:
        """By POST: what is sought may be a name, and stands in no address."""
        signed_in, form = await self.guard.enter_with_form(request, May.LOOK)
        sought = form.get("sought", "")[:MOST_SOUGHT]
        found = await self.queries.search(sought, signed_in.operator) if sought else []
        return self.templates.page(request, "find.html", {"sought": sought, "found": found}, signed_in)

    async def _show(
        self,
        page: str,
        request: Request,
        signed_in: SignedIn,
        child: ChildId | None,
        episode: UUID | None,
        *,
        whole: bool,
    ) -> Response:
        """A child of another authority is answered like one that does not exist. The part alone is a view too."""
        if child is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-child")
        shown = await self.queries.page(child, episode, signed_in.operator)
        await self.queries.record_view(shown, signed_in.operator)
        return self.templates.page(request, page, shown | {"whole": whole}, signed_in)
