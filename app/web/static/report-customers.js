// 用户统计: bars of 正常 and 停表, drawn from the tables beside them, again whenever the filter brings new ones.
(() => {
  "use strict";
  if (!window.echarts) return;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  let charts = [];
  function draw() {
    charts.forEach((chart) => chart.dispose());
    charts = [...document.querySelectorAll("#groups .report-group")].map((group) => {
      const box = group.querySelector("[data-chart]");
      const rows = [...group.querySelectorAll("tbody tr[data-name]")].map((row) => row.dataset).slice(0, 30).reverse();
      box.hidden = !rows.length;
      if (!rows.length) return null;
      box.style.height = `${Math.max(8, rows.length * 1.9 + 3.5)}rem`;
      const bars = (name, key, color) => ({ name, type: "bar", stack: "all", barMaxWidth: 18, itemStyle: { color }, data: rows.map((row) => Number(row[key])) });
      const chart = window.echarts.init(box);
      chart.setOption({
        animationDuration: 250, textStyle: { fontFamily: "inherit" }, aria: { enabled: true },
        grid: { left: 8, right: 16, top: 30, bottom: 4, containLabel: true },
        legend: { right: 0, top: 0, itemWidth: 12, itemHeight: 12, textStyle: { color: colour("--soft"), fontSize: 13 } },
        tooltip: { renderMode: "richText", trigger: "axis", axisPointer: { type: "shadow" }, valueFormatter: (value) => `${value} 户` },
        xAxis: { type: "value", minInterval: 1, axisLabel: { color: colour("--soft"), fontSize: 13 }, splitLine: { lineStyle: { color: "#edf1f4" } } },
        yAxis: { type: "category", data: rows.map((row) => row.name), axisTick: { show: false }, axisLabel: { color: colour("--soft"), fontSize: 13, width: 110, overflow: "truncate" } },
        series: [bars("正常", "normal", colour("--chart")), bars("停表", "stopped", colour("--wait"))],
      });
      return chart;
    }).filter(Boolean);
  }
  document.addEventListener("htmx:oobAfterSwap", (event) => { if (event.detail.target.id === "groups") draw(); });
  window.addEventListener("resize", () => charts.forEach((chart) => chart.resize()));
  draw();
})();
