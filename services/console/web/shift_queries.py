"""Reads what the pages of the shift show."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from hmac import compare_digest
from uuid import UUID

from services.console.accounts.repository import account_names
from services.console.policy.permits import May, Operator
from services.console.policy.shift.board import board
from services.console.policy.shift.calendar import AHEAD, write_calendar
from services.console.policy.shift.note import InWords, hand_overs, write_note
from services.console.policy.status import overview
from services.console.read_model.cases import open_cases
from services.console.read_model.repository import entries_of_shifts
from services.platform.register.people import directory_page
from services.platform.register.reasons import reasons_by_id
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from services.safeguarding.identifiers import AuthorityId, derived
from services.safeguarding.working_time import ENGLAND, day_in_england

HAND_OVERS_SHOWN = timedelta(hours=24)


@dataclass(frozen=True)
class ShiftQueries:
    store: Store
    clocks: Clocks
    keyring: Keyring

    async def shift(self, operator: Operator) -> dict[str, object]:
        """Numbers are for those who may have to ring them, notes for those who may read reasons."""
        now, authorities = self.clocks.story(), operator.scope
        async with self.store.read() as reader:
            rota, numbers, said, names = await reader.fetch(
                directory_page.rota_lines(self.keyring, authorities, now),
                directory_page.telephones(self.keyring, authorities),
                entries_of_shifts(authorities, now - HAND_OVERS_SHOWN),
                account_names(),
            )
            words = [each for made in said for each in made.content.words] if operator.may(May.READ_REASONS) else []
            notes = await reader.fetch(reasons_by_id(self.keyring, words)) if words else {}
        return {
            "board": board(rota, now),
            "numbers": numbers if operator.may(May.COVER) else {},
            "hand_overs": hand_overs(said),
            "notes": notes,
            "accounts": names,
            "calendar": self.path_of_calendar if operator.may(May.COVER) else None,
        }

    def path_of_calendar(self, authority: AuthorityId, whose: str) -> str:
        """For a person or a role. Signed, and names neither."""
        feed = derived("calendar", authority, whose)
        return f"/calendars/{authority}/{feed.hex}{self._signatures(feed)[0]}.ics"

    def _signatures(self, feed: UUID) -> list[str]:
        return [each.hex()[:32] for each in self.keyring.number_hashes(f"calendar {feed}")]

    async def calendar(self, authority: AuthorityId, token: str, in_words: InWords) -> bytes | None:
        """What the link of `path_of_calendar` shows. None: it is none of ours, or nobody is on the rota by that."""
        now = self.clocks.story()
        try:
            feed = UUID(hex=token[:32])
        except ValueError:
            return None
        if not any(compare_digest(token[32:].encode(), each.encode()) for each in self._signatures(feed)):
            return None
        async with self.store.read([authority]) as reader:
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
            return write_note(overview(await reader.fetch(open_cases([authority])), ()).cases, in_words)
