"""Lists the keys that casework rotates, those of the register's data keys among them."""

from services.casework.store.key_rotation import numbers_of_people, police_references
from services.platform.register.key_rotation import Renews, authority_keys, data_keys

RENEWS: dict[str, Renews] = {
    "authorities' keys": authority_keys,
    "data keys": data_keys,
    "people's numbers": numbers_of_people,
    "police references": police_references,
}
