"""Lists every deed by name."""

from collections.abc import Mapping

from services.safeguarding.deeds import after_return
from services.safeguarding.deeds.deed import DeedSpec
from services.safeguarding.roles import Deed

_SPECS = (
    after_return.SAFE_AND_WELL_CHECK,
    after_return.RETURN_INTERVIEW_OFFER,
    after_return.RETURN_INTERVIEW,
)
DEED_SPECS: Mapping[Deed, DeedSpec] = {each.deed: each for each in _SPECS}
