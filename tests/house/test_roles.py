"""One record of a role: one that is added is taken by everything that lists roles, or is refused by name."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import services
from services.safeguarding.roles import ROLES, Role, read_roles

SERVICES = Path(services.__file__).parent
WRITTEN: Mapping[str, Any] = yaml.safe_load((SERVICES / "safeguarding/roles.yaml").read_text())
NEW = """
child.advocate:
  held-by: directory
  hours: listed
  of: workers
  owns-steps: true
  seat: social-care
  channels: [text, email, invitation]
  says:
    en: { name: "advocate", short: "the advocate", whose: "whose advocate you are" }
    cy: { name: "eiriolwr", short: "yr eiriolwr", whose: "yr ydych yn eiriolwr iddo" }
"""
TAKES = """
from services.options.register_upkeep.policy.rows import DirectoryRole
from services.console.web.templates import Words
from services.professionals.wording import MAIL_LANGUAGES, TEXT_LANGUAGES
from services.protocol.policy.rule_language.grammar import Rule
from services.safeguarding.child_events.discussion_events import PlannedStep
from services.safeguarding.roles import PLAN_OWNERS, Role, Wording
from services.schemas.documents import documents
from services.strategy.discussions.policy import SEATS
from services.platform.delivery.links import Form
from services.strategy.records import STEPS, build_groups
from services.strategy.invitations import LANGUAGES

new = Role("child.advocate")
assert new in DirectoryRole.__members__.values() and new in PLAN_OWNERS
assert SEATS[new] == "social-care"
assert Words().of(new, "role") == Words().of(new, "came") == "advocate"
assert "the advocate" in TEXT_LANGUAGES["en"].write(Wording("contact-unreachable"), "4K7PX", exercise=False, asked=new)
assert "whose advocate you are" in MAIL_LANGUAGES["en"].says(Wording("missing-notice"), new)
for language, name in (("en", "Advocate"), ("cy", "Eiriolwr")):
    assert str(build_groups(LANGUAGES[language], (new,), Form(""), {})).count(f"'{name}'") == 1 + STEPS
PlannedStep(owner=new, due_on="2026-12-01")
assert all("child.advocate" in documents()[each] for each in ("protocol.json", "openapi/casework.json"))
print("taken")
"""


def test_every_role_is_described_and_no_other() -> None:
    assert set(ROLES) == set(Role)


@pytest.mark.parametrize(
    ("name", "becomes", "says"),
    [
        ("child.advocate", WRITTEN["child.guardian"], "child.advocate is in one alone"),
        ("child.guardian", None, "child.guardian is in one alone"),
        ("child.guardian", {"colour": "blue"}, "child.guardian: .*colour"),
        ("child.guardian", {"says": {"en": WRITTEN["child.guardian"]["says"]["en"]}}, "child.guardian: .*en and cy"),
        ("child.guardian", {"channels": ["text"]}, "child.guardian: .*told by email"),
        ("child.guardian", {"seat": "school"}, "child.guardian: .*seat"),
        ("child.guardian", {"of": "duty"}, "child.guardian: .*begins with `duty.`"),
    ],
)
def test_a_role_that_is_not_whole_is_refused_by_name(name: str, becomes: dict[str, Any] | None, says: str) -> None:
    others = {role: each for role, each in WRITTEN.items() if role != name}
    written = others if becomes is None else {**others, name: {**WRITTEN.get(name, {}), **becomes}}

    with pytest.raises(ValueError, match=f"(?s){says}"):
        read_roles(written)


def test_a_new_role_is_taken_by_everything(tmp_path: Path) -> None:
    copied = shutil.copytree(SERVICES, tmp_path / "services", ignore=shutil.ignore_patterns("__pycache__"))
    for path in ("infra", "docs", "tests", "pyproject.toml", "schemas"):
        (tmp_path / path).symlink_to(SERVICES.parent / path)
    record, code = copied / "safeguarding/roles.yaml", copied / "safeguarding/roles.py"
    record.write_text(record.read_text() + NEW)
    listed = '    CHILD_GUARDIAN = "child.guardian"\n'
    code.write_text(code.read_text().replace(listed, f'{listed}    CHILD_ADVOCATE = "child.advocate"\n'))

    def runs(*arguments: str) -> str:
        done = subprocess.run([sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert runs("-c", TAKES).strip() == "taken"
    assert "the protocol holds" in runs("-m", "services", "check")
