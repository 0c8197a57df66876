"""What each page shows, read over one connection."""

from datetime import datetime, timedelta
from uuid import UUID

from services.console import store
from services.console.policy.standing import episode_line, overview
from services.console.policy.timeline import timeline
from services.register.codes import of as codes_of
from services.store.transaction import Store

DEAD_LETTERS_SHOWN = timedelta(days=7)


async def standing(opened: Store, now: datetime) -> dict[str, object]:
    """Every open episode, and what else waits for an answer. `now` is story time."""
    async with opened.engine.connect() as connection:
        episodes = await store.open_episodes(connection)
        duties = await store.duties_of(connection, [each.content.episode for each in episodes])
        elsewhere = await store.unanswered_elsewhere(connection)
        letters = await store.dead_letters_after(connection, now - DEAD_LETTERS_SHOWN)
        due = await store.rules_due(connection, [each.child for each in episodes])
        codes = await codes_of(connection, [each.child for each in episodes])
    return {"overview": overview(episodes, duties, elsewhere, due), "dead_letters": letters, "codes": codes}


async def one_episode(opened: Store, episode: UUID) -> dict[str, object] | None:
    """None where the console has heard of no such episode."""
    async with opened.engine.connect() as connection:
        found = await store.episode(connection, episode)
        if found is None:
            return None
        duties = await store.duties_of(connection, [episode])
        entries = await store.entries_of(connection, found.child)
        due = await store.rules_due(connection, [found.child])
        codes = await codes_of(connection, [found.child])
    return {"line": episode_line(found, duties, due), "timeline": timeline(found, duties, entries), "codes": codes}
