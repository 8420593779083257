// What pages need beyond htmx: clocks that go on, a log that follows its end.
"use strict";

const plural = (count, unit) => `${count} ${unit}${count === 1 ? "" : "s"} ago`;

function ago(seconds) {
  if (seconds < 10) return "just now";
  if (seconds < 60) return `${seconds} seconds ago`;
  if (seconds < 3600) return plural(Math.floor(seconds / 60), "minute");
  if (seconds < 86400) return plural(Math.floor(seconds / 3600), "hour");
  return plural(Math.floor(seconds / 86400), "day");
}

function until(seconds) {
  if (seconds <= 0) return "now";
  const [count, unit] = seconds < 3600 ? [seconds / 60, "minute"]
    : seconds < 86400 ? [seconds / 3600, "hour"] : [seconds / 86400, "day"];
  return count < 1 ? "in less than a minute" : `in ${plural(Math.round(count), unit).replace(" ago", "")}`;
}

function took(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

setInterval(() => {
  for (const time of document.querySelectorAll("time[data-until]")) {
    const text = until(Math.floor((Date.parse(time.dateTime) - Date.now()) / 1000));
    if (time.textContent !== text) time.textContent = text;
  }
  for (const time of document.querySelectorAll("time[data-ago], time[data-since]")) {
    const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(time.dateTime)) / 1000));
    const text = "since" in time.dataset ? took(seconds) : ago(seconds);
    if (time.textContent !== text) time.textContent = text;
  }
}, 1000);

// A log stays at its end while the reader is there, and stays put while they read further up.
const nearEnd = (log) => log.scrollHeight - log.scrollTop - log.clientHeight < 40;

function toEnd(log) {
  if (log) log.scrollTop = log.scrollHeight;
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const log = event.target.closest(".log");
  if (!log) return;
  log.dataset.atEnd = nearEnd(log) ? "yes" : "";
  log.dataset.fromEnd = event.target.matches(".older") ? log.scrollHeight - log.scrollTop : "";
});
document.addEventListener("htmx:afterSettle", () => {
  const log = document.getElementById("log");
  if (!log) return;
  if (log.dataset.fromEnd) log.scrollTop = log.scrollHeight - Number(log.dataset.fromEnd);
  else if (log.dataset.atEnd) toEnd(log);
});
document.addEventListener("DOMContentLoaded", () => toEnd(document.getElementById("log")));

function connection(text) {
  const shown = document.getElementById("connection");
  if (shown && shown.textContent !== text) shown.textContent = text;
}
document.addEventListener("htmx:sseOpen", () => connection("live"));
document.addEventListener("htmx:sseError", () => connection("not live: reconnecting…"));

// A page whose state its title tells says it in the part that is refetched, too.
document.addEventListener("htmx:afterSettle", () => {
  const told = document.querySelector("#live [data-title]");
  if (told) document.title = told.dataset.title;
});

// A form that must be sent once: its buttons rest until the answer comes, or somebody comes back.
function rest(form, resting) {
  for (const button of form.querySelectorAll("button")) button.disabled = resting;
}
document.addEventListener("submit", (event) => {
  const form = event.target;
  if ("once" in form.dataset) setTimeout(() => rest(form, true));
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) rest(form, false);
});
