// Keeps the page true while somebody looks at it, and moves nothing under their hand.
// The stream (<body data-live="/live">) only says that something changed: `event: changed`, data {"areas": [...], "say": "..."}.
// This page is then fetched again as its reader, who gets what they may see and nothing else.
//   <… id="…" data-live-area="pages danger">  is replaced as a whole, unless focus is within
//   <… data-live-offer="triage" data-live-of="waiting" hidden>  is shown instead of moving the list in #waiting
// `event: poll`, data {"seconds": 10}: the server hears nothing itself just now; ask it again that often.

const WAIT_MS = 120;
const SPOKEN_MS = 1000;
const FALLBACK_S = 15;
let pending = new Set();
let words = "";
let timer = 0;
let polling = 0;
let failures = 0;

const names = (element) => element.dataset.liveArea.split(" ");
const rows = (within) => new Set([...(within?.querySelectorAll("[data-row]") ?? [])].map((link) => link.getAttribute("href")));

async function refresh() {
  timer = 0;
  const areas = pending;
  const say = words;
  pending = new Set();
  words = "";
  let fresh;
  try {
    const answer = await fetch(location.href, { headers: { "X-Caselight-Live": "1" }, redirect: "manual" });
    if (!answer.ok) return;
    fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return; // away for a moment: the next event or poll asks again
  }
  offers(fresh, areas);
  for (const old of document.querySelectorAll("[data-live-area]")) {
    if (!areas.has("*") && !names(old).some((name) => areas.has(name))) continue;
    const made = fresh.getElementById(old.id);
    if (!made || made.innerHTML === old.innerHTML) continue;
    if (old.contains(document.activeElement)) offer(old);
    else old.replaceWith(document.adoptNode(made));
  }
  document.title = fresh.title;
  if (say) speak(say);
}

// A list that would now be another is offered, never moved: "3 new. Show them".
function offers(fresh, areas) {
  for (const bar of document.querySelectorAll("[data-live-offer]")) {
    if (!areas.has("*") && !bar.dataset.liveOffer.split(" ").some((name) => areas.has(name))) continue;
    const of = bar.dataset.liveOf;
    const shown = rows(document.getElementById(of));
    const now = rows(fresh.getElementById(of));
    const added = [...now].filter((href) => !shown.has(href)).length;
    const gone = [...shown].filter((href) => !now.has(href)).length;
    if (of && !added && !gone) continue;
    const words = added ? `${added} new.` : gone ? `${gone} no longer here.` : "New items came in.";
    bar.querySelector("[data-live-words]").textContent = words;
    bar.hidden = false;
  }
}

function offer(area) {
  for (const name of names(area)) document.querySelector(`[data-live-offer~="${CSS.escape(name)}"]`)?.removeAttribute("hidden");
}

function speak(say) {
  const region = document.getElementById("live-said");
  region.textContent = "";
  setTimeout(() => (region.textContent = say), 50);
  setTimeout(() => region.textContent === say && (region.textContent = ""), 50 + 10 * SPOKEN_MS);
}

function changed(areas, say) {
  for (const area of areas) pending.add(area);
  if (say) words = say;
  pending.add("nav");
  timer ||= setTimeout(refresh, WAIT_MS);
}

function poll(seconds) {
  clearInterval(polling);
  polling = seconds ? setInterval(() => document.visibilityState === "visible" && changed(["*"], ""), seconds * 1000) : 0;
  const how = document.querySelector("[data-live-how]");
  if (how) how.textContent = seconds ? `Checked again every ${seconds} seconds; nothing moves while you type.` : "Updates arrive by themselves; nothing moves while you type.";
}

const stream = new EventSource(document.body.dataset.live);
stream.addEventListener("open", () => {
  if (failures) changed(["*"], "");
  failures = 0;
  poll(0);
});
stream.addEventListener("error", () => {
  failures += 1;
  if (failures === 2 || stream.readyState === EventSource.CLOSED) poll(FALLBACK_S);
});
stream.addEventListener("changed", (event) => {
  const { areas, say = "" } = JSON.parse(event.data);
  changed(areas, say);
});
stream.addEventListener("ended", () => {
  stream.close();
  poll(0);
  const how = document.querySelector("[data-live-how]");
  if (how) how.textContent = "Your session has ended: nothing arrives any more. What you typed is kept when you send it.";
  speak("Your session has ended.");
});
stream.addEventListener("poll", (event) => poll(JSON.parse(event.data).seconds));
addEventListener("pagehide", () => stream.close());
