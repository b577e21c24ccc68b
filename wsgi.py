"""What gunicorn and the flask command load."""

from __future__ import annotations

from app import create_app
from app.observe import logs
from seeds.cli import seed
from worker.cli import nightly

logs.configure()
app = create_app()
for command in (nightly, seed):
    app.cli.add_command(command)
