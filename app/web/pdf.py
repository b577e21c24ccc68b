"""PDF from a template: `render_pdf("payments/receipt_pdf.html", receipt=…)`, with the Chinese font embedded.

The font is parsed once per process (about 0.6 s), a one-page receipt then takes tens of milliseconds. In the style
sheet: `font-family: noto`. Where Chinese text must wrap: `-pdf-word-wrap: CJK`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from flask import Response, current_app, render_template

from app.web import files

T = TypeVar("T")
FONT = "noto"
AUTHOR = "清渠"
AT_ONCE = 10  # things laid out together
_PAGE = re.compile(rb"/Type /Page\b")
# Instead of xhtml2pdf's own style sheet, which is long: every rule is tried on every element.
STYLE = """
html { font-family: noto; font-size: 10pt; color: #000; margin: 0; padding: 0; line-height: 1.25; border: 0 none;
       display: inline; width: auto; height: auto; white-space: normal; }
body, div, p, table, tr, th, td { display: block; }
p { margin: 1em 0; }
th, b { font-weight: bold; }
th { text-align: center; }
tr, th, td { vertical-align: middle; width: auto; }
"""
FILES = {"": "NotoSansSC-Regular.ttf", "-bold": "NotoSansSC-Bold.ttf"}


@cache
def _register_font(folder: Path) -> None:
    from reportlab import rl_config
    from reportlab.lib.fonts import addMapping
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from xhtml2pdf import default

    rl_config.useA85 = 0  # plain bytes: a fifth smaller, and quicker
    for suffix, file in FILES.items():
        pdfmetrics.registerFont(TTFont(FONT + suffix, str(folder / file)))
    for bold in (0, 1):
        for italic in (0, 1):  # Chinese has no italics
            addMapping(FONT, bold, italic, FONT + ("-bold" if bold else ""))
    default.DEFAULT_FONT[FONT] = FONT


def _no_files(uri: str, _origin: str) -> str:
    """A document brings everything with it: nothing is fetched, from the disk or from the net."""
    raise ValueError(f"a PDF must not load {uri!r}")


def render_pdf(template: str, *, title: str, pages: int = 1, **context: Any) -> bytes:
    """The template as a PDF file. It finds `pages`, how many there are, for its foot.

    `pages` is a guess to begin with: xhtml2pdf's own count would lay out every document twice, a wrong guess does.
    """
    data = _laid_out(render_template(template, pages=pages, **context), title)
    found = len(_PAGE.findall(data))
    return data if found == pages else _laid_out(render_template(template, pages=found, **context), title)


def render_each(template: str, *, title: str, things: Sequence[T], named: str, **context: Any) -> bytes:
    """The template as a PDF for many things with a page or more each; it finds some of them at a time under `named`.

    Laid out at once two hundred pages take more than twice as long, and nobody could say how far it is.
    """
    from pypdf import PdfWriter

    writer = PdfWriter()
    portions = [things[start : start + AT_ONCE] for start in range(0, len(things), AT_ONCE)]
    for portion in files.told(portions, step=AT_ONCE):
        data = render_pdf(template, title=title, pages=len(portion), **context, **{named: portion})
        writer.append(io.BytesIO(data))
    writer.add_metadata({"/Title": title, "/Author": AUTHOR})
    writer.compress_identical_objects()
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _laid_out(html: str, title: str) -> bytes:
    from xhtml2pdf import pisa  # imported here: it takes most of a second, and few processes print

    _register_font(Path(str(current_app.static_folder)) / "vendor" / "fonts")
    out = io.BytesIO()
    done = pisa.CreatePDF(
        html,
        dest=out,
        default_css=STYLE,
        encoding="utf-8",
        link_callback=_no_files,
        context_meta={"title": title, "author": AUTHOR},
    )
    if done.err:
        raise RuntimeError(f"{title}: {done.err} errors while printing")
    return out.getvalue()


def pdf_response(data: bytes, name: str) -> Response:
    """Shown in the browser under this file name, and kept by nobody: a second look is a second copy."""
    return Response(
        data,
        mimetype="application/pdf",
        headers={
            "Content-Disposition": f"inline; filename*=UTF-8''{quote(name)}",
            "Cache-Control": "no-store",
        },
    )
