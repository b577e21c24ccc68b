"""Runs several flask commands in one process: loading the app costs seconds, and a start has three of them.

As a program (`python -m embedded.flask_commands`) it is that process: it reads one JSON list of arguments a line, and
writes JSON lines: {"said": text} for what the command prints, then {"failed": true or false}.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from embedded.errors import StartError
from embedded.process import guarded, tail

ROOT = Path(__file__).resolve().parent.parent


class FlaskCommands:
    """`with FlaskCommands(env, log) as flask: flask("migrate")`. What commands complain of goes to `log`."""

    def __init__(self, env: Mapping[str, str], log: Path) -> None:
        self._env = dict(env)
        self._log = log

    def __enter__(self) -> Self:
        with self._log.open("ab") as complaints:
            self._process = subprocess.Popen(
                guarded([sys.executable, "-P", "-m", "embedded.flask_commands"]),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env=self._env,
                cwd=ROOT,
                text=True,
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        if kind is not None:
            self._process.kill()
        self._process.communicate()

    def __call__(self, *arguments: str, told: Callable[[str], None] | None = None) -> str:
        """Run a command to its end and return what it printed (`told` hears it at once); StartError if it fails."""
        assert self._process.stdin
        assert self._process.stdout
        with contextlib.suppress(BrokenPipeError):  # it could not load the app: no answer will say so
            self._process.stdin.write(json.dumps(arguments) + "\n")
            self._process.stdin.flush()
        printed = ""
        for line in iter(self._process.stdout.readline, ""):
            answer = json.loads(line)
            if answer.get("failed") is False:
                return printed
            if "failed" in answer:
                break
            printed += answer["said"]
            if told:
                told(answer["said"])
        said = f"{printed}{tail(self._log)}"
        raise StartError(f"flask {' '.join(arguments)} 没有成功（日志 {self._log}）：\n{said}")


class _Relay(io.TextIOBase):
    """Standard output for a command: passes on what is written, as it is written."""

    def __init__(self, target: TextIO) -> None:
        self._target = target

    def write(self, text: str) -> int:
        self._target.write(json.dumps({"said": text}) + "\n")
        self._target.flush()
        return len(text)


def main() -> None:
    """Answer until there is no more to read. Standard output carries answers only."""
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        from wsgi import app
    for line in sys.stdin:
        with contextlib.redirect_stdout(_Relay(answers)):
            failed = _fails(app, json.loads(line))
        answers.write(json.dumps({"failed": failed}) + "\n")
        answers.flush()


def _fails(app: object, arguments: list[str]) -> bool:
    from flask import Flask
    from flask.cli import ScriptInfo

    assert isinstance(app, Flask)
    try:  # as on the command line, it ends with SystemExit, be it well or badly
        app.cli.main(arguments, "flask", obj=ScriptInfo(create_app=lambda: app))
    except SystemExit as ending:
        return bool(ending.code)
    except Exception:
        traceback.print_exc()
        return True


if __name__ == "__main__":
    main()
