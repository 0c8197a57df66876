"""What casework brings under the newest keys, for all: the data keys are the register's."""

from services.casework.store.key_rotation import numbers_of_people
from services.platform.register.key_rotation import Renews, wrapped_keys

RENEWS: dict[str, Renews] = {"data keys": wrapped_keys, "people's numbers": numbers_of_people}
