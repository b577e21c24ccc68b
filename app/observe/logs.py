"""One JSON line an event on standard error, or a readable one where a person reads it."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import TextIO

from app.observe import ids
from app.observe.scrub import scrub

TOLD = ("app", "tenants", "worker", "celery", "gunicorn")  # from INFO on; of everybody else warnings only
# They would tell once more what our own line a request and a task tells.
SILENT = ("celery.app.trace", "celery.worker.strategy", "werkzeug")


class Lines(logging.StreamHandler[TextIO]):
    """To whatever standard error is at that moment: one write a line, so that processes do not mix theirs."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def event(record: logging.LogRecord) -> dict[str, object]:
    """What a line says: `extra={"fields": {…}}` of the call, and the ids in force."""
    said = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": scrub(record.getMessage()),
    }
    return said | ids.now() | getattr(record, "fields", {})


class JsonLines(logging.Formatter):
    """For machines: what an operator's log store reads."""

    def format(self, record: logging.LogRecord) -> str:
        line = event(record)
        if record.exc_info:
            line["error"] = scrub(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


class Readable(logging.Formatter):
    """For people: a terminal, and the files under var/log."""

    def format(self, record: logging.LogRecord) -> str:
        line = event(record)
        time = datetime.fromtimestamp(record.created).astimezone()
        head = f"{time:%m-%d %H:%M:%S} {record.levelname:<7} {line.pop('message')}"
        rest = [f"{name}={value}" for name, value in line.items() if name not in ("time", "level")]
        error = "\n" + scrub(self.formatException(record.exc_info)) if record.exc_info else ""
        return "  ".join([head, *rest]) + error


def readable() -> bool:
    """LOG_FORMAT says json or text; where it says nothing, a terminal gets text."""
    return os.environ.get("LOG_FORMAT", "text" if sys.stderr.isatty() else "json") == "text"


def configure() -> None:
    """For a whole process (web, worker, beat, command); again: the same."""
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, Lines)]:
        root.removeHandler(handler)
    ours = Lines()
    ours.setFormatter(Readable() if readable() else JsonLines())
    root.addHandler(ours)
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    for name in TOLD:
        logging.getLogger(name).setLevel(logging.INFO)
    for name in SILENT:
        logging.getLogger(name).setLevel(logging.WARNING)
    gunicorn = logging.getLogger("gunicorn.error")  # it brings a handler of its own
    gunicorn.handlers.clear()
    gunicorn.propagate = True
