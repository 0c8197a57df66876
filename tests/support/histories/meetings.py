"""When discussions meet, as the default rules say it, and what time it is in the stack's story."""

from datetime import UTC, datetime, timedelta

import psycopg

from infra.local.stack import Stack
from services.protocol.loader import DEFAULT, Library, files
from services.safeguarding.meetings import AtOnce, InFull

_RULES = Library(files()).current(DEFAULT).by_id
_urgent, _full = _RULES["invite-police"].meets, _RULES["invite-police-in-full"].meets
assert isinstance(_urgent, AtOnce)
assert isinstance(_full, InFull)
AT_ONCE: AtOnce = _urgent
IN_FULL: InFull = _full


def story_time(stack: Stack) -> datetime:
    with psycopg.connect(stack.admin_url) as connection:
        found = connection.execute("SELECT ahead_by FROM story.clock").fetchone()
    return datetime.now(UTC) + (timedelta(0) if found is None else found[0])
