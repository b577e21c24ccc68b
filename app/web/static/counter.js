// The counter counts along: sum of the ticked bills, change, and the receipt on Enter. In whole cents. Without it the server does.
(() => {
  "use strict";
  const form = document.querySelector("[data-pay]");
  const print = document.querySelector("[data-print]");
  const query = document.querySelector("#desk-q");

  // ---- after a payment: Enter in the empty query prints, and the cursor stays where the next account is typed
  if (print && query) {
    query.form.addEventListener("submit", (event) => {
      if (query.value.trim()) return;
      event.preventDefault();
      print.click();
    });
    print.addEventListener("click", () => setTimeout(() => query.focus()));
  }
  if (!form) return;

  const find = (selector) => form.querySelector(selector);
  const bills = [...document.querySelectorAll("input[name=bills]")];
  const received = find("[name=tendered]");
  const keep = find("[name=keep_change]");
  const cents = (text) => {
    const plain = text.replace(/[０-９]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0)).replace(/[．。]/g, ".").replace(/[¥￥元,，\s]/g, "");
    const match = /^(\d{1,10})(?:\.(\d{1,2}))?$/.exec(plain);
    return match ? Number(match[1]) * 100 + Number((match[2] || "").padEnd(2, "0")) : null;
  };
  const yuan = (value) => `¥${Math.floor(value / 100).toLocaleString("en-US")}.${String(value % 100).padStart(2, "0")}`;
  const due = () => bills.filter((b) => b.checked).reduce((sum, b) => sum + cents(b.value.split(":")[1]), 0);
  const plain = (value) => `${Math.floor(value / 100)}.${String(value % 100).padStart(2, "0")}`;
  let filled = received.value === plain(due()) ? received.value : null; // our own filling follows the ticks, what was typed stays

  function count() {
    const owed = due();
    const method = find("[name=method]:checked");
    const prepaid = method && method.value === "prepaid";
    find("[data-count]").textContent = bills.filter((b) => b.checked).length;
    find("[data-due]").textContent = yuan(owed);
    if (received.value === filled) {
      filled = plain(owed);
      received.value = filled;
    }
    form.querySelectorAll("[data-cash]").forEach((row) => row.classList.toggle("desk-off", prepaid));
    const typed = cents(received.value);
    const left = typed === null ? null : typed - owed;
    const change = find("[data-change]");
    const spare = keep.checked ? "转入预存" : method && method.value !== "cash" ? "多收" : "找零";
    find("[data-change-label]").textContent = left !== null && left < 0 ? "还差" : spare;
    change.textContent = left === null ? "—" : yuan(Math.abs(left));
    change.classList.toggle("desk-short", left !== null && left < 0);
  }

  document.addEventListener("change", (event) => { if (event.target.form === form) count(); });
  received.addEventListener("input", count);
  received.addEventListener("focus", () => received.select());
  count();
  if (document.activeElement === received) received.select();
})();
