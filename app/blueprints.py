"""The pages and commands of the app, slice by slice. Registering one here is all the wiring it needs."""

from __future__ import annotations

from click import Command
from flask import Blueprint

from app import cli
from app.areas import views as areas
from app.billing import views as billing
from app.customers import views as customers
from app.dashboard import views as dashboard
from app.doctor.cli import doctor
from app.intake import views as intake
from app.intake.cli import import_cli
from app.metering import views as metering
from app.payments import views as payments
from app.payments.cli import ledger_cli
from app.readings import views as readings
from app.reports import views as reports
from app.staff import views as staff
from app.tariffs import views as tariffs
from app.tariffs.cli import tariff_cli
from app.trail import views as trail
from app.web import health
from app.web import views as frame
from tenants.console import views as console

BLUEPRINTS: list[Blueprint] = [
    console.blueprint,
    frame.blueprint,
    health.blueprint,
    dashboard.blueprint,  # asks the registry for the night before staff.blueprint begins the plant's transaction
    staff.blueprint,
    areas.blueprint,
    tariffs.blueprint,
    customers.blueprint,
    metering.blueprint,
    readings.blueprint,
    intake.blueprint,
    billing.blueprint,
    payments.blueprint,
    reports.blueprint,
    trail.blueprint,
]
COMMANDS: list[Command] = [cli.plants_cli, cli.migrate_command, doctor, import_cli, ledger_cli, tariff_cli]
