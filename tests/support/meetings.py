"""When discussions meet, as the default rules say it."""

from services.protocol.loader import Library, files
from services.protocol.rule_file import DEFAULT
from services.safeguarding.meetings import AtOnce, InFull

_RULES = Library(files()).current(DEFAULT).by_id
_urgent, _full = _RULES["invite-police"].meets, _RULES["invite-police-in-full"].meets
assert isinstance(_urgent, AtOnce)
assert isinstance(_full, InFull)
AT_ONCE: AtOnce = _urgent
IN_FULL: InFull = _full
