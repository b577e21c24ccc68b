"""夜间任务 on the operator's desk: every plant's night, and 「重试」."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete

from tenants import night_log
from tenants.context import Tenant
from tenants.models import PlantJob
from tenants.session import platform
from tests import nights as make
from tests.conftest import make_plant
from tests.tenants.conftest import BASE


def words(html: str) -> str:
    """What a reader sees, blanks left out."""
    body = re.sub(r"<(script|style|noscript).*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", "", re.sub(r"<[^>]*>", "", body))


@pytest.fixture(scope="module")
def plants(app: Flask) -> list[Tenant]:
    """Four of them, the last one opened first: no order but that of the states gives theirs."""
    return [make_plant(name) for name in ("北河供水站", "南河供水站", "西河供水站", "东河供水站")][::-1]


@pytest.fixture
def night(app: Flask, plants: list[Tenant]) -> Iterator[date]:
    """A night in which one plant failed, one runs, one waits and one is done; nothing else is stored."""
    with platform() as session:
        session.execute(delete(PlantJob))
    app.extensions["redis"].delete("night")
    day = date(2026, 11, 1)
    for plant, state in zip(plants, ("failed", "running", "queued", "done"), strict=True):
        make.put(plant, day, state)
    yield day
    with platform() as session:
        session.execute(delete(PlantJob))
    app.extensions["redis"].delete("night")


def board(console: FlaskClient, query: str = "", **headers: str) -> str:
    answer = console.get(f"/console/nights/{query}", base_url=BASE, headers=headers)
    assert answer.status_code == 200
    return str(answer.text)


def sent(app: Flask) -> list[list[str]]:
    """The arguments of the tasks that wait in the night's queue."""
    waiting = (json.loads(one) for one in app.extensions["redis"].lrange("night", 0, -1))
    return sorted(eval(one["headers"]["argsrepr"]) for one in waiting)


def order(html: str) -> list[str]:
    return re.findall(r"[东西南北]河供水站(?=</a>)", html)


@pytest.mark.usefixtures("night")
def test_the_headline_counts_plants_and_money_and_the_bar_the_steps(console: FlaskClient) -> None:
    page = board(console)
    said = "4座水厂：完成1，进行中1，等待1，失败1；出账2,450户¥78,900.00，自动扣费¥910.50"
    assert said in words(page)
    assert '<progress class="bar " value="8" max="20" aria-label="整夜进度">' in page


@pytest.mark.usefixtures("night")
def test_what_failed_stands_first_with_its_reason_and_every_step_with_a_word(console: FlaskClient) -> None:
    page = board(console)
    assert order(page) == ["东河供水站", "西河供水站", "南河供水站", "北河供水站"]
    rows = [words(row) for row in page.split("<tr>")[2:]]
    assert words(f"出账：{make.NO_TARIFF}") in rows[0]
    assert "停用到期完成出账失败违约金等待自动扣费等待报表缓存等待" in rows[0]
    assert "失败" not in rows[1] + rows[2] + rows[3]
    assert "出账2,450户¥78,900.00，自动扣费30户¥910.50" in rows[3]
    assert "40秒" in rows[3]  # five steps of eight seconds
    assert [("重试" in row) for row in rows] == [True, False, False, False]


@pytest.mark.usefixtures("night")
@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?state=failed", ["东河供水站"]),
        ("?state=done", ["北河供水站"]),
        ("?q=南河", ["南河供水站"]),
        ("?q=南河&state=done", []),
        ("?q=%25", []),
        ("?state=nonsense&page=99", ["东河供水站", "西河供水站", "南河供水站", "北河供水站"]),
        ("?day=nonsense", ["东河供水站", "西河供水站", "南河供水站", "北河供水站"]),
        ("?day=2026-10-01", []),
    ],
)
def test_tabs_search_and_day_narrow_the_list(console: FlaskClient, query: str, shown: list[str]) -> None:
    assert order(board(console, query)) == shown


@pytest.mark.usefixtures("night")
def test_tabs_count_what_the_search_finds_and_the_headline_the_whole_night(console: FlaskClient) -> None:
    page = words(board(console, "?q=东河"))
    assert "全部1失败1进行中0等待0完成0" in page
    assert "4座水厂" in page


def test_the_page_renews_itself_while_something_moves_and_only_then(
    console: FlaskClient, plants: list[Tenant], night: date
) -> None:
    moving = board(console)
    assert 'hx-trigger="every 3s"' in moving
    assert 'http-equiv="refresh"' in moving
    part = board(console, HX_Request="true", HX_Target="nights")
    assert part.lstrip().startswith("<div")
    assert "<html" not in part
    with platform() as session:
        session.execute(delete(PlantJob).where(PlantJob.state.in_(("queued", "running"))))
    still = board(console)
    assert "hx-trigger" not in still
    assert "http-equiv" not in still


def test_a_part_that_renews_itself_is_sent_to_the_door_when_the_operator_is_gone(app: Flask, night: date) -> None:
    answer = app.test_client().get("/console/nights/", base_url=BASE, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/console/login")
    assert app.test_client().get("/console/nights/", base_url=BASE).status_code == 302


def test_an_older_night_that_is_not_done_is_told_and_what_waits_behind_it(
    console: FlaskClient, plants: list[Tenant], night: date
) -> None:
    make.put(plants[2], date(2026, 10, 31), "failed", at="reports")
    page = board(console)
    assert "另外还没做完的夜：2026-10-31（1座，失败1）" in words(page)
    assert "等2026-10-31那一夜先做完" in words(page)
    assert f"/console/nights/2026-10-31/plants/{plants[2].id}" in page
    older = words(board(console, "?day=2026-10-31"))
    assert "1座水厂：完成0，进行中0，等待0，失败1" in older
    assert "2026-11-01（3座，失败1）" in older


def test_a_suspended_plant_has_nothing_to_wait_for(console: FlaskClient, plants: list[Tenant], night: date) -> None:
    from sqlalchemy import update

    from tenants.models import Plant

    def put(state: str) -> None:
        with platform() as session:
            session.execute(update(Plant).where(Plant.id == plants[2].id).values(state=state))

    put("suspended")
    try:
        assert "等待0" in words(board(console))
    finally:
        put("active")


def test_retry_asks_then_sends_what_failed_back_to_the_queue(
    app: Flask, console: FlaskClient, plants: list[Tenant], night: date
) -> None:
    path = f"/console/nights/{night}/plants/{plants[0].id}/retry"
    asked = console.get(path, base_url=BASE)
    assert "重新做「东河供水站」2026-11-01夜里没做成的任务？" in words(asked.text)
    assert make.states(plants[0], night)["bills"] == "failed"
    assert sent(app) == []
    answer = console.post(path + "?state=failed&page=1", base_url=BASE, follow_redirects=True)
    assert "「东河供水站」2026-11-01的夜间任务已重新排队" in words(answer.text)
    assert answer.request.query_string.decode() == "day=2026-11-01&state=failed"
    assert set(make.states(plants[0], night).values()) == {"done", "queued"}
    assert sent(app) == [[plants[0].slug]]


@pytest.mark.parametrize("which", [1, 2, 3])
def test_only_what_failed_can_be_retried(
    app: Flask, console: FlaskClient, plants: list[Tenant], night: date, which: int
) -> None:
    before = make.states(plants[which], night)
    path = f"/console/nights/{night}/plants/{plants[which].id}/retry"
    answer = console.post(path, base_url=BASE, follow_redirects=True)
    assert "没有失败的任务，不用重试" in answer.text
    assert make.states(plants[which], night) == before
    assert sent(app) == []


def test_retry_of_all_takes_every_failed_plant_of_the_night_and_nothing_else(
    app: Flask, console: FlaskClient, plants: list[Tenant], night: date
) -> None:
    other = date(2026, 10, 31)
    make.put(plants[1], other, "failed")
    make.put(plants[3], other, "failed")
    page = words(console.get(f"/console/nights/{other}/retry", base_url=BASE).text)
    assert "重新做2026-10-31夜里失败的2座水厂？" in page
    answer = console.post(f"/console/nights/{other}/retry", base_url=BASE, follow_redirects=True)
    assert "2座水厂2026-10-31的夜间任务已重新排队" in words(answer.text)
    assert [make.states(plants[one], other)["bills"] for one in (1, 3)] == ["queued", "queued"]
    assert make.states(plants[0], night)["bills"] == "failed"
    assert sent(app) == sorted([[plants[1].slug], [plants[3].slug]])


def test_a_plant_s_night_shows_every_step_the_whole_reason_and_its_past(
    console: FlaskClient, plants: list[Tenant], night: date
) -> None:
    for day in range(1, 32):
        make.put(plants[0], date(2026, 10, day))
    shown = console.get(f"/console/nights/{night}/plants/{plants[0].id}", base_url=BASE).text
    page = words(shown)
    assert words(f"出账没有做成：{make.NO_TARIFF}请水厂的站长改好，再点「重试」。") in page
    assert page.count("等前面失败的一步先做成") == 3
    assert "2026-11-0100:30" in page  # queued half past midnight in China
    assert "最近30夜" in page
    assert "2026-10-03" in page
    assert "2026-10-02" not in page
    assert f"/console/nights/{night}/plants/{plants[0].id}/retry?one=1" in shown


def test_what_broke_by_itself_says_where_to_look(console: FlaskClient, plants: list[Tenant], night: date) -> None:
    day = date(2026, 11, 2)
    make.put(plants[0], day, "failed", error="server closed the connection\nsecond <line>")
    listed = words(board(console))
    assert "出账：系统错误：serverclosedtheconnection" in listed
    assert "secondline" not in listed
    shown = console.get(f"/console/nights/{day}/plants/{plants[0].id}", base_url=BASE).text
    assert "请到日志里查这个时间" in shown
    assert "second &lt;line&gt;" in shown


@pytest.mark.parametrize(
    "path", ["2026-11-01/plants/999999999", "nonsense/plants/1", "2020-01-01/plants/{}", "2026-13-01/retry"]
)
def test_what_is_not_there_is_not_found(console: FlaskClient, plants: list[Tenant], night: date, path: str) -> None:
    assert console.get(f"/console/nights/{path.format(plants[0].id)}", base_url=BASE).status_code == 404


@pytest.mark.parametrize("path", ["", "2026-11-01/plants/{}", "2026-11-01/plants/{}/retry", "2026-11-01/retry"])
def test_strangers_and_plants_do_not_come_to_the_board(
    app: Flask, plants: list[Tenant], night: date, path: str
) -> None:
    address = f"/console/nights/{path.format(plants[0].id)}"
    stranger = app.test_client()
    assert stranger.get(address, base_url=BASE).status_code == 302
    for host in (plants[0].slug, plants[1].slug):
        assert stranger.get(address, base_url=f"http://{host}.localhost").status_code == 404
        assert stranger.post(address, base_url=f"http://{host}.localhost").status_code in (404, 405)
    stranger.post(address, base_url=BASE)
    assert make.states(plants[0], night)["bills"] == "failed"
    assert sent(app) == []


def test_many_plants_cost_no_more_queries(
    console: FlaskClient,
    plants: list[Tenant],
    night: date,
    count_queries: Callable[[], AbstractContextManager[list[str]]],
) -> None:
    from sqlalchemy import text

    with platform() as session:
        session.execute(text(
            "INSERT INTO platform.plant (slug, name, county, schema_name, role_name, state, revision, timezone, bill_day,"
            " deduct_day, households, created_at) SELECT 'many'||g, '第'||g||'村', '石泉县', 'many'||g, 'many'||g, 'active',"
            " '0002', 'Asia/Shanghai', 1, 0, 0, now() FROM generate_series(1, 300) g"
        ))  # fmt: skip
        session.execute(text(
            "INSERT INTO platform.plant_job (plant_id, business_date, kind, state, attempts, error)"
            " SELECT id, '2026-11-01', kind, 'failed', 3, '坏了。' FROM platform.plant,"
            " unnest(ARRAY['bills', 'late_fees', 'auto_deduct', 'reports']) kind WHERE slug LIKE 'many%'"
        ))  # fmt: skip
    try:
        with count_queries() as seen:
            page = board(console, "?q=石泉县&page=3")
        assert len(seen) <= 12, seen
        assert "第3/15页" in words(page)
        assert page.count("<tr>") == 21
        with count_queries() as seen:
            console.get("/console/", base_url=BASE)
        assert len(seen) <= 12
    finally:
        with platform() as session:
            session.execute(delete(PlantJob))
            session.execute(text("DELETE FROM platform.plant WHERE slug LIKE 'many%'"))


def test_a_console_without_nights_says_when_they_come(console: FlaskClient) -> None:
    with platform() as session:
        session.execute(delete(PlantJob))
    assert "还没有夜间任务" in board(console)


def test_the_plants_list_leads_to_each_plant_s_last_night(
    console: FlaskClient, plants: list[Tenant], night: date
) -> None:
    page = console.get("/console/", base_url=BASE).text
    assert f'href="/console/nights/2026-11-01/plants/{plants[0].id}">2026-11-01</a> <span' in page
    assert page.count("1 项失败") == 1


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "—"), (0.2, "不到 1 秒"), (59.4, "59 秒"), (59.6, "1 分 0 秒"), (80, "1 分 20 秒"), (7500, "2 小时 5 分")],
)
def test_how_long_it_took_is_said_in_words(seconds: float | None, said: str) -> None:
    assert night_log.spent(seconds) == said
