"""What each page shows, read over one connection."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.accounts import repository as accounts
from services.console.policy.about import About
from services.console.policy.acts import possible
from services.console.policy.dead_letters import fault_of
from services.console.policy.directory import Listed, directory
from services.console.policy.permits import May, Operator
from services.console.policy.status import EpisodeLine, episode_line, overview
from services.console.policy.timeline import Line, timeline
from services.console.read_model import contacts
from services.console.read_model import repository as read_model
from services.platform.register import directory_page, reasons
from services.platform.register.identity import codes_of_children
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Reader
from services.platform.store.unit_of_work import Store
from services.safeguarding.identifiers import AuthorityId, WordsId
from services.safeguarding.operators import OperatorActed

DEAD_LETTERS_SHOWN = timedelta(days=7)
DEAD_LETTERS_LISTED = timedelta(days=30)


@dataclass(frozen=True)
class Reading:
    store: Store
    clocks: Clocks
    keyring: Keyring

    async def standing(self, authority: AuthorityId | None) -> dict[str, object]:
        """Every open episode, and what else waits for an answer; of one authority, or of all. Dead letters belong to none."""
        async with self.store.reading.connect() as connection:
            episodes = await read_model.open_episodes(connection, authority)
            duties = await read_model.duties_of(connection, [each.content.episode for each in episodes])
            elsewhere = await read_model.unanswered_elsewhere(connection, authority)
            letters = await read_model.dead_letters_after(connection, self.clocks.story() - DEAD_LETTERS_SHOWN)
            due = await read_model.rules_due(connection, [each.child for each in episodes])
            codes = await Reader(connection).fetch(codes_of_children([each.child for each in episodes]))
        return {
            "overview": overview(episodes, duties, elsewhere, due),
            "letters": 0 if authority is not None else sum(each.redriven_at is None for each in letters),
            "codes": codes,
        }

    async def one_episode(self, episode: UUID, reader: Operator) -> dict[str, object] | None:
        """None where the console has heard of no such episode that the reader sees. With why operators acted, if they may read it."""
        async with self.store.reading.connect() as connection:
            found = await read_model.episode(connection, episode)
            if found is None or not reader.sees(found.content.authority):
                return None
            duties = await read_model.duties_of(connection, [episode])
            entries = await read_model.entries_of(connection, found.child)
            due = await read_model.rules_due(connection, [found.child])
            codes = await Reader(connection).fetch(codes_of_children([found.child]))
            lines = timeline(found, duties, entries)
            said = await self._reasons(connection, lines) if reader.may(May.READ_REASONS) else {}
            names = await accounts.names(connection)
            discussion = await read_model.newest_discussion(connection, found.child, episode)
        about = About(
            found.child, found.content.authority, found.exercise, episode=found.content, discussion=discussion
        )
        return {
            "deeds": [each for each in possible(about) if reader.may(each.needs)],
            "line": episode_line(found, duties, due),
            "timeline": lines,
            "codes": codes,
            "names": names,
            "reasons": said,
        }

    async def is_of(self, child: str, authority: AuthorityId) -> bool:
        """Whether any episode or duty of the child is the authority's."""
        async with self.store.reading.connect() as connection:
            return await read_model.is_of(connection, child, authority)

    async def exercises(self, authority: AuthorityId | None) -> list[EpisodeLine]:
        """Those that run."""
        async with self.store.reading.connect() as connection:
            episodes = await read_model.open_episodes(connection, authority)
        return [episode_line(each, ()) for each in episodes if each.exercise]

    async def directory(self, authority: AuthorityId | None) -> dict[str, object]:
        """Of one authority, or of all. Everybody on it is staff; the people of one child are shown by the child's code."""
        async with self.store.reading.connect() as connection:
            rota, forces = await Reader(connection).fetch(
                directory_page.rota_lines(self.keyring, authority), directory_page.force_lines()
            )
            reached = await contacts.every(connection)
        listed = [Listed(**{each.name: getattr(line, each.name) for each in fields(line)}) for line in rota]
        return {"directory": directory(listed, reached, self.clocks.story()), "forces": forces}

    async def dead_letters(self) -> dict[str, object]:
        async with self.store.reading.connect() as connection:
            letters = await read_model.dead_letters_after(connection, self.clocks.story() - DEAD_LETTERS_LISTED)
            names = await accounts.names(connection)
        return {"letters": [(each, fault_of(each.reason)) for each in letters], "names": names}

    async def _reasons(self, connection: AsyncConnection, lines: Sequence[Line]) -> dict[WordsId, str]:
        acts = [line.entry.content for line in lines if isinstance(line.entry.content, OperatorActed)]
        wanted = [each for act in acts for each in act.words]
        return await reasons.read(connection, self.keyring, wanted) if wanted else {}
