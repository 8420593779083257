// A draft that is not saved asks before it is left. The page's own buttons lead on without that.
"use strict";

let leaving = false;

document.addEventListener("submit", () => { leaving = true; });
document.addEventListener("click", (event) => {
  if (event.target.closest("a.leave")) leaving = true;
});
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-unsaved]");
  if (form) form.dataset.unsaved = "yes";
});
window.addEventListener("pageshow", () => { leaving = false; });
window.addEventListener("beforeunload", (event) => {
  if (!leaving && document.querySelector('form[data-unsaved="yes"]')) event.preventDefault();
});
