"""Writes structured logs, one JSON object a line: a human sentence, and fields from a closed list.

Nothing personal can be logged by accident: a field that is not on the list is dropped. An exception is logged as its
class and the place where it was raised, since its text may hold the failing statement's values. So is what Python
itself would print: an error that nobody caught, and a warning.
"""

import errno
import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any

import structlog

FIELDS = frozenset(
    {
        "event", "level", "timestamp", "service", "slot", "trace", "kind", "message_id", "topic", "partition", "offset",
        "duty", "step", "delivery", "attempt", "medium", "result", "status", "error", "at", "reason", "seconds", "count",
        "rule", "port", "name", "version", "state", "exercise", "anchor", "hash", "deadline",
    }
)  # fmt: skip


def configure(service: str, slot: int | None) -> None:
    """Call once, before anything logs. What libraries log, and what Python prints, is filtered in the same way."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _reduce_exception,
            _keep_listed_fields,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service, slot=slot)
    logging.basicConfig(handlers=[_Libraries(level=logging.WARNING)], level=logging.WARNING, force=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda said: _log_uncaught(said.exc_type, said.exc_value, said.exc_traceback)
    sys.unraisablehook = lambda said: _log_uncaught(said.exc_type, said.exc_value, said.exc_traceback)
    warnings.showwarning = _log_warning


def logger() -> Any:
    return structlog.get_logger()


def place(error: BaseException) -> str:
    """Returns the error's class and where it was raised, such as `KeyError at store.py:41`. Never its text. An OSError
    without a class of its own has the system's name too, `OSError EROFS`.
    """
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else ""
    why = f" {errno.errorcode.get(error.errno or 0, '')}".rstrip() if type(error) is OSError else ""
    return type(error).__name__ + why + where


def _log_uncaught(_kind: type[BaseException], error: BaseException | None, frames: TracebackType | None) -> None:
    """Logs it, after the lines of code that led there: whoever mends it has nothing else."""
    traceback.print_tb(frames)
    logger().critical("nobody caught an error", exc_info=error)


def _log_warning(message: Any, category: type[Warning], filename: str, lineno: int, *_: Any, **__: Any) -> None:
    """Its text may quote what it warns of."""
    del message
    logger().warning("Python warns", error=f"{category.__name__} at {filename.rsplit('/', 1)[-1]}:{lineno}")


def _reduce_exception(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    error = fields.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        fields["error"] = place(error)
    return fields


def _keep_listed_fields(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in fields.items() if name in FIELDS}


class _Libraries(logging.Handler):
    """Logs a library's record as its logger's name and its template, without the values; but an error among them is
    named, as any other, since it is often all that says why.
    """

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is None and isinstance(record.args, tuple):
            error = next((each for each in record.args if isinstance(each, BaseException)), None)
        template = record.msg if isinstance(record.msg, str) and record.args else "a library logged a message"
        logger().log(record.levelno, template, name=record.name, exc_info=error)
