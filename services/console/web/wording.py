"""Puts kinds, roles and states into words, from `messages/`. A value without words is shown as it is."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from services.console.policy.police_line import PoliceLine
from services.console.policy.timeline import Line
from services.safeguarding.identifiers import in_words
from services.safeguarding.operators import OperatorAct
from services.safeguarding.roles import Deed
from services.wording import day_and_time, in_language, languages_in
from services.wording.deed_forms import DeedWords

OF_THE_REGISTER = frozenset({"gaps", "fields"})
"""Their values are names of fields: the last part is mostly a word that people use."""
ORGANISATIONS = frozenset({"force", "authority"})
MESSAGES = Path(__file__).parents[1] / "messages"


class Words:
    def __init__(self, language: str = "en") -> None:
        content, deeds = in_language(languages_in(MESSAGES), language), DeedWords.read(language)
        self._acts: dict[str, str] = content["acts"]
        self._fields: dict[str, Mapping[str, str]] = content["fields"] | {
            "form_fault": deeds.faults,
            "act": content["fields"]["act"] | deeds.names,
        }
        self._forms: dict[str, Mapping[str, str]] = content["forms"] | deeds.forms
        self._asked: dict[str, Mapping[str, Any]] = content["asked"] | deeds.asked
        self._yes_no = deeds.yes_no
        self._police: dict[str, str] = content["police"]
        self._causes: dict[str, str] = content["causes"]

    def of(self, value: object, field: str) -> str:
        """The words for a value of a field, such as a role, a state or a wording."""
        plain = str(value).rpartition(".")[2].replace("_", " ") if field in OF_THE_REGISTER else str(value)
        return self._fields.get(field, {}).get(str(value), plain)

    def form(self, act: OperatorAct | Deed) -> Mapping[str, str]:
        """The title, consequences and button of its form, and labels that differ from the usual ones."""
        return self._forms[act]

    def field(self, name: str) -> dict[str, Any]:
        """A field's label, its hint and its choices."""
        return {"hint": None, "choices": self._fields.get(name, self._yes_no), **self._asked[name]}

    def sentence(self, line: Line) -> str:
        """The sentence for a line of the timeline."""
        content: dict[str, Any] = line.entry.content.model_dump()
        role, wording = line.role or content.get("role"), line.wording or content.get("wording")
        fields = content | {"role": role, "wording": wording}
        return self._acts[line.act].format_map({name: self._in_words(value, name) for name, value in fields.items()})

    def police(self, line: PoliceLine, at: str, said: str, who: str | None) -> str:
        """What stands at the top of a case. `said`: the officer or the reference; `who`: its source or recorder."""
        cause = self._causes.get(line.cause or "", self._causes["failed"]).format(at=at)
        sentence = self._police["phoned" if line.how == "phoned" else line.stand]
        words, who = said or self._police["nobody"], who or self._police["somebody"]
        return sentence.format(at=at, cause=cause, words=words, who=who, how=self.of(line.how, "how"))

    def _in_words(self, value: object, field: str) -> str:
        if field in ORGANISATIONS and isinstance(value, str):
            return in_words(value)
        if isinstance(value, tuple):
            return ", ".join(self.of(each, field) for each in value) or "none"
        if isinstance(value, datetime):
            return day_and_time(value)
        return self.of(value, field) if value is not None else "not known"
