"""What is taken out of a line, and how a line looks to a person."""

from __future__ import annotations

import logging

import pytest
from flask import Flask, request

from app.observe import ids
from app.observe.logs import JsonLines, Readable, readable
from app.observe.scrub import scrub


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("call 13912345678 now", "call *** now"),
        ("order 20261122139123456789 stays", "order 20261122139123456789 stays"),
        ("card 11010519491231002x.", "card ***."),
        ("broken\nDETAIL:  Failing row contains (1, 张三,\n门朝东).\n[SQL: SELECT 1]", "broken\nDETAIL: ***\n[SQL: SELECT 1]"),
        ("x\nCONTEXT:  COPY staged, line 2: \"张三\"\n\nmore", "x\nCONTEXT: ***\n\nmore"),
        ('invalid input syntax for type date: "张三"', 'invalid input syntax for type date: "***"'),
        ("GET /search?q=张三 HTTP/1.1", "GET /search?*** HTTP/1.1"),
        ("redis://:geheim@10.0.0.1:6379/0", "redis://:***@10.0.0.1:6379/0"),
        ("postgresql+psycopg://qingqu:geheim@db/qingqu", "postgresql+psycopg://qingqu:***@db/qingqu"),
        ("nothing to hide in 2026-11-22", "nothing to hide in 2026-11-22"),
    ],
)  # fmt: skip
def test_what_could_name_a_person_or_open_a_door_is_taken_out(said: str, left: str) -> None:
    assert scrub(said) == left


def test_what_the_request_was_sent_is_taken_out_wherever_it_turns_up(app: Flask) -> None:
    with app.test_request_context(
        "/me?q=东街", method="POST", data={"name": "欧阳不归", "page": "2", "word": "geheim"}
    ):
        assert (request.form["name"], request.args["q"]) == ("欧阳不归", "东街")  # read, as a view does
        assert scrub("no 欧阳不归, no geheim in 东街 on page 2") == "no ***, no *** in *** on page 2"


def record(**fields: object) -> logging.LogRecord:
    made = logging.LogRecord("app.somewhere", logging.WARNING, __file__, 1, "took %s", ("long",), None)
    made.fields = fields
    return made


def test_a_person_reads_the_message_first_and_then_the_ids() -> None:
    token = ids.request_id.set("a3f9-12bc-77de")
    try:
        line = Readable().format(record(ms=12))
    finally:
        ids.request_id.reset(token)
    assert line[15:] == "WARNING took long  logger=app.somewhere  request_id=a3f9-12bc-77de  ms=12"


def test_a_machine_reads_one_line_of_chinese_as_it_is() -> None:
    line = JsonLines().format(record(told="两行\n文字"))
    assert "\n" not in line
    assert "两行" in line


def test_a_file_gets_json_unless_it_is_asked_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOG_FORMAT", raising=False)
    assert not readable()
    monkeypatch.setenv("LOG_FORMAT", "text")
    assert readable()
