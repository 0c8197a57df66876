"""What carers brings under the newest keys."""

from services.carers.store.renewing import texting_numbers
from services.delivery.renewing import texted_numbers
from services.register.renewing import Renews

RENEWS: dict[str, Renews] = {
    "numbers that texts came from": texting_numbers,
    "numbers that texts went to": texted_numbers,
}
