// 日结 counts along: the difference beside what is typed. In whole cents. Without it the server says it.
(() => {
  "use strict";
  const form = document.querySelector("[data-count-drawer]");
  if (!form) return;
  const cents = (text) => {
    const plain = text.replace(/[０-９]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0)).replace(/[．。]/g, ".").replace(/[¥￥元,，\s]/g, "");
    const match = /^(-?)(\d{1,10})(?:\.(\d{1,2}))?$/.exec(plain);
    return match ? (match[1] ? -1 : 1) * (Number(match[2]) * 100 + Number((match[3] || "").padEnd(2, "0"))) : null;
  };
  const yuan = (value) => `${value < 0 ? "-" : ""}¥${Math.floor(Math.abs(value) / 100).toLocaleString("en-US")}.${String(Math.abs(value) % 100).padStart(2, "0")}`;
  function say(row, left) {
    const out = row.querySelector("[data-difference]");
    out.textContent = left === null ? "—" : left === 0 ? "平" : (left > 0 ? "长 " : "短 ") + yuan(Math.abs(left));
    out.classList.toggle("desk-short", Boolean(left));
  }
  const fields = [...form.querySelectorAll("[data-expected]")];
  const total = form.querySelector("[data-counted]");
  function count() {
    if (!fields.length) return; // closed already
    const lefts = fields.map((field) => {
      const counted = cents(field.value);
      const left = counted === null ? null : counted - cents(field.dataset.expected);
      say(field.closest("tr"), left);
      return left;
    });
    const known = !lefts.includes(null);
    total.textContent = known ? yuan(fields.reduce((sum, field) => sum + cents(field.value), 0)) : "—";
    say(total.closest("tr"), known ? lefts.reduce((sum, left) => sum + left, 0) : null);
  }
  form.addEventListener("input", count);
  count();
})();
