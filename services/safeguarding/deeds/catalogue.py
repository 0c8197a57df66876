"""Lists every deed by name."""

from collections.abc import Mapping

from services.safeguarding.deeds import after_return, plan, police, protection, supporters
from services.safeguarding.deeds.deed import DeedSpec
from services.safeguarding.roles import Deed

_SPECS = (*after_return.SPECS, *police.SPECS, *protection.SPECS, *supporters.SPECS, *plan.SPECS)
DEED_SPECS: Mapping[Deed, DeedSpec] = {each.deed: each for each in _SPECS}
EVENTS_OF_DEEDS = frozenset(each.kind for each in _SPECS)
