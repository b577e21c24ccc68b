// Batch actions of a list: the bar shows itself when rows are ticked, and says how many.
(() => {
  "use strict";
  const $$ = (selector) => [...document.querySelectorAll(selector)];
  function show() {
    const bar = document.querySelector("#batch");
    if (!bar) return;
    const boxes = $$("[name=id][form=batch]");
    const ticked = boxes.filter((box) => box.checked).length;
    const page = document.querySelector("[data-tick-page]");
    const all = bar.querySelector("[data-tick-all]");
    page.checked = ticked > 0 && ticked === boxes.length;
    page.indeterminate = ticked > 0 && ticked < boxes.length;
    if (all && ticked < boxes.length) all.checked = false;
    bar.dataset.open = ticked ? "yes" : "no";
    bar.querySelector("[data-ticked]").textContent = all && all.checked ? "已选中所有页" : `已选 ${ticked} ${bar.dataset.unit}`;
  }
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-tick-page], [data-tick-all]") && (event.target.checked || event.target.matches("[data-tick-page]"))) {
      $$("[name=id][form=batch]").forEach((box) => { box.checked = event.target.checked; });
    }
    if (event.target.matches("[data-tick-page], [data-tick-all], [name=id][form=batch]")) show();
  });
  window.addEventListener("pageshow", show); // the browser may have kept the ticks
})();
