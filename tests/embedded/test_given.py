"""Secrets come from the environment or from files that it names."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from embedded.given import BY_FILE, given
from tenants import hardening

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("name", BY_FILE)
def test_a_secret_is_read_from_the_file_that_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(name, raising=False)
    (tmp_path / "secret").write_text("of the file\n")
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "secret"))
    assert given(name) == "of the file"
    monkeypatch.setenv(name, "of the variable")
    assert given(name) == "of the variable"


def test_nothing_given_is_empty_and_only_secrets_are_read_from_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.delenv("SECRET_KEY_FILE", raising=False)
    monkeypatch.setenv("BASE_DOMAIN_FILE", "/etc/hostname")
    monkeypatch.delenv("BASE_DOMAIN", raising=False)
    assert (given("SECRET_KEY"), given("BASE_DOMAIN")) == ("", "")


def test_a_file_that_cannot_be_read_stops_the_start_and_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("REDIS_URL_FILE", "/nowhere/redis_url")
    with pytest.raises(RuntimeError, match="REDIS_URL_FILE: /nowhere/redis_url 读不出来"):
        given("REDIS_URL")


def test_the_app_s_settings_are_read_so(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a-key-of-a-file\n")
    done = subprocess.run(
        [sys.executable, "-c", "from config import Config; print(Config.SECRET_KEY, Config.METRICS_TOKEN or '-')"],
        cwd=ROOT, env={"SECRET_KEY_FILE": str(tmp_path / "key")}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["a-key-of-a-file", "-"]


def test_compose_names_no_secret_and_its_files_are_made_once(tmp_path: Path) -> None:
    compose = (ROOT / "compose.yaml").read_text("utf-8")
    files = set(re.findall(r"file: (secrets/\w+)", compose))
    assert not re.search(r"(PASSWORD|SECRET_KEY|TOKEN|_URL): *\S*[$:]", compose.replace("_FILE: /run", ""))
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "secrets"
    script.write_text((ROOT / "bin" / "secrets").read_text("utf-8"))
    script.chmod(0o755)
    subprocess.run([script], check=True, capture_output=True)
    made = {f"secrets/{file.name}": file.read_text() for file in (tmp_path / "secrets").iterdir()}
    assert set(made) == files
    assert len(set(made.values())) == len(made)
    assert made["secrets/database_password"] in made["secrets/database_url"]
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    subprocess.run([script], check=True, capture_output=True)
    assert {f"secrets/{file.name}": file.read_text() for file in (tmp_path / "secrets").iterdir()} == made


def test_compose_hardens_its_server_as_ours_is() -> None:
    compose = re.sub(r"\s+", " ", (ROOT / "compose.yaml").read_text("utf-8"))
    assert {function for function in hardening.CLOSED if function not in compose} == set()
    assert hardening.NO_CREATE in compose
    assert hardening.grant_to("qingqu") in compose


@pytest.mark.parametrize("file", [".gitignore", ".dockerignore"])
def test_the_folder_goes_neither_into_git_nor_into_the_image(file: str) -> None:
    assert "secrets" in (ROOT / file).read_text("utf-8").replace("/", "").split()
