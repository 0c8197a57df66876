"""Serves the pages behind one-time links, for each service that sends mail: GET shows, POST by a button acts.

They need no script, fit a phone, are never cached, and name nobody: a stranger who finds the mail learns nothing. A
page is described by its fields and buttons, and the form that its reader posts.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Literal
from uuid import UUID

from fastapi import FastAPI
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from services.platform.delivery.links.tokens import LinkExpired, Links, NotALink, Purpose
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.http.browser_form import read_form
from services.platform.runtime.http.problems import Problem, read_routes
from services.safeguarding.identifiers import CODE_LENGTH


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """`wrong` says what would be right, where the value is not; the value stays."""

    name: str
    label: str
    kind: Literal["words", "line", "day", "moment", "one-of", "any-of", "list"]
    value: str = ""
    hint: str = ""
    choices: tuple[Choice, ...] = ()
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Fields under a heading of their own, such as one step of a plan, or without one. `folded`: opened by a tap."""

    fields: tuple[Field, ...]
    heading: str = ""
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A posted form. `answer` is the button's value."""

    answer: str
    filled: dict[str, tuple[str, ...]] = field(default_factory=dict)
    browser: str = ""
    """What a page of ours left in this browser (`Sheet.browser`)."""

    def one(self, name: str) -> str:
        """Empty where the field was left out."""
        return self.filled.get(name, ("",))[0].strip()

    def all(self, name: str) -> tuple[str, ...]:
        return self.filled.get(name, ())


@dataclass(frozen=True, slots=True)
class Button:
    """Pressed, it posts `answer`."""

    answer: str
    label: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page: `paragraphs`, then `sections` under headings, then `asks`. Without buttons nothing is left to do."""

    title: str
    paragraphs: tuple[str, ...]
    buttons: tuple[Button, ...] = ()
    sections: tuple[tuple[str, tuple[str, ...]], ...] = ()
    asks: tuple[Group, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    """Text and URL of each."""
    picture: str = ""
    """A `data:` URL."""
    done: bool = False
    language: str = "en"
    status: HTTPStatus = HTTPStatus.OK
    browser: str = ""
    """Left in the reader's browser until it is closed, and given back with each form."""


BROWSER = "safe-return-browser"
"""A cookie."""
ANSWER_LETTERS = 100
"""More than any button's value has: one that is not ours may be a number too long to be read."""
FOLDER = Path(__file__).parents[1] / "pages"
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
Finds = Callable[[str], Awaitable[Sequence[tuple[UUID, datetime]]]]
"""The deliveries that have this code, and when each was put, in wall time."""
Answers = Callable[[UUID, Form], Awaitable[Sheet | None]]
"""Does what the pressed button says, commits, and returns the page; None if there is no such delivery. Pressed twice,
it acts once. A form without an answer means that the page was only opened: nothing is done.
"""
Outlives = Callable[[UUID], Awaitable[bool]]
"""Whether the page of this delivery is still needed though its link has expired."""

EXPIRED = Sheet(
    "This link is too old",
    ("It can no longer be used. If what it was about is still open, ring the duty team.",),
    status=HTTPStatus.GONE,
)
UNKNOWN = Sheet(
    "This link does not work",
    ("Perhaps part of it was lost in copying. Open it from the email or the text itself.",),
    status=HTTPStatus.NOT_FOUND,
)


class LinkPages:
    """`links` reads tokens; wall time says whether one has expired. `finds`, if there are short links, finds what such
    a link may name. Without `outlives` no page is shown after its time.
    """

    def __init__(
        self,
        links: Links,
        clocks: Clocks,
        purpose: Purpose,
        answers: Answers,
        finds: Finds | None = None,
        outlives: Outlives | None = None,
    ) -> None:
        self._links, self._clocks, self.purpose = links, clocks, purpose
        self._answers, self._finds, self._outlives = answers, finds, outlives
        self._template = Environment(
            loader=FileSystemLoader(FOLDER), autoescape=select_autoescape(default=True), trim_blocks=True
        ).get_template("sheet.html")

    def route(self) -> Route:
        return Route(f"/{self.purpose}/{{token}}", self.answer, methods=["GET", "POST"])

    async def answer(self, request: Request) -> Response:
        try:
            delivery = await self._delivery(request.path_params["token"])
        except NotALink:
            return self._page(UNKNOWN)
        except LinkExpired as expired:
            delivery = expired.delivery
            if self._outlives is None or not await self._outlives(delivery):
                return self._page(EXPIRED)
        browser = request.cookies.get(BROWSER, "")
        form = await _read(request, browser) if request.method == "POST" else Form("", browser=browser)
        return self._page(await self._answers(delivery, form))

    async def _delivery(self, token: str) -> UUID:
        """Raises NotALink or LinkExpired."""
        if self._finds is None or "." in token:
            return self._links.read(self.purpose, token, self._now())
        if not token.isprintable():
            raise NotALink
        for delivery, put_at in await self._finds(token[:CODE_LENGTH]):
            if self._links.is_short(self.purpose, token, delivery):
                if put_at + self.purpose.good_for < self._now():
                    raise LinkExpired(delivery)
                return delivery
        raise NotALink

    def _page(self, sheet: Sheet | None) -> HTMLResponse:
        sheet = UNKNOWN if sheet is None else sheet
        response = HTMLResponse(self._template.render(sheet=sheet), status_code=sheet.status, headers=HEADERS)
        if sheet.browser:
            secure = self._links.public_url.startswith("https:")
            response.set_cookie(BROWSER, sheet.browser, secure=secure, httponly=True, samesite="lax")
        return response

    def _now(self) -> datetime:
        return self._clocks.wall()


async def _read(request: Request, browser: str) -> Form:
    """Raises Problem as `read_form` does, and 400 for what no button answers."""
    fields = await read_form(request)
    filled = {name: tuple(fields.getlist(name)) for name in fields}
    answer = filled.get("answer", ("",))[0]
    if len(answer) > ANSWER_LETTERS:
        detail = "The answer must be that of one of the page's buttons."
        raise Problem(HTTPStatus.BAD_REQUEST, "Not an answer", detail, field="answer")
    return Form(answer, filled, browser)


def mount_pages(app: FastAPI, *pages: LinkPages) -> None:
    """Adds the pages' routes, with their description for OpenAPI from `pages.yaml`."""
    for each in pages:
        for method, described in read_routes(__file__).items():
            app.add_api_route(
                each.route().path,
                each.answer,
                methods=[method],
                operation_id=f"{method.lower()}_{each.purpose.name.lower()}",
                response_class=HTMLResponse,
                **described,
            )
