"""`python -m embedded.superuser`: shell lines that lead libpq's programs to the embedded server, as its superuser."""

from __future__ import annotations

import json
import shlex
import sys

from sqlalchemy import make_url

from embedded.home import Home
from embedded.postgres import ADMIN


def main() -> int:
    """Print them, or say what to do where no server runs."""
    home = Home.find()
    if not home.has_env():
        sys.stderr.write("数据库没有运行：请先 bin/up，或设置 PGHOST、PGUSER 等变量指向自己的服务器。\n")
        return 1
    url = make_url(home.read_env()["DATABASE_URL"])
    password = json.loads((home.path / "postgres.json").read_text())[ADMIN]
    values = {"PGHOST": url.host, "PGPORT": url.port, "PGUSER": ADMIN, "PGPASSWORD": password}
    print("export", *(f"{key}={shlex.quote(str(value))}" for key, value in values.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
