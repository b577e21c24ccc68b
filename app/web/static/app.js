// What makes pages more comfortable; every one of them also works without it.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

  // ---- htmx: the CSRF token goes along, and a dead line says so
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRFToken"] = $("meta[name=csrf-token]").content;
  });
  document.addEventListener("htmx:sendError", () => toast("网络不通，刚才的操作没有送到，请检查网络后再试一次。", "error"));
  document.addEventListener("htmx:timeout", () => toast("等了很久没有回应，请稍后再试一次。", "error"));

  // ---- toasts: good news goes by itself, bad news stays until it is closed
  const PASSES_AFTER = 5000;
  function wake(note) {
    if (note.dataset.toast === "pass") setTimeout(() => note.remove(), PASSES_AFTER);
    delete note.dataset.toast;
  }
  function toast(message, category = "success") {
    const note = $("#toast-model").content.firstElementChild.cloneNode(true);
    const bad = category === "error";
    note.classList.toggle("toast-error", bad);
    note.dataset.toast = bad ? "stay" : "pass";
    const use = $("use", note);
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, bad ? "#alert-triangle" : "#circle-check"));
    $("p", note).textContent = message;
    $("#toasts").append(note);
    wake(note);
  }
  window.qingqu = { toast };
  // A response may carry one: HX-Trigger: {"toast": {"message": "保存成功"}}
  document.addEventListener("toast", (event) => toast(event.detail.message, event.detail.category));

  // ---- questions: one dialog for all. <a data-ask="/action">, or <form data-ask-first data-sentence="…">
  let dirty = false; // something was typed into a form with data-guard
  let waiting = null; // the form that is sent after 确定
  function ask({ title, sentence, button }) {
    $("#ask-title").textContent = title || "请确认";
    $("#ask-sentence").textContent = sentence;
    $("#ask [data-yes]").textContent = button || "确定";
    $("#ask").showModal();
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-ask]");
    if (link && $("#ask").showModal) {
      event.preventDefault();
      waiting = null;
      $("#ask form").action = link.dataset.ask;
      ask(link.dataset);
    }
    const opener = event.target.closest("a[data-dialog]");
    if (opener && window.htmx && $("#dialog").showModal && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      closeMenus();
      window.htmx.ajax("GET", opener.href, { target: "#dialog-body" }).then(() => {
        if ($("#dialog-body form, #dialog-body .dialog-head") && !$("#dialog").open) $("#dialog").showModal();
        arrived($("#dialog-body"));
      });
    }
    const closer = event.target.closest("[data-close]");
    if (closer && closer.closest("dialog")) {
      event.preventDefault();
      dirty = false;
      closer.closest("dialog").close();
    }
    if (event.target.closest("[data-toast-close]")) event.target.closest(".toast-note").remove();
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("#ask form") && waiting) {
      event.preventDefault();
      const asked = waiting;
      $("#ask").close();
      asked.dataset.answered = "yes";
      asked.requestSubmit();
    } else if (form.matches("[data-ask-first]") && form.dataset.answered !== "yes" && $("#ask").showModal) {
      event.preventDefault();
      event.stopImmediatePropagation();
      waiting = form;
      ask(form.dataset);
    }
  }, true);

  // ---- a form is sent once: the second click of a double click finds the button off
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post")) return;
    setTimeout(() => $$("button[type=submit], button:not([type])", form).forEach((b) => { b.disabled = true; }));
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) $$("form button:disabled").forEach((b) => { b.disabled = false; });
  });

  // ---- unsaved changes: <form data-guard>
  document.addEventListener("input", (event) => { if (event.target.closest("form[data-guard]")) dirty = true; });
  document.addEventListener("submit", () => { dirty = false; });
  window.addEventListener("beforeunload", (event) => { if (dirty) { event.preventDefault(); event.returnValue = ""; } });

  // ---- keys: data-hotkey="f9" | "ctrl+k" | "esc" focuses a field, presses a button, follows a link
  function keyOf(event) {
    const name = { Escape: "esc", Enter: "enter", " ": "space" }[event.key] || event.key.toLowerCase();
    return (event.ctrlKey || event.metaKey ? "ctrl+" : "") + (event.altKey ? "alt+" : "") + name;
  }
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || $("dialog[open]")) return; // an input method is choosing characters, or a question stands open
    const key = keyOf(event);
    if (key === "esc" && closeMenus()) return;
    const target = $$("[data-hotkey]").find((e) => e.dataset.hotkey.split(" ").includes(key) && !e.disabled && e.offsetParent);
    if (target) {
      event.preventDefault();
      if (target.matches("input:not([type=radio],[type=checkbox],[type=submit]), select, textarea")) {
        target.focus();
        if (target.select) target.select();
      } else target.click();
    } else if (key === "enter") nextField(event);
  });
  // <form data-enter-next>: Enter goes on to the next field that is a stop, and sends the form at the last one
  function nextField(event) {
    const form = event.target.closest && event.target.closest("form[data-enter-next]");
    if (!form || !event.target.matches("input, select")) return;
    const stops = $$("input:not([type=hidden]):not([tabindex='-1']), select", form).filter((e) => !e.disabled && !e.readOnly && e.offsetParent);
    const next = stops[stops.indexOf(event.target) + 1];
    if (!next) return;
    event.preventDefault();
    next.focus();
    if (next.select) next.select();
  }

  // ---- menus: one open at a time, closed by a click elsewhere or Esc; inside a scrolling table they hang free of it
  function closeMenus(except = null) {
    const open = $$("details.menu[open]").filter((menu) => menu !== except);
    open.forEach((menu) => {
      menu.open = false;
      if (menu.contains(document.activeElement)) $("summary", menu).focus();
    });
    return open.length > 0;
  }
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!menu.matches || !menu.matches("details.menu[open]") || !menu.closest(".table-responsive")) return;
    const list = $(".menu-list", menu);
    const at = menu.getBoundingClientRect();
    const below = at.bottom + list.offsetHeight + 12 < window.innerHeight;
    list.style.position = "fixed";
    list.style.right = `${document.documentElement.clientWidth - at.right}px`;
    list.style.top = `${below ? at.bottom : at.top - list.offsetHeight - 12}px`;
  }, true);
  document.addEventListener("scroll", (event) => { if (event.target !== $(".side")) closeMenus(); }, { capture: true, passive: true });

  // ---- the drawer of phones is an anchor; Esc leaves it
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && location.hash === "#menu") location.hash = "content"; });

  // ---- <select data-go> or <input data-go> sends its form by itself
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-go]")) event.target.form.requestSubmit();
  });

  // ---- what has just arrived: the first wrong field or the summary gets the focus
  function arrived(within) {
    $$("[data-toast]", within).forEach(wake);
    const first = $("[aria-invalid=true]", within) || $("[data-focus], [autofocus]", within);
    if (first) first.focus();
  }
  document.addEventListener("htmx:afterSettle", (event) => arrived(event.detail.elt.parentElement || document));
  arrived(document);
})();
