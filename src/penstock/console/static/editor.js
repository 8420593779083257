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

// Fields that are fetched anew, for another provider or mode, keep what was typed meanwhile.
let typed = [];
const kept = (field) => field.name && !["hidden", "submit"].includes(field.type);

document.addEventListener("htmx:beforeSwap", () => {
  const form = document.querySelector("form.edit");
  typed = [...(form?.elements ?? [])].filter(kept).map((field) => [field.name, field.value, field.checked]);
});
document.addEventListener("htmx:afterSwap", () => {
  const form = document.querySelector("form.edit");
  for (const [name, value, checked] of typed) {
    const field = form?.elements.namedItem(name);
    if (!field || !kept(field)) continue;
    field.value = value;
    field.checked = checked;
  }
});
