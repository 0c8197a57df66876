"""Lists every deed by name."""

from collections.abc import Mapping

from services.safeguarding.deeds import after_return, plan, police, protection, supporters
from services.safeguarding.deeds.deed import DeedSpec
from services.safeguarding.message import Message
from services.safeguarding.roles import Deed

_SPECS = (*after_return.SPECS, *police.SPECS, *protection.SPECS, *supporters.SPECS, *plan.SPECS)
DEED_SPECS: Mapping[Deed, DeedSpec] = {each.deed: each for each in _SPECS}
EVENTS_OF_DEEDS = frozenset(each.kind for each in _SPECS)


def deed_of(event: Message | None) -> Deed | None:
    """The deed that the event records. None: no form does."""
    step = str(getattr(event, "step", "")).replace("-", ".")
    of_kind = [each for each in _SPECS if isinstance(event, each.kind)]
    return next(
        (each.deed for each in of_kind if not step or step in {end.replace("-", ".") for end in each.ends}), None
    )
