// 抄表范围: a right click opens the assignment, arrows move books between the two lists. Works without it too.
(() => {
  "use strict";
  document.addEventListener("contextmenu", (event) => {
    const link = event.target.closest("a[data-right-click]");
    if (!link) return;
    event.preventDefault();
    link.click();
  });

  const boxes = (within) => [...within.querySelectorAll("input[type=checkbox]")];

  // What was moved stands in the other list and is marked; moved back, it is as it was.
  document.addEventListener("click", (event) => {
    const arrow = event.target.closest("[data-move]");
    if (!arrow) return;
    const transfer = arrow.closest("[data-transfer]");
    const side = (name) => transfer.querySelector(`[data-items=${name}]`);
    const [from, to] = arrow.dataset.move === "take" ? [side("take"), side("give")] : [side("give"), side("take")];
    boxes(from).filter((box) => box.checked).forEach((box) => {
      const item = box.closest("label");
      box.checked = false;
      item.toggleAttribute("data-moved", to.dataset.items !== box.name);
      to.insertBefore(item, to.querySelector(".transfer-none"));
    });
    transfer.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // Sent is what was moved, and what was ticked and forgotten to be moved.
  document.addEventListener("submit", (event) => {
    const transfer = event.target.querySelector("[data-transfer]");
    if (transfer) boxes(transfer).forEach((box) => { if (box.closest("[data-moved]")) box.checked = true; });
  }, true);
})();
