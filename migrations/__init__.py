"""Two Alembic trees. `python -m migrations tenant "message"` writes the next revision from the models."""
