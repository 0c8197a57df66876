"""What professionals brings under the newest keys."""

from services.delivery.renewing import texted_numbers
from services.register.renewing import Renews

RENEWS: dict[str, Renews] = {"numbers that texts went to": texted_numbers}
