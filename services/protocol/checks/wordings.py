"""Loads which words each kind of recipient understands, and when they are true, from `wordings.yaml`."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from services.protocol.policy.rule_language.vocabulary import Trigger
from services.safeguarding.roles import Wording


class FittingWordings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=lambda name: name.replace("_", "-"))

    police: frozenset[Wording]
    carers_and_others: frozenset[Wording]
    carers_alone: frozenset[Wording]
    escalations: frozenset[Wording]
    to_be_done: frozenset[Wording]
    said_only_on: dict[Wording, frozenset[Trigger]]
    opposites: frozenset[frozenset[Wording]]

    @property
    def carers(self) -> frozenset[Wording]:
        return self.carers_and_others | self.carers_alone


WORDINGS = FittingWordings.model_validate(yaml.load(Path(__file__).with_suffix(".yaml").read_text(), yaml.CSafeLoader))
