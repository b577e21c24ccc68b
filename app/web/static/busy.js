// Whoever waits sees a bar that moves, what is being done, and for how long; and cannot ask for it twice.
(() => {
  "use strict";
  const AFTER = 400; // milliseconds that nobody notices
  const AT_MOST = 30000; // a page that was asked for and saved as a file instead of shown never says so
  const bar = document.querySelector("#busy");
  let timer = 0;
  let since = 0;

  function tick() {
    bar.hidden = false;
    if (bar.showPopover && !bar.matches(":popover-open")) bar.showPopover(); // above an open dialog
    bar.querySelector("[data-seconds]").textContent = `${Math.round((Date.now() - since) / 1000)} 秒`;
    timer = setTimeout(tick, 1000);
  }
  function start(words) {
    stop();
    since = Date.now();
    bar.querySelector("[data-words]").textContent = words || "请稍候";
    timer = setTimeout(tick, AFTER);
  }
  function stop() {
    clearTimeout(timer);
    if (bar.hidePopover && bar.matches(":popover-open")) bar.hidePopover();
    bar.hidden = true;
  }
  window.addEventListener("pageshow", (event) => { if (event.persisted) stop(); }); // app.js switches the buttons on

  // a form that is sent, and a link or button that says it takes a while: <button data-busy="正在开账">
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const words = (event.submitter && event.submitter.dataset.busy) || form.dataset.busy;
    const post = form.method === "post";
    if (event.defaultPrevented || form.hasAttribute("hx-post") || form.target || !(post || words)) return;
    start(words);
    if (post || !event.submitter) return; // app.js switches the buttons of other forms off
    setTimeout(() => { event.submitter.disabled = true; });
    setTimeout(() => { event.submitter.disabled = false; stop(); }, AT_MOST);
  });
  const sentFromDialog = (event) => event.detail.requestConfig.verb !== "get" && event.detail.elt.closest("dialog");
  document.addEventListener("htmx:beforeRequest", (event) => { if (sentFromDialog(event)) start(event.detail.elt.dataset.busy); });
  document.addEventListener("htmx:afterRequest", (event) => { if (sentFromDialog(event)) stop(); });

  // a file that is being made: fetched here, so that one sees when it has come
  function nameOf(answer) {
    const said = answer.headers.get("content-disposition") || "";
    const coded = /filename\*=UTF-8''([^;]+)/i.exec(said);
    return coded ? decodeURIComponent(coded[1]) : (/filename="?([^";]+)/i.exec(said) || [])[1];
  }
  function save(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }
  async function fetched(link) {
    link.setAttribute("aria-disabled", "true");
    start("正在准备文件");
    try {
      const answer = await fetch(link.href);
      const name = nameOf(answer);
      if (answer.ok && name) save(await answer.blob(), name);
      else location.assign(link.href); // an error, or the door: the page says it
    } catch {
      window.qingqu.toast("网络不通，文件没有下载下来，请检查网络后再试一次。", "error");
    } finally {
      stop();
      link.removeAttribute("aria-disabled");
    }
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[download]");
    if (!link || link.href.startsWith("blob:") || event.defaultPrevented || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (link.getAttribute("aria-disabled") !== "true") fetched(link);
  });
})();
