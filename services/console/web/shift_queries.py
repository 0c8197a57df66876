"""Reads what the pages of the shift show."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from functools import partial
from hmac import compare_digest
from uuid import UUID

from services.console.accounts.repository import account_names
from services.console.acts.recorder import ConsoleService
from services.console.policy.permits import May, Operator
from services.console.policy.shift.board import board
from services.console.policy.shift.calendar import AHEAD, write_calendar
from services.console.policy.shift.note import InWords, hand_overs, write_note
from services.console.policy.status import overview
from services.console.read_model.cases import open_cases
from services.console.read_model.repository import entries_of_shifts
from services.platform.register import directory_page
from services.platform.register.words import reasons_by_id
from services.platform.store.query import Query
from services.safeguarding.identifiers import AuthorityId, derived
from services.safeguarding.working_time import ENGLAND, day_in_england

WITHDRAWN = "SELECT feed, withdrawn FROM console.calendars"
WITHDRAW = """
    INSERT INTO console.calendars (feed, withdrawn, by, at) VALUES (%(feed)s, 1, %(by)s, %(at)s)
    ON CONFLICT (feed) DO UPDATE SET withdrawn = calendars.withdrawn + 1, by = excluded.by, at = excluded.at
"""
HAND_OVERS_SHOWN = timedelta(hours=24)


class ShiftQueries(ConsoleService):
    async def shift(self, operator: Operator) -> dict[str, object]:
        """Numbers are for those who may have to ring them, notes for those who may read reasons."""
        now, authorities = self.clocks.story(), operator.scope
        async with self.store.read() as reader:
            rota, numbers, said, names, withdrawn = await reader.fetch(
                directory_page.rota_lines(self.keyring, authorities, now),
                directory_page.telephones(self.keyring, authorities),
                entries_of_shifts(authorities, now - HAND_OVERS_SHOWN),
                account_names(),
                Query(WITHDRAWN, {}, dict),
            )
            words = [each for made in said for each in made.content.words] if operator.may(May.READ_REASONS) else []
            notes = await reader.fetch(reasons_by_id(self.keyring, words)) if words else {}
        return {
            "board": board(rota, now),
            "numbers": numbers if operator.may(May.COVER) else {},
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
            rota = await reader.fetch(directory_page.rota_lines(self.keyring, [authority], now))
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
