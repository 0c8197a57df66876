"""The words of the forms of deeds, which the page behind a link and the console share."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from services.safeguarding.deeds import Field, Kind
from services.safeguarding.notice_fields import ASKED_OF_CARERS, NAMED
from services.safeguarding.roles import Deed
from services.wording import Words, in_language, languages_in

FOLDER = Path(__file__).parent / "deeds"


def _questions_to_carers(language: str | None) -> Mapping[str, Mapping[str, str]]:
    return {name: in_language(NAMED[name].says.question, language).model_dump() for name in ASKED_OF_CARERS}


class DeedWords(Words):
    """`asked` says by field what `forms` does not say by deed. `page` is for the page behind a link."""

    names: Mapping[str, str]
    forms: Mapping[str, Mapping[str, str]]
    asked: Mapping[str, Mapping[str, Any]]
    faults: Mapping[str, str]
    page: Mapping[str, str]
    yes_no: Mapping[str, str]

    @classmethod
    def read(cls, language: str | None = None) -> Self:
        """English, if there is no such language or none is known."""
        content = in_language(languages_in(FOLDER), language)
        return cls.model_validate(content | {"asked": content["asked"] | _questions_to_carers(language)})

    def title_of_one(self, deed: Deed, number: int, code: str) -> str:
        return self.page["one-of-several"].format(number=number, code=code, title=self.forms[deed]["title"])

    def label(self, deed: Deed, field: Field) -> str:
        return self.forms[deed].get(field.name) or str(self.asked[field.name]["label"])

    def hint(self, deed: Deed, field: Field) -> str:
        return self.forms[deed].get(f"{field.name}_hint") or str(self.asked[field.name].get("hint", ""))

    def choices(self, field: Field) -> Mapping[str, str]:
        found: Mapping[str, str] = self.asked[field.name].get(
            "choices", self.yes_no if field.kind is Kind.YES_NO else {}
        )
        return found
