"""Reads what each page shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.console.accounts.repository import account_names
from services.console.policy.about import About
from services.console.policy.acts import possible_acts
from services.console.policy.dead_letters import fault_of
from services.console.policy.directory import directory
from services.console.policy.permits import May, Operator
from services.console.policy.shift.board import board
from services.console.policy.status import EpisodeLine, episode_line, overview
from services.console.policy.timeline import Line, timeline
from services.console.read_model import repository as read_model
from services.console.read_model.contacts import all_contacts
from services.platform.register.children.identity import codes_of_children
from services.platform.register.people import directory_page
from services.platform.register.reasons import reasons_by_id
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from services.safeguarding.identifiers import AuthorityId, WordsId
from services.safeguarding.operators import OperatorActed

DEAD_LETTERS_COUNTED = timedelta(days=7)
DEAD_LETTERS_LISTED = timedelta(days=30)


@dataclass(frozen=True)
class PageQueries:
    """A parameter `authority` of None means every authority."""

    store: Store
    clocks: Clocks
    keyring: Keyring

    async def overview(self, authority: AuthorityId | None) -> dict[str, object]:
        """Every open episode, and the other duties that wait for an answer. Dead letters belong to no authority."""
        async with self.store.read() as reader:
            episodes, elsewhere, letters = await reader.fetch(
                read_model.open_episodes(authority),
                read_model.duties_without_episode(authority),
                read_model.dead_letters_after(self.clocks.story() - DEAD_LETTERS_COUNTED),
            )
            children = [each.child for each in episodes]
            duties, due, codes = await reader.fetch(
                read_model.duties_of_episodes([each.content.episode for each in episodes]),
                read_model.rules_due(children),
                codes_of_children(children),
            )
        return {
            "overview": overview(episodes, duties, elsewhere, due),
            "letters": 0 if authority is not None else sum(each.redriven_at is None for each in letters),
            "codes": codes,
        }

    async def episode(self, episode: UUID, operator: Operator) -> dict[str, object] | None:
        """None if the operator may see no such episode. Includes the reasons for acts, if they may read them."""
        async with self.store.read() as reader:
            found = await reader.fetch(read_model.episode_by_id(episode))
            if found is None or not operator.sees(found.content.authority):
                return None
            duties, entries, due, names, discussion, held, codes = await reader.fetch(
                read_model.duties_of_episodes([episode]),
                read_model.entries_of_child(found.child),
                read_model.rules_due([found.child]),
                account_names(),
                read_model.newest_discussion(found.child, episode),
                read_model.held_acts(found.child, episode),
                codes_of_children([found.child]),
            )
            lines = timeline(found, duties, entries)
            wanted = _reasons(lines) if operator.may(May.READ_REASONS) else []
            reasons = await reader.fetch(reasons_by_id(self.keyring, wanted)) if wanted else {}
        about = About(
            found.child,
            found.content.authority,
            found.exercise,
            episode=found.content,
            discussion=discussion,
            held=held,
        )
        return {
            "acts": [each for each in possible_acts(about) if operator.may(each.needs)],
            "line": episode_line(found, duties, due),
            "timeline": lines,
            "codes": codes,
            "names": names,
            "reasons": reasons,
        }

    async def is_of_authority(self, child: str, authority: AuthorityId) -> bool:
        """Whether any episode or duty of the child is the authority's."""
        async with self.store.read() as reader:
            return await reader.fetch(read_model.is_of_authority(child, authority))

    async def exercises(self, authority: AuthorityId | None) -> list[EpisodeLine]:
        """Those under way."""
        async with self.store.read() as reader:
            episodes = await reader.fetch(read_model.open_episodes(authority))
        return [episode_line(each, ()) for each in episodes if each.exercise]

    async def directory(self, authority: AuthorityId | None) -> dict[str, object]:
        """Everybody on it is staff. The staff of one child are shown with the child's code."""
        now = self.clocks.story()
        async with self.store.read() as reader:
            rota, forces, contacts = await reader.fetch(
                directory_page.rota_lines(self.keyring, authority, now), directory_page.force_lines(), all_contacts()
            )
        return {"directory": directory(rota, contacts, now), "forces": forces}

    async def shift(self, operator: Operator) -> dict[str, object]:
        """Numbers are for those who may have to ring them."""
        now = self.clocks.story()
        async with self.store.read() as reader:
            rota = await reader.fetch(directory_page.rota_lines(self.keyring, operator.authority, now))
            numbers = {}
            if operator.may(May.COVER):
                numbers = await reader.fetch(directory_page.telephones(self.keyring, operator.authority))
        return {"board": board(rota, now), "numbers": numbers}

    async def dead_letters(self) -> dict[str, object]:
        async with self.store.read() as reader:
            letters, names = await reader.fetch(
                read_model.dead_letters_after(self.clocks.story() - DEAD_LETTERS_LISTED), account_names()
            )
        return {"letters": [(each, fault_of(each.reason)) for each in letters], "names": names}


def _reasons(lines: Sequence[Line]) -> list[WordsId]:
    acts = [line.entry.content for line in lines if isinstance(line.entry.content, OperatorActed)]
    return [each for act in acts for each in act.words]
