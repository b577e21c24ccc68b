// 缴费记录: the line, drawn from the table beside it; the tab comes by htmx, so the chart is fetched when it is first needed.
(() => {
  "use strict";
  let chart = null;
  let asTable = location.search.includes("page=") || location.search.includes("sort="); // somebody pages through the table
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const yuan = (value) => `¥${value.toLocaleString("zh-CN", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;

  function fetchEcharts(box, then) {
    if (window.echarts) { then(); return; }
    const script = document.createElement("script");
    script.src = box.dataset.echarts;
    script.addEventListener("load", then);
    document.head.append(script);
  }
  function draw(box) {
    const rows = [...box.querySelectorAll(".pay-months tbody tr")].map((row) => row.dataset);
    const [, due, received] = [...box.querySelectorAll(".pay-months thead th")].map((cell) => cell.textContent);
    const series = (name, key, color, dashed) => ({
      name, type: "line", symbol: dashed ? "emptyCircle" : "circle", symbolSize: 7, data: rows.map((row) => Number(row[key])),
      itemStyle: { color }, lineStyle: { color, width: 2, type: dashed ? "dashed" : "solid" },
    });
    if (chart) chart.dispose();
    chart = window.echarts.init(box.querySelector("[data-chart]"));
    chart.setOption({
      animationDuration: 250, textStyle: { fontFamily: "inherit" }, aria: { enabled: true },
      grid: { left: 8, right: 16, top: 36, bottom: 4, containLabel: true },
      legend: { right: 0, top: 0, textStyle: { color: colour("--soft"), fontSize: 13 } },
      tooltip: { renderMode: "richText", trigger: "axis", valueFormatter: yuan },
      xAxis: { type: "category", data: rows.map((row) => row.label), axisTick: { show: false }, axisLabel: { color: colour("--soft"), fontSize: 13 } },
      yAxis: { type: "value", axisLabel: { color: colour("--soft"), fontSize: 13 }, splitLine: { lineStyle: { color: "#edf1f4" } } },
      series: [series(due, "due", colour("--soft"), true), series(received, "received", colour("--chart"), false)],
    });
  }
  function show() {
    const box = document.querySelector("#pay");
    if (!box) return;
    box.querySelector("[data-pay-keys]").hidden = false;
    box.querySelectorAll("[data-pay]").forEach((key) => key.setAttribute("aria-pressed", String((key.dataset.pay === "table") === asTable)));
    box.querySelectorAll("[data-pay-part]").forEach((part) => { part.hidden = (part.dataset.payPart === "table") !== asTable; });
    if (asTable) return;
    box.querySelector("[data-chart]").hidden = false;
    fetchEcharts(box, () => { if (box.isConnected && !asTable) draw(box); });
  }
  document.addEventListener("click", (event) => {
    const key = event.target.closest("[data-pay]");
    if (!key) return;
    asTable = key.dataset.pay === "table";
    show();
  });
  window.addEventListener("resize", () => { if (chart && document.querySelector("#pay")) chart.resize(); });
  document.addEventListener("htmx:afterSettle", (event) => { if (document.querySelector("#pay") && event.detail.elt.id === "tab") show(); });
  show();
})();
