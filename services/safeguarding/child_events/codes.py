"""Lists codes, from `codes.yaml`: what children go missing from and to, and the languages of texts."""

from enum import StrEnum
from pathlib import Path

import yaml

WRITTEN = yaml.load(Path(__file__).with_suffix(".yaml").read_text(), yaml.CSafeLoader)
PushFactor = StrEnum("PushFactor", WRITTEN["push_factors"])  # type: ignore[misc]
PushFactor.__doc__ = "What a child goes missing from."
PullFactor = StrEnum("PullFactor", WRITTEN["pull_factors"])  # type: ignore[misc]
PullFactor.__doc__ = "What a child goes missing to."
TextLanguage = StrEnum("TextLanguage", WRITTEN["text_languages"])  # type: ignore[misc]
TextLanguage.__doc__ = """Those of children and carers here. It is shown to whoever signs in to read the text, and goes into no text and no
mail: a language comes close to saying where a child is from."""
