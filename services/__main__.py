"""Runs the one command. Each service is a process: `python -m services run police`."""

import sys

from services.run import SERVICES, run_service


def main() -> None:
    """Runs a command, and explains a wrong setting in the same words for all of them.

    A service that is to run needs nothing of the command line, which would stay in its memory.
    """
    try:
        match sys.argv[1:]:
            case ["run", service] if service in SERVICES:
                run_service(service)
            case _:
                from services.platform.runtime import logs

                logs.configure("commands", None)
                from services.command_line import app

                app()
    except Exception as error:
        from services.platform.runtime.commands import explain_error

        lines = explain_error(error)
        if lines is None:
            raise
        for each in lines:
            print(each, file=sys.stderr)  # noqa: T201 the command line's own `echo` is not loaded
        sys.exit(2)


if __name__ == "__main__":
    main()
