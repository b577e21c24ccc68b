"""`bin/manual`: one HTML and one PDF of the manual's text and of the figures that the browser tests have just taken.

The text is docs/manual/*.md: `# chapter` and `## 图 4.2-1 title`, in the order of figures.txt.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
FIGURES = HERE / "figures"
HEADING = re.compile(r"^## 图 (\d+(?:\.\d+)?-\d+) ?(.*)$", re.MULTILINE)
STYLE = """
    @page { size: A4; margin: 18mm 16mm; }
    body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #17232d; font: 16px/1.8 "PingFang SC",
           "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; }
    h1 { margin-top: 3rem; break-before: page; } header h1 { break-before: auto; }
    h2 { margin-top: 2rem; font-size: 1.15rem; } h1, h2, p:not(:last-child) { break-after: avoid; }
    section { break-inside: avoid; } img { width: 100%; border: 1px solid #e6eaee; border-radius: 6px; }
    nav ol { columns: 2; list-style: none; padding: 0; } a { color: #0a6c9b; text-decoration: none; }
"""


class Entry(NamedTuple):
    """One figure of the manual: its number, its title, its text as Markdown, and the chapter's opening before it."""

    number: str
    title: str
    text: str
    opening: str


def numbers() -> list[str]:
    """Every figure of the manual, in its order."""
    return (HERE / "figures.txt").read_text("utf-8").split()


def entries() -> dict[str, Entry]:
    """The text by figure. ValueError where one stands twice."""
    found: dict[str, Entry] = {}
    for file in sorted(HERE.glob("*.md")):
        opening, *parts = HEADING.split(file.read_text("utf-8"))
        for number, title, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            if number in found:
                raise ValueError(f"图 {number} stands twice, again in {file.name}")
            found[number] = Entry(number, title.strip(), text.strip(), opening.strip())
            opening = ""
    return found


def _with_pictures(html: str) -> str:
    def embedded(match: re.Match[str]) -> str:
        file = HERE / match[1]
        if not file.exists():
            raise FileNotFoundError(f"{file.name} is missing: the browser tests take it, bin/manual runs them")
        return f'src="data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}"'

    return re.sub(r'src="(figures/[^"]+)"', embedded, html)


def html() -> str:
    """The manual as one page with everything in it."""
    markdown, known = MarkdownIt(), entries()
    chosen = [known[number] for number in numbers()]
    index = "".join(f'<li><a href="#f{e.number}">图 {e.number} {e.title}</a></li>' for e in chosen)
    body = "".join(
        f'{markdown.render(e.opening)}<section id="f{e.number}"><h2>图 {e.number} {e.title}</h2>'
        f"{markdown.render(e.text)}</section>"
        for e in chosen
    )
    return (
        f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>清渠 操作手册</title><style>{STYLE}</style>'
        f"<header><h1>清渠 操作手册</h1></header><nav><ol>{index}</ol></nav>{_with_pictures(body)}</html>"
    )


def main(folder: Path) -> None:
    """Write 操作手册.html and 操作手册.pdf into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    page_file = folder / "操作手册.html"
    page_file.write_text(html(), "utf-8")
    with sync_playwright() as playwright:
        program = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(page_file.resolve().as_uri())
        page.pdf(path=folder / "操作手册.pdf", prefer_css_page_size=True, print_background=True)
        browser.close()
    sys.stdout.write(f"{page_file}\n{folder / '操作手册.pdf'}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent.parent / "var" / "manual")
