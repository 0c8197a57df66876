"""Reads what each page shows."""

from dataclasses import dataclass
from datetime import timedelta

from services.console.accounts.repository import account_names
from services.console.policy.directory import directory
from services.console.policy.status import CaseLine, overview
from services.console.read_model import cases
from services.console.read_model import repository as read_model
from services.console.read_model.contacts import all_contacts
from services.platform.register.people import directory_page
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from services.safeguarding.identifiers import AuthorityId

CASES_SHOWN = 60
DEAD_LETTERS_COUNTED = timedelta(days=7)
DEAD_LETTERS_LISTED = timedelta(days=30)


@dataclass(frozen=True)
class PageQueries:
    """A parameter `authority` of None means every authority."""

    store: Store
    clocks: Clocks
    keyring: Keyring

    async def overview(self, authority: AuthorityId | None, *, whole: bool = False) -> dict[str, object]:
        """Every open case, and the other duties that wait for an answer. Dead letters belong to no authority. The least
        urgent cases are left out unless `whole`.
        """
        async with self.store.read() as reader:
            open_, elsewhere, housekeeping, letters = await reader.fetch(
                cases.open_cases(authority),
                cases.duties_beside(authority, housekeeping=False),
                cases.housekeeping_waits(authority),
                read_model.dead_letters_after(self.clocks.story() - DEAD_LETTERS_COUNTED),
            )
        shown = overview(open_, elsewhere)
        return {
            "overview": shown,
            "folded": 0 if whole else max(0, len(shown.cases) - CASES_SHOWN),
            "housekeeping": housekeeping,
            "letters": 0 if authority is not None else sum(each.redriven_at is None for each in letters),
            "by_id": authority is None,
        }

    async def housekeeping(self, authority: AuthorityId | None) -> dict[str, object]:
        """What may wait until nobody is missing: contacts, photographs, monthly tests."""
        async with self.store.read() as reader:
            duties = await reader.fetch(cases.duties_beside(authority, housekeeping=True))
        return {"duties": duties, "by_id": authority is None}

    async def is_of_authority(self, child: str, authority: AuthorityId) -> bool:
        """Whether the child, or any episode or duty of it, is the authority's."""
        async with self.store.read() as reader:
            return await reader.fetch(cases.is_of_authority(child, authority))

    async def exercises(self, authority: AuthorityId | None) -> tuple[CaseLine, ...]:
        """Those under way."""
        async with self.store.read() as reader:
            return overview(await reader.fetch(cases.open_cases(authority)), ()).practice

    async def directory(self, authority: AuthorityId | None) -> dict[str, object]:
        """Everybody on it is staff. The staff of one child are shown with the child's code."""
        now = self.clocks.story()
        async with self.store.read() as reader:
            rota, forces, contacts = await reader.fetch(
                directory_page.rota_lines(self.keyring, authority, now),
                directory_page.force_lines(self.clocks.wall()),
                all_contacts(),
            )
        return {"directory": directory(rota, contacts, now), "forces": forces}

    async def dead_letters(self) -> dict[str, object]:
        async with self.store.read() as reader:
            letters, names = await reader.fetch(
                read_model.dead_letters_after(self.clocks.story() - DEAD_LETTERS_LISTED), account_names()
            )
        return {"letters": letters, "names": names}
