"""清渠 Qingqu: the water works of thousands of villages in one cloud. create_app only wires."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask

from app import extensions, observe, web
from app import models as models  # every table is known before the first query
from app.blueprints import BLUEPRINTS, COMMANDS
from app.db import db as database
from app.intake.onboarding import open_plant
from app.tariffs import library
from config import Config, engine_options
from tenants import session as tenant_session


def create_app(config: type[Config] = Config, **overrides: Any) -> Flask:
    """The web app, also the context of the command line and of the workers. `overrides` are config values."""
    app = Flask(__name__, template_folder="web/templates", static_folder="web/static")
    app.config.from_object(config)
    app.config.update(overrides)
    _check_settings(app)
    app.config["SQLALCHEMY_DATABASE_URI"] = app.config["DATABASE_URL"]
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(config())
    observe.init(app)
    database.init_app(app)
    with app.app_context():
        tenant_session.look_after(database.engine)
    observe.watch_pool(app)
    extensions.init(app)
    web.init(app)
    # For the operator's console, which knows nothing of the app.
    app.extensions["open_plant"] = open_plant
    app.extensions["tariff_library"] = library.titles
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    for command in COMMANDS:
        app.cli.add_command(command)
    return app


def _check_settings(app: Flask) -> None:
    """Servers and secret must be named. Commands may start without: `flask tariff quote` needs none of them."""
    if app.config["DISTRIBUTED"] not in ("", "citus"):
        raise RuntimeError("DISTRIBUTED is `citus`, or not set")
    missing = [name for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL") if not app.config[name]]
    app.config["MISSING"] = missing
    if not missing:
        return
    if os.environ.get("FLASK_RUN_FROM_CLI") != "true":
        raise RuntimeError(f"set {', '.join(missing)} (bin/up does it for the embedded servers)")
    nowhere = {"SECRET_KEY": os.urandom(16).hex(), "DATABASE_URL": "postgresql+psycopg://", "REDIS_URL": "redis://"}
    app.config.update({name: nowhere[name] for name in missing})
