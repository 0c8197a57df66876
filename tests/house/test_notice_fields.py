"""One record of a notice's fields: one that is added is taken from the import to the notice, or is refused by name."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import services
from services.police.notices.schema import Child, NoticeData, Placement, Report, Sender
from services.safeguarding.message import Contract
from services.safeguarding.notice_fields import FIELDS, ReportQuestion, read_fields

SERVICES = Path(services.__file__).parent
WRITTEN: Mapping[str, Any] = yaml.safe_load((SERVICES / "safeguarding/notice_fields.yaml").read_text())
NEW = """
child.hair:
  of: profile
  kind: line
  long: true
  asked: carers
  chased: true
  sensitive: false
  says:
    notice: "Hair, and how it is worn"
    gap: "what hair the child has"
    question:
      en: { label: "What hair does the child have?", hint: "Colour and length." }
      cy: { label: "Pa wallt sydd gan y plentyn?", hint: "Lliw a hyd." }
"""
TAKES = """
from dataclasses import fields
from services.options.register_upkeep.policy.register_import import read
from services.console.web.templates import Words
from services.platform.register.police_notice import ChildFacts
from services.police.notices.builder import _child
from services.police.notices.schema import Child
from services.police.notices.wording import label
from services.safeguarding.deeds import DEED_SPECS
from services.safeguarding.notice_fields import CHASED, LEAST, PROFILE, QUESTIONS, NoticeField
from services.safeguarding.roles import Deed
from services.schemas.documents import documents
from services.wording.deed_forms import DeedWords

given, faults = read({"children": [{"reference": "child-1", "hair": "black, in braids"}]}, "kestrel")
[row] = given.children.values()
assert not faults and row.hair == "black, in braids" and "hair" in PROFILE
facts = ChildFacts(**{each.name: None for each in fields(ChildFacts)} | {"known_as": (), "profile": {"hair": "black"}})
assert _child(facts).hair == "black" and Child().hair == "unknown"
assert _child(ChildFacts(**{each.name: getattr(facts, each.name) for each in fields(facts)} | {"profile": {"hair": "b" * 301}})).hair == "in details"
assert label("hair") == "Hair, and how it is worn" and Words().of("child.hair", "gaps") == "what hair the child has"
assert NoticeField("child.hair") in LEAST and "child.hair" in CHASED and QUESTIONS["hair"] == "profile.hair"
[field] = [each for each in DEED_SPECS[Deed("profile")].asks if each.name == "hair"]
assert DeedWords.read("cy").label(Deed("profile"), field) == "Pa wallt sydd gan y plentyn?"
assert all("hair" in documents()[each] for each in ("openapi/casework.json", "openapi/police-webhooks.json"))
print("taken")
"""


def test_the_typed_parts_of_a_notice_have_the_fields_of_the_record() -> None:
    parts: dict[str, type[Contract]] = {"child": Child, "placement": Placement, "report": Report, "sender": Sender}
    for path, each in FIELDS.items():
        part, _, name = path.rpartition(".")
        assert name in (parts[part] if part else NoticeData).model_fields or path == "photograph", path
        assert each.of in {part, "profile", "whole"}, path
    assert {f"child.{name}" for name in Child.model_fields} <= set(FIELDS)
    assert set(ReportQuestion) <= set(Report.model_fields)


@pytest.mark.parametrize(
    ("name", "becomes", "says"),
    [
        ("child.medical", {"colour": "blue"}, "child.medical: .*colour"),
        ("child.medical", {"kind": None}, "child.medical: .*kind"),
        ("child.medical", {"kind": "number"}, "child.medical: .*kind"),
        ("child.medical", {"sensitive": None}, "child.medical: .*sensitive"),
        ("child.medical", {"says": {}}, "child.medical: .*en and cy"),
        ("report.medical", {"of": "report", "kind": None, "asked": "reporters"}, "each have a field .*medical"),
    ],
)
def test_a_field_that_is_not_whole_is_refused_by_name(name: str, becomes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=f"(?s){says}"):
        read_fields({**WRITTEN, name: {**WRITTEN["child.medical"], **becomes}})


def test_a_new_field_is_taken_from_the_import_to_the_notice(tmp_path: Path) -> None:
    copied = shutil.copytree(SERVICES, tmp_path / "services", ignore=shutil.ignore_patterns("__pycache__"))
    for path in ("infra", "docs", "tests", "pyproject.toml", "schemas"):
        (tmp_path / path).symlink_to(SERVICES.parent / path)
    record = copied / "safeguarding/notice_fields.yaml"
    record.write_text(record.read_text() + NEW)

    done = subprocess.run([sys.executable, "-c", TAKES], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.stdout.strip() == "taken", done.stderr
