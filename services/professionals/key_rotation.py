"""Lists the columns of professionals that are renewed under the newest keys."""

from services.platform.delivery.queue.repository import texted_numbers
from services.platform.register.keys import Renews

RENEWS: dict[str, Renews] = {"numbers that texts went to": texted_numbers}
