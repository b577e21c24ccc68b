"""What gunicorn and the flask command load."""

from __future__ import annotations

from app import create_app
from worker.cli import nightly

app = create_app()
app.cli.add_command(nightly)
