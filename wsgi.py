"""What gunicorn and the flask command load."""

from __future__ import annotations

from app import create_app
from seeds.cli import seed
from worker.cli import nightly

app = create_app()
for command in (nightly, seed):
    app.cli.add_command(command)
