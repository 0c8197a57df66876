"""Copies the database of Compose to a file and back: `python3 -m infra.docker.backup {dump | restore} FILE [KEY]`.

`python3 -m infra.docker.backup destroyed FOLDER` lists beside the copies what was erased. KEY encrypts the copy: to
dump, the public key (`age1...`); to restore, the file with the private one. It needs the program `age`; without it,
Docker and Python 3.11 are enough. Run beside docker-compose.yml, with `postgres` up.
"""

import sys
from pathlib import Path

from infra.docker.layout import ADMINISTRATOR, FOLDER, SERVICES
from infra.postgres.backup import CannotBackUp, Tools, dump, list_destroyed, restore

TOOLS = Tools(before=("docker", "compose", "exec", "--no-TTY", "postgres"), connection=(f"--username={ADMINISTRATOR}",))
ARGUMENTS = {"dump": (2, 3), "restore": (2, 3), "destroyed": (2,)}


def main(arguments: list[str]) -> int:
    """0 when it is done, 1 with a sentence on stderr when it is not."""
    if not arguments or len(arguments) not in ARGUMENTS.get(arguments[0], ()):
        print(__doc__, file=sys.stderr)
        return 2
    order, file, key = arguments[0], Path(arguments[1]), next(iter(arguments[2:]), None)
    try:
        if order == "dump":
            about = dump(TOOLS, file, FOLDER / "made", key)
            print(f"{file}: {file.stat().st_size} bytes; newest anchor: {about.get('anchor_hash', 'none yet')}")
        elif order == "destroyed":
            list_destroyed(TOOLS, file)
        else:
            restore(TOOLS, file, SERVICES, FOLDER / "made", Path(key) if key else None)
            print(
                "restored. Next: `docker compose run --rm migrate` and `logins`, then verify (docs/operating-disaster.md)"
            )
    except CannotBackUp as why:
        print(why, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
