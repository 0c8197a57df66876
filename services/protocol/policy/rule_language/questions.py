"""Names the questions that a rule may ask before it tells anybody, from `questions.yaml`."""

from enum import StrEnum
from pathlib import Path

import yaml

WRITTEN = yaml.load(Path(__file__).with_suffix(".yaml").read_text(), yaml.CSafeLoader)
Question = StrEnum("Question", list(WRITTEN))  # type: ignore[misc]
Question.__doc__ = "What a rule's `when` may ask. The answer is yes, no or unknown."
NUMBERED = frozenset(Question(name) for name, about in WRITTEN.items() if "number" in about)
"""Questions that take a number."""
