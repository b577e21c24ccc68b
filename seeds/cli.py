"""`flask seed`: two plants with a billed month."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from seeds import plants


@click.command("seed")
@click.option("--logins", is_flag=True, help="print the seed plants' logins and do nothing")
@with_appcontext
def seed(logins: bool) -> None:
    """Seed 石泉镇供水站 and 柳树村供水站; again: nothing is seeded twice."""
    if logins:
        for line in plants.logins():
            click.echo(line)
        return
    plants.seed_all(click.echo)
