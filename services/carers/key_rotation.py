"""Lists the rows of carers that `renew-keys` brings under the newest keys."""

from services.carers.store.key_rotation import texting_numbers
from services.platform.delivery.queue.key_rotation import texted_numbers
from services.platform.register.key_rotation import Renews

RENEWS: dict[str, Renews] = {
    "numbers that texts came from": texting_numbers,
    "numbers that texts went to": texted_numbers,
}
