"""A plan that cannot be used is refused by what is wrong in it, and the commands say what they find."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.command_line import app
from services.options.fallback_pack.pack import PlanFault, read_plans, seal
from services.platform.runtime.places import public_key, signer

COMMANDS = CliRunner()
KEY = signer("c2FmZSByZXR1cm4gc2lnbnMgd2hhdCBpdCB3cml0ZXM=")
GOOD = "age1mu7h8hxyshxc7fn0gc0u37jfvvqqr0n4wcd0gllsjxvx9x8wp5tqkc5awc"


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("- kestrel", "has to be YAML: an authority a key"),
        (f"kestrel: {{recipients: [{GOOD}], places: ['file:///a']}}", "places: Tuple should have at least 2 items"),
        (f"kestrel: {{recipients: [{GOOD}], places: ['ftp://a/b', 'file:///a']}}", "places.0"),
        ("kestrel: {recipients: [ssh-rsa], places: ['file:///a', 'file:///b']}", "an age key begins with age1"),
        (f"kestrel: {{recipient: {GOOD}, places: ['file:///a', 'file:///b']}}", "recipients: Field required"),
    ],
)
def test_what_is_wrong_in_a_plan_is_named(tmp_path: Path, written: str, says: str) -> None:
    (tmp_path / "plan.yaml").write_text(written)
    with pytest.raises(PlanFault, match=re.escape(says)):
        read_plans(tmp_path / "plan.yaml")


def test_a_plan_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlanFault, match="cannot be read"):
        read_plans(tmp_path / "plan.yaml")


def test_a_key_is_made_a_pack_opened_and_every_place_tried(tmp_path: Path) -> None:
    key, plan, out = tmp_path / "kestrel.key", tmp_path / "plan.yaml", tmp_path / "pack.html"
    made = COMMANDS.invoke(app, ["fallback", "new-key", str(key)])
    recipient = made.output.strip()
    assert recipient.startswith("age1")
    assert key.stat().st_mode & 0o77 == 0
    assert COMMANDS.invoke(app, ["fallback", "new-key", str(key)]).exit_code == 2, "never over one that is there"
    places = [tmp_path / "one", tmp_path / "two"]
    plan.write_text(f"kestrel: {{recipients: [{recipient}], places: [{places[0].as_uri()}, {places[1].as_uri()}]}}")
    sealed = seal("<h1>as it stood at ten</h1>", [recipient], KEY)
    places[0].mkdir()
    pack = places[0] / "pack.html.age"
    pack.write_bytes(sealed.pack)
    pack.with_name("pack.html.age.sig").write_bytes(sealed.signature)
    opens = ["--identity", str(key), "--signer", public_key(KEY)]
    drilled = COMMANDS.invoke(app, ["fallback", "drill", str(plan), "kestrel", *opens])
    assert drilled.exit_code == 1
    assert "place 1: as it stood at ten" in drilled.output
    assert "place 2: no pack could be fetched" in drilled.output
    assert COMMANDS.invoke(app, ["fallback", "drill", str(plan), "lapwing", *opens]).exit_code == 2
    assert COMMANDS.invoke(app, ["fallback", "open", str(pack), str(out), *opens]).exit_code == 0
    assert out.read_text() == "<h1>as it stood at ten</h1>"
    pack.write_bytes(sealed.pack + b"x")
    refused = COMMANDS.invoke(app, ["fallback", "open", str(pack), str(out), *opens])
    assert (refused.exit_code, "do not use it" in refused.output) == (2, True)
