// The button of a page that is made to be printed.
(() => {
  "use strict";
  document.querySelectorAll("[data-print-page]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  });
})();
