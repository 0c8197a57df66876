"""Signs and reads one-time links: a token names a delivery and its page's purpose, and nothing of a child or a person.

A mail scanner opens every link, so opening one only shows; a button's POST acts.

Serves the pages behind one-time links, for each service that sends mail: GET shows, POST by a button acts.

They need no script, fit a phone, are never cached, and name nobody: a stranger who finds the mail learns nothing. A
page is described by its fields and buttons, and the form that its reader posts.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Literal
from uuid import UUID

from fastapi import FastAPI
from itsdangerous import BadData, URLSafeSerializer
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from services.platform.runtime.clocks import Clocks
from services.platform.runtime.problems import Problem, read_form, read_routes
from services.platform.store.encryption import KeyFile
from services.safeguarding.identifiers import CODE_LENGTH, code_of

GOOD_FOR = timedelta(days=14)
ANSWERED_FOR = timedelta(days=43)
"""A rule rests for 28 days at most, from the answer on; the last of its people is asked after 14 days at most."""


class Purpose(StrEnum):
    """The purpose of a page; also its path. A link for one opens no other."""

    ACKNOWLEDGE = "acknowledge"
    DEED = "d"
    """The form of one duty, which its reader fills in when it is done. Short, since a text holds it."""
    REPLY = "invitations"
    RECORD = "records"
    """The record of a discussion, for the convener to write."""
    NOTICE = "notices"
    """The notice, and the officer's acknowledgement, for a force without an API."""
    DETAILS = "details"
    """The details too large for a notice's body: a child's photograph, long descriptions."""
    READ = "read"
    """The record of a discussion, for those invited to read."""

    @property
    def good_for(self) -> timedelta:
        return ANSWERED_FOR if self in {Purpose.ACKNOWLEDGE, Purpose.DEED} else GOOD_FOR


class NotALink(Exception):
    """Not signed by us, altered, or for another page."""


class LinkExpired(Exception):
    """It was good once, for this delivery."""

    def __init__(self, delivery: UUID) -> None:
        super().__init__()
        self.delivery = delivery


@dataclass(frozen=True, slots=True)
class Links:
    """`key`, the same for all processes of a service, is the base64 of 32 bytes, or several by white space while it is
    being changed: the first signs, each opens. `public_url` is the service's, as readers reach it.
    """

    key: str | KeyFile
    public_url: str

    def url(self, purpose: Purpose, delivery: UUID, now: datetime) -> str:
        """`now` is wall time."""
        until = int((now + purpose.good_for).timestamp())
        return f"{self.public_url.rstrip('/')}/{purpose}/{self._signer(purpose).dumps([delivery.hex, until])}"

    def read(self, purpose: Purpose, token: str, now: datetime) -> UUID:
        """The delivery. Raises NotALink or LinkExpired."""
        try:
            delivery, until = self._signer(purpose).loads(token)
        except (BadData, UnicodeError):
            raise NotALink from None
        if until < now.timestamp():
            raise LinkExpired(UUID(hex=delivery))
        return UUID(hex=delivery)

    def short_url(self, purpose: Purpose, delivery: UUID) -> str:
        """Fits a text: the code of the delivery, by which it is looked up, and a signature of 64 bits."""
        signature = _sign(KeyFile.of(self.key).newest_first()[0], purpose, delivery)
        return f"{self.public_url.rstrip('/')}/{purpose}/{code_of(delivery)}{signature}"

    def is_short(self, purpose: Purpose, token: str, delivery: UUID) -> bool:
        """Whether `token` is the delivery's. When it expires, the delivery says."""
        given = token.encode("utf-8", "replace")
        signed = [code_of(delivery) + _sign(key, purpose, delivery) for key in KeyFile.of(self.key).newest_first()]
        return any(hmac.compare_digest(given, each.encode()) for each in signed)

    def _signer(self, purpose: Purpose) -> URLSafeSerializer:
        """Without the library's timestamps, which read the machine's clock: the end of validity is signed."""
        oldest_first = KeyFile.of(self.key).newest_first()[::-1]
        how = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        return URLSafeSerializer(oldest_first, salt=purpose.value, signer_kwargs=how)


def _sign(key: bytes, purpose: Purpose, delivery: UUID) -> str:
    digest = hmac.digest(key, f"short {purpose} ".encode() + delivery.bytes, "sha256")
    return urlsafe_b64encode(digest[:8]).decode().rstrip("=")


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
FOLDER = Path(__file__).parent / "pages"
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
