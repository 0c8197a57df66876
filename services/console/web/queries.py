"""Reads what each page shows."""

from collections.abc import Sequence
from datetime import timedelta

from services.console.accounts.repository import account_names
from services.console.acts.recorder import ConsoleService
from services.console.policy.access import Operator
from services.console.policy.directory import directory
from services.console.policy.status import CaseLine, overview
from services.console.read_model import cases
from services.console.read_model import repository as read_model
from services.console.read_model.projections import all_contacts
from services.platform.register import directory_page
from services.safeguarding.identifiers import AuthorityId, Scope

CASES_SHOWN = 60
DEAD_LETTERS_COUNTED = timedelta(days=7)
DEAD_LETTERS_LISTED = timedelta(days=30)


class PageQueries(ConsoleService):
    async def overview(self, authorities: Scope, *, whole: bool = False, untold: bool = False) -> dict[str, object]:
        """Every open case, and the other duties that wait for an answer. Dead letters belong to no authority. The least
        urgent cases are left out unless `whole`; `untold`: only those that police do not have.
        """
        async with self.store.read() as reader:
            open_, elsewhere, housekeeping, letters = await reader.fetch(
                cases.open_cases(authorities),
                cases.duties_beside(authorities, housekeeping=False),
                cases.housekeeping_waits(authorities),
                read_model.dead_letters_after(self.clocks.story() - DEAD_LETTERS_COUNTED),
            )
        shown = overview(open_, elsewhere, self.clocks.story())
        listed = [each for each in shown.cases if not untold or each.reference in shown.not_told]
        return {
            "overview": shown,
            "listed": listed,
            "untold": untold,
            "folded": 0 if whole else max(0, len(listed) - CASES_SHOWN),
            "housekeeping": housekeeping,
            "letters": 0 if authorities is not None else sum(each.redriven_at is None for each in letters),
            "by_id": authorities is None,
        }

    async def housekeeping(self, operator: Operator) -> dict[str, object]:
        """What may wait until nobody is missing: contacts, photographs, monthly tests."""
        async with self.store.read() as reader:
            duties = await reader.fetch(cases.duties_beside(operator.scope, housekeeping=True))
        return {"duties": duties, "by_id": operator.scope is None}

    async def is_of_any(self, child: str, authorities: Sequence[AuthorityId]) -> bool:
        """Whether the child, or any episode or duty of it, is one of these authorities'."""
        async with self.store.read() as reader:
            return await reader.fetch(cases.is_of_any(child, authorities))

    async def exercises(self, authorities: Scope) -> tuple[CaseLine, ...]:
        """Those under way."""
        async with self.store.read() as reader:
            return overview(await reader.fetch(cases.open_cases(authorities)), (), self.clocks.story()).practice

    async def directory(self, operator: Operator) -> dict[str, object]:
        """Everybody on it is staff. The staff of one child are shown with the child's code."""
        now = self.clocks.story()
        async with self.store.read() as reader:
            rota, forces, contacts = await reader.fetch(
                directory_page.rota_lines(self.keyring, operator.scope, now),
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
