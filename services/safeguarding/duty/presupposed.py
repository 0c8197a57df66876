"""Loads what each wording presupposes (`presupposes.yaml`)."""

from pathlib import Path

import yaml

from services.safeguarding.duty.facts import Presupposition
from services.safeguarding.roles import Wording

FILE = Path(__file__).parent / "presupposes.yaml"
PRESUPPOSED = {
    str(Wording(key)): Presupposition.read(line)
    for key, line in yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader).items()
}
"""By wording. One without a line presupposes nothing but what sets its rule off."""
