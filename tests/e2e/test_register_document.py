"""What those who load the register are told to type, typed: against the running stack."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from infra.local.stack import Stack

ROOT = Path(__file__).parents[2]


@pytest.mark.stack
def test_the_document_s_commands_load_an_authority_and_one_person_more(stack: Stack) -> None:
    told = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/integrating/register.md").read_text(), re.DOTALL)
    [commands] = [each for each in told if "wren.json" in each]
    typed = "set -e\n" + commands.replace(".local/", f"{stack.layout.folder}/")
    ran = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, check=False, timeout=180, cwd=ROOT)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    whole, people = (json.loads(each) for each in ran.stdout.replace("}{", "}\n{").splitlines())
    assert whole["rows"]["directory"] == 5
    assert (people["authority"], people["rows"], people["changed"]) == ("wren", {"people": 1}, {"people": 1})
