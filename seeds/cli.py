"""`flask seed`: two plants with a billed month."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from seeds import plants


@click.command("seed")
@click.argument("what", type=click.Choice(["plants", "big"]), default="plants")
@click.option("--logins", is_flag=True, help="print the seed plants' logins and do nothing")
@click.option("--customers", type=click.IntRange(1, 200_000), default=50_000, help="of the big plant")
@with_appcontext
def seed(what: str, logins: bool, customers: int) -> None:
    """Seed 石泉镇供水站 and 柳树村供水站, or one big plant; again: nothing is seeded twice."""
    if what == "big":
        plants.seed_big(customers, click.echo)
        return
    if logins:
        for line in plants.logins():
            click.echo(line)
        return
    plants.seed_all(click.echo)
