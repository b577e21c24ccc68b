"""What can be seen from the settings alone. Nothing is asked of any server."""

from __future__ import annotations

import ipaddress
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from math import log2
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.doctor.finding import Finding, bad, good, look

SHORTEST = 32  # characters of a secret that signs sessions
TOKEN = 24  # of what Prometheus brings
LEAST_BITS = 3.0  # a character: a word repeated, or the alphabet, has less than what is drawn at random
MADE = (
    '用 python3 -c "import secrets; print(secrets.token_hex(32))" 生成一个，放进 SECRET_KEY 或 SECRET_KEY_FILE 指的文件；'
    "换了以后所有人要重新登录。"
)
EXAMPLES = ("changeme", "change-me", "secret", "example", "password", "only-for-tests", "qingqu", "dev")


def check(config: Mapping[str, Any]) -> Iterator[Finding]:
    """All of them, in the order of the documentation's table."""
    yield _secret_key("" if "SECRET_KEY" in config.get("MISSING", ()) else str(config["SECRET_KEY"]))
    yield _tls(config)
    yield _domain(str(config["BASE_DOMAIN"]))
    yield _proxies(config)
    yield _roles(config)
    yield _metrics(str(config["METRICS_TOKEN"]))
    yield _exports(str(config["EXPORT_DIR"]))
    yield _password_of("database_password", "数据库", str(config["DATABASE_URL"]))
    if config.get("DEBUG") or os.environ.get("FLASK_DEBUG") in ("1", "true"):
        yield bad("debug", "调试模式开着：出错的页面会把程序和数据给任何人看。", "去掉 FLASK_DEBUG，再重启。")


def _bits(text: str) -> float:
    """Shannon's entropy of a character."""
    return -sum(n / len(text) * log2(n / len(text)) for n in Counter(text).values()) if text else 0.0


def _is_weak(secret: str, shortest: int) -> bool:
    said = secret.lower()
    # A hexadecimal digit has four bits, a short sample of it a little less.
    return len(secret) < shortest or _bits(secret) < LEAST_BITS or any(word in said for word in EXAMPLES)


def _secret_key(secret: str) -> Finding:
    if not secret:
        return bad("secret_key", "没有设 SECRET_KEY，程序不会启动。", MADE)
    if _is_weak(secret, SHORTEST):
        return bad("secret_key", "SECRET_KEY 太短、太简单，或是示例里的：猜到它的人可以冒充任何人。", MADE)
    return good("secret_key", f"SECRET_KEY 有 {len(secret)} 个字符。")


def _tls(config: Mapping[str, Any]) -> Finding:
    if config["TLS"]:
        return good("tls", "浏览器只走 HTTPS。")
    return bad(
        "tls", "没有开 TLS：密码和姓名在路上是明文。", "在前面的代理上装好证书，设 TLS=on，再设好 TRUSTED_PROXIES。"
    )


def _domain(domain: str) -> Finding:
    name = domain.partition(":")[0].lower()
    if name in ("", "localhost") or name.endswith((".localhost", ".local", ".test", ".example", "example.com")):
        return bad(
            "base_domain",
            f"BASE_DOMAIN 还是「{name or '空'}」，别的电脑打不开水厂的网址。",
            "设成真正的域名，并让 *.域名 指向这台服务器。",
        )
    if re.fullmatch(r"[0-9.]+", name):
        return bad(
            "base_domain",
            "BASE_DOMAIN 是一个 IP 地址，水厂没有自己的子域名。",
            "设成一个域名，并让 *.域名 指向这台服务器。",
        )
    return good("base_domain", f"水厂在 *.{name}。")


def _proxies(config: Mapping[str, Any]) -> Finding:
    count = int(config["TRUSTED_PROXIES"])
    if config["TLS"] and not count:
        return bad(
            "trusted_proxies",
            "开了 TLS，却没有设 TRUSTED_PROXIES：所有人看起来都来自代理的地址，一个人输错密码会锁住大家。",
            "前面有几层代理就设几，一般是 1。",
        )
    if count > 2:
        return look(
            "trusted_proxies", f"TRUSTED_PROXIES 是 {count}：设多了，谁都能假造自己的地址。", "数一数前面真有几层代理。"
        )
    return good("trusted_proxies", f"前面有 {count} 层代理。")


def _roles(config: Mapping[str, Any]) -> Finding:
    if config["TENANT_ROLES"]:
        return good("tenant_roles", "每座水厂有自己的数据库角色。")
    return bad(
        "tenant_roles",
        "TENANT_ROLES=off：一处程序漏洞就能读到所有水厂。",
        "除非数据库不许建角色，去掉这个设置；见 docs/operations.md「What holds plants apart」。",
    )


def _metrics(token: str) -> Finding:
    if not token:
        return look(
            "metrics_token",
            "没有设 METRICS_TOKEN，Prometheus 读不到指标，出了问题没人知道。",
            "设一个长的随机数，见 docs/operations.md。",
        )
    if _is_weak(token, TOKEN):
        return bad("metrics_token", "METRICS_TOKEN 太短或太简单。", f"换成至少 {TOKEN} 个随机字符。")
    return good("metrics_token", "指标要凭 METRICS_TOKEN 才能读。")


def _exports(folder: str) -> Finding:
    if not folder:
        return look(
            "export_dir", "没有设 EXPORT_DIR，水厂的数据不会定期导出。", "设成另一块盘上的文件夹，所有 worker 都能写。"
        )
    path = Path(folder)
    if not path.is_dir():
        return bad("export_dir", f"EXPORT_DIR「{folder}」不是文件夹。", "建好它，属主是运行程序的用户，权限 700。")
    if not os.access(path, os.W_OK | os.X_OK):
        return bad("export_dir", f"EXPORT_DIR「{folder}」写不进去。", "把属主改成运行程序的用户。")
    if path.stat().st_mode & 0o007:
        return bad(
            "export_dir", f"EXPORT_DIR「{folder}」别的用户也能看，里面有所有人的姓名和电话。", f"chmod 700 {folder}"
        )
    return good("export_dir", "定期导出的文件夹可写，别人看不到。")


def _password_of(check_: str, what: str, url: str) -> Finding:
    parts = urlsplit(url)
    if is_local(parts.hostname or "") and not parts.password:
        return good(check_, f"{what}在本机。")
    if not parts.password or _is_weak(parts.password, 12):
        return bad(check_, f"{what}的密码没有设，或太短太简单。", "换成至少 24 个随机字母和数字。")
    return good(check_, f"{what}有密码。")


def is_local(host: str) -> bool:
    """Whether nobody else's machine can be asked at that address ('' is a socket)."""
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
