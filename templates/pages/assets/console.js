// What pages do without reload: fresh numbers, plus and minus, one click is one act.
"use strict";

// Replaces every part marked `data-live` by what the page says now; `mark` is that of the wallet
// when the shown page was read.
let asking = false, again = false, mark = document.body.dataset.mark;
async function refresh() {
  if (asking) { again = true; return; }
  asking = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.status === 404) { location.reload(); return; }
    if (!answer.ok) { if (answer.status >= 429) later(); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(part.id);
      const held = part.contains(document.activeElement) ? document.activeElement : null;
      if (!fresh || fresh.innerHTML === part.innerHTML || held?.matches("input, select, textarea")) continue;
      part.innerHTML = fresh.innerHTML;
      if (held) holdOn(part, held);
    }
    mark = page.body.dataset.mark;
  } catch { later(); } finally {
    asking = false;
    if (again) { again = false; refresh(); }
  }
}

// What could not be read is asked for again, not by all pages at once.
function later() { setTimeout(refresh, 2000 + 3000 * Math.random()); }

// Whoever was on a link or button of a part that was replaced stays there, or at the part.
function holdOn(part, held) {
  const same = [...part.querySelectorAll(held.tagName)].find((one) => one.textContent === held.textContent);
  if (!same) part.tabIndex = -1;
  (same || part).focus();
}

function listen(address) {
  const news = new EventSource(address);
  news.onmessage = (event) => { if (event.data !== mark) refresh(); };
  window.addEventListener("pagehide", () => news.close());
}

// A page that waits for something asks again, ever more rarely.
function wait(element) {
  let pause = 700;
  const look = async () => {
    await refresh();
    pause = Math.min(pause * 1.3, 5000);
    if (document.querySelector("[data-waiting]")) setTimeout(look, pause);
  };
  if (element) setTimeout(look, pause);
}

document.addEventListener("click", (event) => {
  const step = event.target.closest("[data-step]");
  if (!step) return;
  const field = document.getElementById(step.dataset.for);
  const by = Number(step.dataset.step);
  const next = Math.max(Number(field.min), Math.min(Number(field.max || Infinity), Number(field.value || 0) + by));
  field.value = String(next);
  field.dispatchEvent(new Event("change", { bubbles: true }));
});

// A form that shows a price asks for it again when its fields change.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-quote]");
  if (form) form.requestSubmit(form.querySelector("[data-quotes]"));
});

// The second click of a double click does nothing: the key would stop it anyway.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
  for (const button of form.querySelectorAll("button:not([data-quotes])")) setTimeout(() => { button.disabled = true; }, 0);
});
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (!copy) return;
  await navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).textContent.trim());
  copy.textContent = "Copied";
});

const live = document.body.dataset.news;
if (live) listen(live);
wait(document.querySelector("[data-waiting]"));
