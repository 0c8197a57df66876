"""Serves one page a child, live: what needs somebody now, who has been told, who the child is; and finds a child.

Reads what the page shows and to whom it may be shown, and records each view.
"""

import re
from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, datetime, timedelta
from functools import partial
from http import HTTPStatus
from itertools import product
from typing import Any
from uuid import UUID, uuid4

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

from services.console.accounts import account_names
from services.console.acts.service import ConsoleService
from services.console.policy.access import May, Operator
from services.console.policy.acts import About, possible_acts
from services.console.policy.child import (
    IDENTITY,
    Line,
    PoliceView,
    Recipient,
    Said,
    choose_episode,
    police_view,
    recipients,
    timeline,
    words_said,
)
from services.console.policy.status import DutyLine, PoliceLine, RecordedMessage, Stand, episode_line, police_line
from services.console.read_model import projections
from services.console.read_model import repository as read_model
from services.console.web.session import SignedIn
from services.console.web.templates import Pages
from services.platform.register.child import children_at_home, children_of_caller, codes_of_children, identity_of_child
from services.platform.register.directory import e164, force_lines, people_by_id
from services.platform.register.police_notice import Photograph, photograph_of
from services.platform.register.words import reasons_by_id, words_by_id
from services.platform.store.query import Query
from services.safeguarding.duty.decisions import DutyChanged, EpisodeChanged, RegisterLookedUp
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId, WordsId
from services.safeguarding.message import Message
from services.safeguarding.operators import OperatorAct, OperatorActed
from services.safeguarding.working_time import ENGLAND, in_england

SHIFT = timedelta(hours=12)
"""A reason that somebody gave to be told who a child is holds for this long."""
VIEW = timedelta(hours=1)
"""A page that stays open, or is fetched again, is one view for this long."""
HOME = ("placement.address", "placement.carers")
CASE = re.compile(r"(?:[a-z]+\d+,?\s+)?case\s+([0-9a-z]+)", re.IGNORECASE)
LEAP = 9
"""Years within which 29 February comes back."""
LEAST_OF_NUMBER = 11
"""With its plus and its country: fewer digits are no number that rang."""
LEAST_SOUGHT = 3
"""Letters of a home, a name or a reference: fewer would find everything."""


class ChildQueries(ConsoleService):
    async def find(self, name: str, operator: Operator) -> list[ChildId]:
        """The children whom somebody calls so, of those that the operator may see. Two authorities may use one code."""
        async with self.store.read() as reader:
            named = await reader.fetch(projections.children_named(name))
        return list(dict.fromkeys(child for child, authority in named if operator.sees(authority)))

    async def child_of_episode(self, episode: UUID, operator: Operator) -> ChildId | None:
        """None if there is no such episode that the operator may see."""
        async with self.store.read() as reader:
            found = await reader.fetch(read_model.episode_by_id(episode))
        return found.child if found is not None and operator.sees(found.content.authority) else None

    async def page(self, child: ChildId, episode: UUID | None, operator: Operator) -> dict[str, Any]:
        """Of the episode that is named, else of the newest open one."""
        async with self.store.read() as reader:
            codes, all_episodes, done, holds, same_phone = await reader.fetch(
                codes_of_children([child], operator.scope),
                projections.episodes_of_named(child),
                read_model.acts_about(child, operator.account, self.clocks.wall() - SHIFT),
                read_model.holds_of_child(child),
                read_model.same_phone(child),
            )
            episodes = [each for each in all_episodes if operator.sees(each.content.authority)]
            shown = choose_episode(episodes, episode)
            named = None if shown is None else shown.content.episode
            duties, entries, waiting, names, discussion, forces = await reader.fetch(
                read_model.duties_of_case(child, named),
                read_model.entries_of_child(child),
                read_model.waiting(child, named, self.clocks.story(), operator.sees),
                account_names(),
                read_model.newest_discussion(child, named),
                force_lines(self.clocks.wall()),
            )
            duties = [each for each in duties if operator.sees(each.content.authority)]
            heard = [each for each in entries if operator.sees(getattr(each.content, "authority", None))]
            lines = [] if shown is None else timeline(shown, duties, entries)
            told = recipients(map(DutyLine, duties))
            said = words_said(heard, episodes, shown)
            police = police_view(line.entry for line in lines)
            stands = None if shown is None else self._police_line(shown, duties, lines)
            revealed = operator.may(May.REVEAL) and OperatorAct.CHILD_REVEALED in done
            private = await reader.fetch(
                *self._private(operator, told, said, (police, stands), lines, child if revealed else "")
            )
        about = shown and About(
            child,
            shown.content.authority,
            shown.exercise,
            shown.content,
            discussion=discussion,
            held=waiting.held,
            viewer=operator,
            same_phone=same_phone,
        )
        return dict(zip(("words", "people", "who", "reasons"), private, strict=True)) | {
            "child": child, "code": codes.get(child), "episodes": episodes, "shown": shown, "about": about,
            "line": shown and episode_line(shown, duties, waiting.rules),
            "acts": [each for each in possible_acts(about) if operator.may(each.needs)] if about else [],
            "waiting": [each for each in map(DutyLine, duties) if each.waits],
            "told": told, "said": said, "police": police, "revealed": revealed, "timeline": lines, "names": names, "stands": stands, "form_act": uuid4(),
            "force": next((each for each in forces if shown and each.force == shown.content.force), None),
            "holds": holds if operator.may(May.READ_REASONS) else (), "viewed_at": done.get(OperatorAct.CHILD_VIEWED),
        }  # fmt: skip

    def _police_line(
        self,
        shown: RecordedMessage[EpisodeChanged],
        duties: Sequence[RecordedMessage[DutyChanged]],
        lines: Sequence[Line],
    ) -> PoliceLine | None:
        """None for practice that goes to nobody."""
        facts = [line.entry for line in lines]
        found = police_line(shown.content, [each.content for each in duties], facts, self.clocks.story())
        return None if found is not None and shown.exercise and found.stand is Stand.NOT_TOLD else found

    def _private(
        self,
        operator: Operator,
        told: Sequence[Recipient],
        said: Sequence[Said],
        of_police: tuple[PoliceView, PoliceLine | None],
        lines: Sequence[Line],
        revealed: str,
    ) -> tuple[Query[Any], ...]:
        """What the register keeps encrypted, as far as the operator may read it."""
        people, words, (police, stands) = set[PersonId](), list[WordsId](), of_police
        if operator.may(May.READ_WORDS):
            people = {each.person for each in told if each.person} | {each.person for each in said if each.person}
            words = [*(name for each in said for name in each.words), *police.references]
            words += () if stands is None else stands.words
            people |= {
                each for each in (None if stands is None else stands.said_by,) if each and each.startswith("person-")
            }
        reasons = _reasons(lines) if operator.may(May.READ_REASONS) else []
        return (
            words_by_id(self.keyring, words),
            people_by_id(self.keyring, people),
            identity_of_child(self.keyring, revealed, operator.scope),
            reasons_by_id(self.keyring, reasons),
        )

    async def record_view(self, shown: dict[str, Any], operator: Operator) -> None:
        """Puts on the record that the operator has opened the page, and which fields of the register were on it."""
        now, about = self.clocks.wall(), shown["about"]
        if shown["viewed_at"] is not None and now - shown["viewed_at"] < VIEW:
            return
        holders = [each.duty.content for each in shown["waiting"]] if about is None else [about]
        authority = next((each.authority for each in holders), operator.only_authority)
        exercise = about is not None and about.exercise
        fields = [*(["words"] if shown["words"] else []), *(["people.mobile"] if shown["people"] else [])]
        fields += IDENTITY if shown["who"] else []
        async with self.store.transaction() as uow:
            recorder = self.recorder(uow, operator, uuid4(), shown["child"], exercise=exercise)
            episode, looked = None if about is None else about.episode.episode, _look_up(authority, fields)
            await recorder.carry_out(OperatorAct.CHILD_VIEWED, {}, also=looked, authority=authority, episode=episode)

    async def photograph(self, child: ChildId, operator: Operator) -> Photograph | None:
        """None where there is none, the operator's authority does not hold the child, or the operator has given no
        reason in this shift to be told who it is.
        """
        since = self.clocks.wall() - SHIFT
        async with self.store.read() as reader:
            done, codes, found = await reader.fetch(
                read_model.acts_about(child, operator.account, since),
                codes_of_children([child], operator.scope),
                photograph_of(self.keyring, child),
            )
        return found if OperatorAct.CHILD_REVEALED in done and child in codes else None

    async def search(self, words: str, operator: Operator) -> list[projections.Found]:
        """By any code that we ever sent, a day; and for those who may read words, by the reference that police gave, a
        caller's number, and by the home and its carers, which is on the record of each child that was found.
        """
        scope, by_words = operator.scope, list[ChildId]()
        given, sent = list[tuple[UUID | None, ChildId]](), list[tuple[UUID | None, ChildId]]()
        code = code_meant(words)
        async with self.store.read() as reader:
            sent = await reader.fetch(projections.cases_with_code(scope, code))
            if operator.may(May.READ_WORDS) and len(words) >= LEAST_SOUGHT:
                at_home, rings, given = await reader.fetch(
                    children_at_home(self.keyring, scope, words),
                    children_of_caller(scope, self._hashes_of_number(words)),
                    projections.cases_with_reference(scope, self.keyring, words),
                )
                by_words = [*at_home, *rings]
            episodes = {episode for episode, _ in (*given, *sent) if episode is not None}
            children = {*by_words, *(child for episode, child in (*given, *sent) if episode is None)}
            found = await reader.fetch(
                projections.find_cases(
                    scope,
                    code,
                    day=day_meant(words, self.clocks.story()),
                    episodes=episodes,
                    children=children,
                    candidates=by_words,
                )
            )
        opened = {episode for episode, _ in given if episode is not None} | {child for _, child in given}
        read = {
            each.child: (each.authority, HOME if each.child in by_words else ("words",))
            for each in found
            if each.child in by_words
            or each.child in opened
            or (each.episode is not None and _is_read_for(each.episode.content, opened, by_words))
        }
        if read:
            async with self.store.transaction() as uow:
                for child, (of, fields) in read.items():
                    recorder = self.recorder(uow, operator, uuid4(), child)
                    await recorder.carry_out(OperatorAct.CHILD_FOUND, {}, also=_look_up(of, fields), authority=of)
        return found

    def _hashes_of_number(self, words: str) -> list[bytes]:
        """None where the words are no whole telephone number."""
        number = e164(words)
        return (
            list(self.keyring.number_hashes(number))
            if number.startswith("+") and len(number) >= LEAST_OF_NUMBER
            else []
        )


def _is_read_for(episode: EpisodeChanged, opened: Container[object], by_words: Collection[ChildId]) -> bool:
    return episode.episode in opened or bool(set(episode.candidates) & set(by_words))


def _look_up(authority: AuthorityId | None, fields: Sequence[str]) -> list[Message]:
    """At which fields of the register somebody looked."""
    if not fields or authority is None:
        return []
    return [RegisterLookedUp(authority=authority, purpose="console", fields=tuple(fields))]


def _reasons(lines: Sequence[Line]) -> list[WordsId]:
    acts = [line.entry.content for line in lines if isinstance(line.entry.content, OperatorActed)]
    return [each for act in acts for each in act.words]


def code_meant(words: str) -> str:
    """The case's own in "C23, case TW8F9"; else the words as they are."""
    named = CASE.fullmatch(words.strip())
    return named[1] if named else words.strip()


def day_meant(words: str, now: datetime) -> datetime | None:
    """The beginning of the day that the words name, in England: without a year, the last such day. None: no day."""
    today = in_england(now)
    for form in ("%d/%m/%Y", "%d/%m/%y", "%Y-%m-%d", "%d %b %Y", "%d %B %Y"):
        try:
            day = datetime.strptime(words, form).replace(tzinfo=ENGLAND)
        except ValueError:
            continue
        return day if day.year < MAXYEAR else None
    for year, form in product(range(today.year, today.year - LEAP, -1), ("%d/%m %Y", "%d %b %Y", "%d %B %Y")):
        try:
            day = datetime.strptime(f"{words} {year}", form).replace(tzinfo=ENGLAND)
        except ValueError:
            continue
        if day <= today:
            return day
    return None


MOST_SOUGHT = 120


@dataclass(frozen=True)
class ChildPages(Pages):
    """A child goes by its code in the authority's register (`C17`), by our reference of an episode, or by its id."""

    queries: ChildQueries

    def mount(self, app: FastAPI) -> None:
        for path, of, show in (("children", "name", self.show), ("episodes", "episode", self.show_episode)):
            self.serve(app, f"/{path}/{{{of}}}", partial(show, "child.html"))
            self.serve(app, f"/parts/{path}/{{{of}}}", partial(show, "_child.html"))
        self.serve(app, "/photographs/{child}", self.show_photograph)
        self.serve(app, "/find", self.show_find, self.find)

    async def show(self, page: str, request: Request, name: str, whole: str = "") -> Response:
        """Where two authorities use one code, somebody of every authority chooses. `whole`: anything asks for all."""
        signed_in = await self.guard.require(request)
        children = await self.queries.find(name, signed_in.operator)
        if len(children) > 1:
            found = await self.queries.search(name, signed_in.operator)
            return self.templates.page(signed_in, "find.html", {"sought": name, "found": found})
        return await self._show(page, signed_in, next(iter(children), None), None, whole=bool(whole))

    async def show_episode(self, page: str, request: Request, episode: UUID, whole: str = "") -> Response:
        """The page of its child, at this episode."""
        signed_in = await self.guard.require(request)
        child = await self.queries.child_of_episode(episode, signed_in.operator)
        return await self._show(page, signed_in, child, episode, whole=bool(whole))

    async def show_photograph(self, request: Request, child: str) -> Response:
        signed_in = await self.guard.require(request, May.REVEAL)
        found = await self.queries.photograph(child, signed_in.operator)
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-photograph")
        return Response(found.picture, media_type=found.media_type)

    async def show_find(self, request: Request) -> Response:
        return self.templates.page(await self.guard.require(request), "find.html", {"sought": "", "found": []})

    async def find(self, request: Request) -> Response:
        """By POST: what is sought may be a name, and stands in no address."""
        signed_in, form = await self.guard.enter_with_form(request, May.LOOK)
        sought = form.get("sought", "")[:MOST_SOUGHT]
        found = await self.queries.search(sought, signed_in.operator) if sought else []
        return self.templates.page(signed_in, "find.html", {"sought": sought, "found": found})

    async def _show(
        self, page: str, signed_in: SignedIn, child: ChildId | None, episode: UUID | None, *, whole: bool
    ) -> Response:
        """A child of another authority is answered like one that does not exist. The part alone is a view too."""
        if child is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-child")
        shown = await self.queries.page(child, episode, signed_in.operator)
        await self.queries.record_view(shown, signed_in.operator)
        return self.templates.page(signed_in, page, shown | {"whole": whole})
