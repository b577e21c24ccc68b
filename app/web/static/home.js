// The trend as bars, from the very tables that stand there without JavaScript; areas stay open while the figures move.
(() => {
  "use strict";
  const box = document.querySelector("#trend");
  if (!box || !window.echarts) return;
  const find = (selector) => box.querySelector(selector);
  const chartBox = find("[data-chart]");
  const tables = find("[data-trend-tables]");
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  find("[data-trend-keys]").hidden = false;
  chartBox.hidden = false;
  const chart = echarts.init(chartBox);
  let shown = "trend-months";
  let asTable = false;

  const yuan = (value) => `¥${value.toLocaleString("zh-CN", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
  const short = (value) => (Math.abs(value) >= 10000 ? `${value / 10000}万` : `${value}`);
  function draw() {
    const table = document.getElementById(shown);
    const lines = [...table.querySelectorAll("tbody tr")];
    const rows = lines.map((row) => row.dataset);
    const names = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent);
    const days = shown === "trend-days";
    const series = (name, key, color) => ({
      name, type: "bar", stack: days ? "day" : undefined, barMaxWidth: 22, barGap: "10%", cursor: "pointer",
      itemStyle: { color, borderRadius: [3, 3, 0, 0] }, data: rows.map((row) => Number(row[key])),
    });
    chart.setOption({
      animationDuration: 250, textStyle: { fontFamily: "inherit" }, aria: { enabled: true },
      grid: { left: 8, right: 8, top: 34, bottom: 4, containLabel: true },
      legend: { right: 0, top: 0, itemWidth: 12, itemHeight: 12, textStyle: { color: colour("--soft"), fontSize: 13 } },
      tooltip: { renderMode: "richText", trigger: "axis", axisPointer: { type: "shadow" }, valueFormatter: yuan },
      xAxis: { type: "category", data: rows.map((row) => row.label), axisTick: { show: false }, axisLine: { lineStyle: { color: "#c4cdd5" } }, axisLabel: { color: colour("--soft"), fontSize: 13 } },
      yAxis: { type: "value", axisLabel: { color: colour("--soft"), formatter: short, fontSize: 13 }, splitLine: { lineStyle: { color: "#edf1f4" } } },
      series: days ? [series(names[2], "paid", colour("--chart")), series(names[1], "other", colour("--chart-soft"))]
        : [series(names[1], "other", colour("--chart-soft")), series(names[2], "paid", colour("--chart"))],
    }, true);
    // A click anywhere above a day or a month opens what it is made of, as the table's link does.
    chart.getZr().off("click");
    chart.getZr().on("click", (event) => {
      const [index] = chart.convertFromPixel({ gridIndex: 0 }, [event.offsetX, event.offsetY]);
      if (lines[index]) lines[index].querySelector("a").click();
    });
  }
  function show() {
    chartBox.hidden = asTable;
    find("[data-chart-note]").hidden = asTable;
    tables.hidden = !asTable;
    find("[data-trend-table]").textContent = asTable ? "看图" : "看表格";
    box.querySelectorAll("[data-trend]").forEach((key) => key.setAttribute("aria-pressed", String(key.dataset.trend === shown)));
    tables.querySelectorAll("table").forEach((table) => { table.hidden = table.id !== shown; });
    if (!asTable) { chart.resize(); draw(); }
  }
  box.addEventListener("click", (event) => {
    const key = event.target.closest("[data-trend]");
    if (key) shown = key.dataset.trend;
    else if (event.target.closest("[data-trend-table]")) asTable = !asTable;
    else return;
    show();
  });
  window.addEventListener("resize", () => chart.resize());
  show();

  // Opened areas stay open when the fresh block comes.
  const open = new Set();
  document.addEventListener("toggle", (event) => {
    if (event.target.matches && event.target.matches(".home-district")) open[event.target.open ? "add" : "delete"](event.target.id);
  }, true);
  document.addEventListener("htmx:oobAfterSwap", () => open.forEach((id) => { const one = document.getElementById(id); if (one) one.open = true; }));
  document.addEventListener("htmx:afterSettle", () => open.forEach((id) => { const one = document.getElementById(id); if (one) one.open = true; }));
})();
