"""What people paste and what attackers send."""

from __future__ import annotations

import random

MARKS = ("<xq7", "<script>xq7", '" onxq7=', "' onxq7=")  # if one of these is on a page, something was not escaped
SUM = "40119"  # = 13373 * 3, where a template was run
STRINGS = (
    "😀👨‍👩‍👧‍👦",
    "\u202eيلغ\u2066",
    "a\x00b",
    "\x00",
    "长" * 10_000,
    "9" * 10_000,
    "'; DROP TABLE customer; --",
    "1 OR 1=1",
    "%' OR '%'='",
    "%_\\",
    "<script>xq7</script>",
    '"><xq7 a="',
    '" onxq7="1',
    "' onxq7='1",
    "{{ 13373*3 }}{% for x in y %}",
    "${13373*3}",
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "//evil.example/",
    "javascript:xq7",
    "99999999999999999999999999",
    "-1",
    "-99999999999999999999999999",
    "0",
    "9223372036854775807",
    "9223372036854775808",
    "2147483648",
    "700001",  # a key of the other plant
    "1e999",
    "1e-999",
    "0.00000000000000000001",
    "NaN",
    "sNaN",
    "Infinity",
    "-Infinity",
    "2026-02-29",
    "2024-02-29",
    "0000-00-00",
    "9999-12-31",
    "0001-01-01",
    "10000-01-01",
    "2026-13",
    "9999-12",
    "0000-00",
    "１２３",
    "２０２６－１０－１５",
    "²³½",
    "٣",
    "一百",
    "=1+1",
    "@SUM(A1)",
    "\r\nSet-Cookie: xq7=1",
    "\ud83d".encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
    "\u0000\u0001\u001f\u007f\u0085\u2028\ufeff\ufffe",
    " ",
    "",
    "null",
    "true",
    "[]",
    "{}",
    "__class__",
)


def some(of: str, count: int) -> list[str]:
    """So many of them, the same ones for the same thing; together the things see all of them."""
    return random.Random(of).sample(STRINGS, min(count, len(STRINGS)))
