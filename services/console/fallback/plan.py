"""Reads which authority's pack goes where, and whose key opens it."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pyrage import RecipientError, x25519

from services.platform.runtime.places import Place
from services.safeguarding.identifiers import AuthorityId


class PackPlan(BaseModel):
    """Of one authority. `recipients` are age keys: whoever holds one of their identities can open the pack."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipients: tuple[str, ...] = Field(min_length=1)
    places: tuple[Place, ...] = Field(min_length=2)
    """Two at least: one of them may be down as well."""


class PlanFault(Exception):
    """The plan cannot be used; the text says what is wrong and what would be right."""


def read_plans(file: Path) -> dict[AuthorityId, PackPlan]:
    """By authority. Raises PlanFault."""
    try:
        written = yaml.safe_load(file.read_text())
        plans = {name: PackPlan.model_validate(each) for name, each in written.items()}
    except OSError as error:
        raise PlanFault(f"{file} cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, AttributeError):
        raise PlanFault(f"{file} has to be YAML: an authority a key, under it `recipients` and `places`") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise PlanFault(f"{file}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    for name, plan in plans.items():
        for each in plan.recipients:
            _require_key(file, name, each)
    return plans


def _require_key(file: Path, name: str, recipient: str) -> None:
    try:
        x25519.Recipient.from_str(recipient)
    except RecipientError:
        msg = f"{file}: {name}.recipients: an age key begins with age1 (`services fallback new-key` makes one)"
        raise PlanFault(msg) from None
