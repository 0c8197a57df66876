"""Changes a key in three steps: `python -m infra.docker.rotate NAME {add | lead | drop}`, or `disown` for `drop`.

NAME: master_key, phone_key, link_key or signing_key-SERVICE. `add` puts a new key behind the old one: all services can
then read with it. `lead` puts it first: all then write with it. `drop` removes the old one: only after `renew-keys` has
said of each service that nothing needs the old master or phone key, or once the links under the old link key have
expired (docs/operating-daily.md). Services read a key again when it changes. A step that is repeated changes nothing.

The public half of a signing key that was dropped stays in `made/retired_keys`: by it the record is verified, and no
message is believed. `disown` is `drop` without that, for a key that was stolen.
"""

import hashlib
import sys
from pathlib import Path

from infra.docker.layout import FOLDER, SERVICES
from infra.docker.prepare import prepare
from infra.local.settings.secret_files import RETIRED, SecretFiles, key, public_key, write

SIGNING = "signing_key-"
NAMES = ("master_key", "phone_key", "link_key", *(f"{SIGNING}{service}" for service in SERVICES))
LAST = ("drop", "disown")
STEPS = ("add", "lead", *LAST)


class NotNow(Exception):
    """The step before has not been taken. Says which."""


def rotate(folder: Path, name: str, step: str) -> str:
    """Takes the step, and deals the key out to whoever reads it. A mark beside its file tells the new key."""
    file, mark = folder / "made" / name, folder / "made" / f"{name}.new"
    keys = SecretFiles(folder).value(name, key).split()
    new = [each for each in keys if mark.exists() and _print(each) == mark.read_text()]
    if step == "add" and not new:
        made = key()
        write(mark, _print(made))
        keys = [*keys, made]
    elif step != "add" and not new:
        raise NotNow(f"no new {name} has been added: `add` first")
    elif step == "lead":
        keys = new + [each for each in keys if each not in new]
    elif step in LAST:
        if keys[0] not in new:
            raise NotNow(f"the new {name} does not lead yet: `lead` first, then as docs/operating-daily.md says")
        if step == "drop" and name.startswith(SIGNING):
            _retire(folder, name.removeprefix(SIGNING), keys[1:])
        keys = new
    write(file, "\n".join(keys))
    if step in LAST:
        mark.unlink()
    prepare(folder)
    return f"{name}: {len(keys)} of it."


def _retire(folder: Path, service: str, keys: list[str]) -> None:
    """Before they are gone: a step that was stopped in between is done again."""
    file = folder / "made" / RETIRED
    lines = file.read_text().splitlines() if file.exists() else []
    write(file, "".join(f"{each}\n" for each in dict.fromkeys([*lines, *(f"{service} {public_key(k)}" for k in keys)])))


def _print(of: str) -> str:
    return hashlib.sha256(of.encode()).hexdigest()


def main(arguments: list[str], folder: Path = FOLDER) -> int:
    """0 when the step is taken, 1 with a sentence on stderr when it cannot be."""
    match arguments:
        case [name, step] if name in NAMES and step in STEPS:
            try:
                print(rotate(folder, name, step))
            except NotNow as why:
                print(why, file=sys.stderr)
                return 1
            return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
