"""The servers' account, where we are root."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from embedded.account import drop_privileges

MAY_RUN = "import os, sys; sys.exit(0 if os.access(sys.argv[1], os.X_OK) and os.geteuid() else 1)"


def test_a_checkout_in_a_closed_folder_can_be_run_from(tmp_path: Path) -> None:
    """`git clone . "$(mktemp -d)/x"` as root: PostgreSQL asks whether its own files may be run."""
    if os.geteuid() != 0:
        return  # nobody else's account is taken then
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = closed / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    options = drop_privileges([str(program)])
    asked = [sys.executable, "-c", MAY_RUN, str(program)]
    assert subprocess.run(["setpriv", *options, *asked], check=False).returncode == 0
    assert subprocess.run(["setpriv", *drop_privileges(["/bin/sh"]), *asked], check=False).returncode != 0
