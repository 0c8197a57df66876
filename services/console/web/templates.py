"""Renders every page: its template, the signed-in operator, and the headers that keep it private.

Kinds, roles and states are put into words from `messages/`, times, durations and values into the form that a page
shows. A value without words is shown as it is.
"""

import hmac
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as StarletteMessage

from services.console.policy.access import May, Operator
from services.console.policy.acts import correcting_act
from services.console.policy.child import Line, leave_out_repeats
from services.console.policy.status import PoliceLine
from services.console.web.session import ACCOUNT, SessionGuard, SignedIn, act_of
from services.platform.register.directory import format_number
from services.platform.runtime.clocks import Clocks
from services.safeguarding.deeds import Answers, Fault, Field
from services.safeguarding.identifiers import case_name, code_of, in_words
from services.safeguarding.notice_fields import FIELDS
from services.safeguarding.operators import OperatorAct
from services.safeguarding.roles import Deed, Role
from services.safeguarding.working_time import TimeForm, day_in_england, format_near_time
from services.wording import day_and_time, in_language, languages_in, role_words
from services.wording.deed_forms import DeedWords

OF_THE_REGISTER = frozenset({"gaps", "fields"})
"""Their values are names of fields: the last part is mostly a word that people use."""
OF_ROLES = ("role", "came", "owner", "coming", "declined", "waited_for")
OF_NOTICE = {path: gap for path, each in FIELDS.items() if (gap := each.says.gap)}
ORGANISATIONS = frozenset({"force", "authority"})
MESSAGES = Path(__file__).parents[1] / "messages"


class Words:
    def __init__(self, language: str = "en") -> None:
        content, deeds = in_language(languages_in(MESSAGES), language), DeedWords.read(language)
        roles = {str(role): role_words(role, language).name for role in Role}
        self._acts: dict[str, str] = content["acts"]
        self._fields: dict[str, Mapping[str, str]] = content["fields"] | {
            "form_fault": deeds.faults,
            **{each: content["fields"].get(each, {}) | roles for each in OF_ROLES},
            **{each: content["fields"].get(each, {}) | OF_NOTICE for each in OF_THE_REGISTER},
            "act": content["fields"]["act"] | deeds.names,
        }
        self._forms: dict[str, Mapping[str, str]] = content["forms"] | deeds.forms
        self._asked: dict[str, Mapping[str, Any]] = content["asked"] | deeds.asked
        self._yes_no = deeds.yes_no
        self._police: dict[str, str] = content["police"]
        self._causes: dict[str, str] = content["causes"]

    def of(self, value: object, field: str) -> str:
        """The words for a value of a field, such as a role, a state or a wording."""
        plain = str(value).rpartition(".")[2].replace("_", " ") if field in OF_THE_REGISTER else str(value)
        return self._fields.get(field, {}).get(str(value), plain)

    def form(self, act: OperatorAct | Deed) -> Mapping[str, str]:
        """The title, consequences and button of its form, and labels that differ from the usual ones."""
        return self._forms[act]

    def field(self, name: str) -> dict[str, Any]:
        """A field's label, its hint and its choices."""
        return {"hint": None, "choices": self._fields.get(name, self._yes_no), **self._asked[name]}

    def sentence(self, line: Line) -> str:
        """The sentence for a line of the timeline."""
        content: dict[str, Any] = line.entry.content.model_dump()
        role, wording = line.role or content.get("role"), line.wording or content.get("wording")
        fields = content | {"role": role, "wording": wording}
        return self._acts[line.act].format_map({name: self._in_words(value, name) for name, value in fields.items()})

    def police(self, line: PoliceLine, at: str, said: str, who: str | None) -> str:
        """What stands at the top of a case. `said`: the officer or the reference; `who`: its source or recorder."""
        cause = self._causes.get(line.cause or "", self._causes["failed"]).format(at=at)
        sentence = self._police["phoned" if line.how == "phoned" else line.stand]
        words, who = said or self._police["nobody"], who or self._police["somebody"]
        return sentence.format(at=at, cause=cause, words=words, who=who, how=self.of(line.how, "how"))

    def _in_words(self, value: object, field: str) -> str:
        if field in ORGANISATIONS and isinstance(value, str):
            return in_words(value)
        if isinstance(value, tuple):
            return ", ".join(self.of(each, field) for each in value) or "none"
        if isinstance(value, datetime):
            return day_and_time(value)
        return self.of(value, field) if value is not None else "not known"


PAGES = Path(__file__).parents[1] / "pages"


def environment(words: Words, folders: Sequence[Path] = (PAGES,)) -> Environment:
    environment_ = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment_.filters |= {
        "as": words.of,
        "sentence": words.sentence,
        "moment": moment,
        "day": day_and_time,
        "stamp": stamp,
        "span": format_span,
        "code": code_of,
        "case": lambda episode, code=None: case_name(code, episode),
        "org": in_words,
        "form": words.form,
        "police": words.police,
        "clock": clock,
        "field": words.field,
        "is_act": lambda name: name in {*OperatorAct, *Deed},
        "correcting": lambda line: correcting_act(line.entry),
        "age": age_on,
        "telephone": format_number,
        "unrepeated": leave_out_repeats,
        "extract": lambda key, of: of[key],
        "ucfirst": lambda text: text[:1].upper() + text[1:],
    }
    return environment_


def moment(at: datetime, now: datetime) -> str:
    """The time, with its date unless that is the date of `now`. Local time."""
    return format_near_time(at, now, TimeForm.SECOND, TimeForm.DATED_SECOND)


def clock(at: datetime | None, now: datetime) -> str:
    """The time of day, with its date unless that is the date of `now`. Local time."""
    return "" if at is None else format_near_time(at, now, TimeForm.HOUR, TimeForm.DATED_HOUR)


def age_on(born: date, now: datetime) -> str:
    """In years, such as "15 years"."""
    today = day_in_england(now)
    return f"{today.year - born.year - ((today.month, today.day) < (born.month, born.day))} years"


def stamp(at: datetime) -> str:
    """For scripts: the countdowns read it. UTC."""
    return at.astimezone(UTC).isoformat()


def format_span(span: timedelta) -> str:
    """Such as "2 h 14 min", or "45 s" below a minute; never negative. `static/live.js` uses the same form."""
    whole = max(0, int(span.total_seconds()))
    days, hours, minutes = whole // 86400, whole % 86400 // 3600, whole % 3600 // 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    if minutes:
        return f"{minutes} min {whole % 60} s" if minutes < 10 else f"{minutes} min"
    return f"{whole} s"


SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
OVER_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}
NOT_SENT = "not-sent"
"""In an address: that nothing was done. Nobody is deceived about an act by it, so it needs no seal."""


class Section(NamedTuple):
    """Of the navigation. `everywhere`: for whoever sees every authority."""

    path: str
    name: str
    needs: May = May.LOOK
    everywhere: bool = False


SECTIONS = (
    Section("/", "Open cases"),
    Section("/report", "Report a child"),
    Section("/shift", "Shift"),
    Section("/housekeeping", "Housekeeping"),
    Section("/directory", "Directory"),
    Section("/dead-letters", "Dead letters", everywhere=True),
    Section("/exercise", "Exercise"),
)


class SecurityHeaders:
    """Adds these headers to every answer, files and refusals included. A page's own headers take precedence."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: StarletteMessage) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_guarded)


class Templates:
    def __init__(self, clocks: Clocks, *, sandbox: bool) -> None:
        self.clocks = clocks
        self.words = Words()
        self._sandbox = sandbox
        self._sections: tuple[Section, ...] = SECTIONS
        self._folders: tuple[Path, ...] = (PAGES,)
        self._templates = Jinja2Templates(env=environment(self.words))
        self.providers: dict[str, str] = {}
        """The titles of organisations that sign their own staff in, by name."""
        self.takes_passwords = False
        """Whether local accounts sign in: then there is a `password.html`."""

    def add(self, folder: Path, *sections: Section) -> None:
        """Adds templates that extend `page.html`, and sections for the navigation."""
        self._sections += sections
        self._folders += (folder,)
        self._templates = Jinja2Templates(env=environment(self.words, self._folders))

    def home(self, operator: Operator) -> str:
        """The first section that they have."""
        return next((each.path for each in self._sections_of(operator)), ACCOUNT)

    def _sections_of(self, operator: Operator) -> list[Section]:
        sees_all = operator.sees(None)
        return [each for each in self._sections if operator.may(each.needs) and (sees_all or not each.everywhere)]

    def page(
        self,
        visitor: SignedIn | Request,
        name: str,
        shown: Mapping[str, object],
        *,
        csrf: str = "",
        status: HTTPStatus | None = None,
    ) -> Response:
        """`visitor`: the request alone where nobody is signed in; the page's forms then send back `csrf`. `status`
        None: 422 where a `fault` or `faults` are shown, else 200.
        """
        signed_in = visitor if isinstance(visitor, SignedIn) else None
        request = visitor.request if isinstance(visitor, SignedIn) else visitor
        is_faulty = shown.get("fault") or shown.get("faults")
        status = status or (HTTPStatus.UNPROCESSABLE_ENTITY if is_faulty else HTTPStatus.OK)
        operator = None if signed_in is None else signed_in.operator
        context = {
            "now": self.clocks.story(),
            "sandbox": self._sandbox,
            "sections": [] if operator is None else self._sections_of(operator),
            "operator": operator,
            "unanswered_since": None if signed_in is None else signed_in.session.unanswered_since,
            "csrf": csrf if signed_in is None else signed_in.csrf,
            "May": May,
            "done": "" if signed_in is None else _done(signed_in),
        }
        return self._templates.TemplateResponse(request, name, {**context, **shown}, status_code=status)

    def form(
        self,
        signed_in: SignedIn,
        what: OperatorAct | Deed,
        asks: Sequence[Field],
        answers: Mapping[str, str] | None = None,
        faults: Mapping[str, Fault] | None = None,
        *,
        name: str = "act.html",
        shown: Mapping[str, object] | None = None,
    ) -> Response:
        """An act's form: a new one, or the last answers with their faults. Most are about no episode and no telling."""
        about: dict[str, object] = {"about": None, "steps": (), "back": "/", "what": what, "asks": asks}
        about |= {"form": {"act": str(uuid4())} | dict(answers or {}), "faults": faults or {}}
        return self.page(signed_in, name, about | dict(shown or {}))


def _done(signed_in: SignedIn) -> str:
    """What led here, if an act of this session did."""
    done, seal = (signed_in.request.query_params.get(name, "") for name in ("done", "by"))
    is_ours = hmac.compare_digest(seal.encode(), signed_in.seal(signed_in.request.url.path, done).encode())
    return done if is_ours or done == NOT_SENT else ""


def go_to(path: str, signed_in: SignedIn | None = None, done: str = "") -> RedirectResponse:
    """After a form: the page to look at next, which says that `done` was done. `path` is one of ours."""
    said = f"?done={done}&by={signed_in.seal(path, done)}" if signed_in is not None and done else ""
    return RedirectResponse(f"{path}{said}", HTTPStatus.SEE_OTHER)


Endpoint: TypeAlias = Callable[..., Awaitable[Response]]


@dataclass(frozen=True)
class Pages:
    """Of one section of the console."""

    guard: SessionGuard
    templates: Templates

    def mount(self, app: FastAPI) -> None:
        raise NotImplementedError

    def serve(self, app: FastAPI, path: str, shows: Endpoint | None = None, sends: Endpoint | None = None) -> None:
        """`shows` answers a GET there, `sends` what a form of it posts."""
        for method, endpoint in (("GET", shows), ("POST", sends)):
            if endpoint is not None:
                app.add_api_route(path, endpoint, methods=[method], include_in_schema=False)

    def list_page(
        self, template: str, query: Callable[[Operator], Awaitable[Mapping[str, object]]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """A page, or its changing part, that shows what `query` reads for whoever is signed in."""

        async def show(request: Request) -> Response:
            signed_in = await self.guard.require(request)
            return self.templates.page(signed_in, template, await query(signed_in.operator))

        return show

    def read(self, form: Mapping[str, str], asks: Iterable[Field]) -> Answers:
        """Raises Faults, and HTTPException as `act_of`."""
        return Answers.read(act_of(form), asks, form, self.templates.clocks.story())
