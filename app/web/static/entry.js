// 整册录入: Enter goes to the next row, m³ and a word stand beside the 止码 at once, each row is stored as it is left.
// What is not stored yet is kept in this browser, and sent when the line is back.
(() => {
  "use strict";
  const form = document.querySelector("#entry");
  const body = form && form.querySelector("tbody");
  if (!body || !window.htmx) return;
  const store = `qingqu-entry ${form.dataset.drafts}`;
  const wire = document.getElementById("entry-wire"); // outside of the form: one row is sent, not all
  const rowOf = (input) => input.closest("tr");
  const keyOf = (input) => input.name.slice(4);
  const inputOf = (key) => document.getElementById(`end-${key}`);
  const markOf = (key) => document.getElementById(`mark-${key}`);

  // ---- what is not stored yet: binding → {value, was}
  function drafts() {
    try { return JSON.parse(localStorage.getItem(store) || "{}"); } catch { return {}; }
  }
  function keep(change) {
    const found = drafts();
    change(found);
    try { localStorage.setItem(store, JSON.stringify(found)); } catch { /* full or forbidden: it is sent anyhow */ }
  }

  // ---- the mark beside the field while it is typed; the server's own replaces it
  const number = (text) => {
    const plain = text.normalize("NFKC").replace(/,/g, "").trim();
    return /^\d{1,9}(\.\d{1,3})?$/.test(plain) ? Number(plain) : NaN;
  };
  function judged(row, end) {
    const [start, modulus, limit, carried, estimated] = ["start", "modulus", "limit", "carried", "estimated"].map((name) => Number(row.dataset[name]));
    if (Number.isNaN(end)) return ["", "不是数字", true];
    if (end >= modulus) return ["", "超过量程", true];
    if (end >= start) return [end - start + carried, end - start + carried > limit ? "偏高，请核对" : "正常", end - start + carried > limit];
    const passed = end + modulus - start + carried;
    if (passed <= limit) return [passed, "过了一圈", false];
    return start - end <= estimated ? [0, "比估抄少", false] : [end - start, "倒走，请核对", true];
  }
  function look(input) {
    const row = rowOf(input);
    const mark = markOf(keyOf(input));
    const text = input.value.trim();
    input.removeAttribute("aria-invalid");
    if (!text) { mark.textContent = ""; row.classList.remove("entry-bad"); return; }
    const [volume, word, odd] = judged(row, number(text));
    mark.innerHTML = '<b class="entry-volume"></b><span class="state"></span>';
    mark.firstChild.textContent = volume === "" ? "" : Math.round(volume * 1000) / 1000;
    mark.lastChild.textContent = word;
    mark.lastChild.classList.add(odd ? "state-owed" : "state-plain");
    row.classList.toggle("entry-bad", odd);
  }

  // ---- storing: one row after the other
  const waiting = new Set();
  let sending = Promise.resolve();
  function unsent() {
    const count = waiting.size;
    const line = document.getElementById("entry-unsent");
    line.hidden = !count;
    line.textContent = count ? `${count} 户还没存上，已留在这台电脑里；网络通了会自动再送，请不要清除浏览数据。` : "";
  }
  function failed(key) {
    waiting.add(key);
    rowOf(inputOf(key)).classList.add("entry-waits");
    unsent();
  }
  function answered(key, value) {
    const row = rowOf(inputOf(key));
    const mark = markOf(key).querySelector("[data-mark]");
    if (!mark) { failed(key); return; } // no answer of ours: logged out, or a proxy speaks
    row.classList.remove("entry-waits");
    row.classList.toggle("entry-bad", mark.dataset.mark === "odd" || mark.dataset.mark === "refused");
    // Said a moment later: what has just arrived and is wrong gets the focus, but here somebody types on.
    if (mark.dataset.mark === "refused") setTimeout(() => inputOf(key).setAttribute("aria-invalid", "true"), 300);
    waiting.delete(key);
    if (mark.dataset.mark !== "refused") keep((found) => { if (found[key] && found[key].value === value) delete found[key]; });
    if (mark.dataset.value && mark.dataset.mark !== "refused") inputOf(key).dataset.was = mark.dataset.value;
    unsent();
  }
  async function send(input) {
    const key = keyOf(input);
    const value = input.value.trim();
    const words = { end: value, read_on: form.elements.read_on.value };
    const url = form.dataset.entry.replace("/rows/0", `/rows/${key}`);
    try {
      await window.htmx.ajax("POST", url, { source: wire, target: `#mark-${key}`, swap: "innerHTML", values: words });
      if (inputOf(key).value.trim() === value) answered(key, value);
    } catch { failed(key); }
  }
  function save(input) {
    const value = input.value.trim();
    const was = input.dataset.was;
    if (!value && was) { input.value = was; look(input); }
    if (!value || value === was) return;
    keep((found) => { found[keyOf(input)] = { value, was }; });
    sending = sending.then(() => send(input));
  }
  // The banner says it; no message for each row. An answer that is no row (a login page) is not shown in one.
  wire.addEventListener("htmx:sendError", (event) => event.stopPropagation());
  body.addEventListener("htmx:beforeSwap", (event) => {
    if (!/data-mark/.test(event.detail.xhr.responseText)) {
      event.detail.shouldSwap = false;
      event.detail.target.textContent = "没有存上";
    }
  });

  body.addEventListener("input", (event) => look(event.target));
  body.addEventListener("change", (event) => save(event.target));
  form.addEventListener("submit", (event) => event.preventDefault());
  body.addEventListener("focusin", (event) => { if (event.target.matches("input")) event.target.select(); });
  form.addEventListener("keydown", (event) => {
    const step = { Enter: 1, ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.isComposing || !event.target.matches(".entry-cell input")) return;
    event.preventDefault();
    event.stopPropagation();
    let row = rowOf(event.target);
    do { row = step > 0 ? row.nextElementSibling : row.previousElementSibling; } while (row && row.querySelector(".entry-cell input").readOnly);
    const next = row ? row.querySelector(".entry-cell input") : step > 0 && document.getElementById("entry-done");
    if (next) next.focus();
  });

  // ---- from the last time: send what was left, unless somebody stored something else meanwhile
  body.querySelectorAll(".entry-cell input").forEach((input) => { input.dataset.was = input.value; });
  for (const [key, left] of Object.entries(drafts())) {
    const input = inputOf(key);
    if (!input) continue; // of another book
    if (input.readOnly || (input.dataset.was !== left.was && input.dataset.was)) {
      if (input.dataset.was !== left.value) markOf(key).append(`（这台电脑里还有没存上的 ${left.value}）`);
      keep((found) => { delete found[key]; });
    } else {
      input.value = left.value;
      look(input);
      save(input);
    }
  }
  const again = () => [...waiting].forEach((key) => { waiting.delete(key); sending = sending.then(() => send(inputOf(key))); });
  window.addEventListener("online", again);
  setInterval(() => { if (waiting.size) again(); }, 10000);
  const first = [...body.querySelectorAll(".entry-cell input:not([readonly])")].find((input) => !input.value);
  if (first && !location.hash) first.focus({ preventScroll: window.innerWidth < 768 });
})();
