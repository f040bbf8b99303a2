// Keys for the desks. They act only while focus is inside [data-desk] and outside a text field (WCAG 2.1.4);
// <body data-keys="off"> turns them off. Everything they do can also be done with Tab, Space and Enter.
//   J K next, previous row · X choose · letters and digits: the choice that names them · Esc back to the open row · ? the list

const BASIC = [
  ["J", "Next row"],
  ["K", "Previous row"],
  ["Enter", "Open the row, or save the decision"],
  ["X", "Choose the row"],
  ["Esc", "Back to the open row"],
  ["?", "This list"],
];

const desk = document.querySelector("[data-desk]");
const rows = () => [...desk.querySelectorAll("[data-row]")];
const rowOf = (element) => element.closest("tr, li");
const typing = (element) => element.matches("textarea, select, [contenteditable], input:not([type=radio]):not([type=checkbox])");

function step(by) {
  const all = rows();
  if (!all.length) return;
  const here = all.findIndex((link) => rowOf(link).contains(document.activeElement));
  const from = here >= 0 ? here : all.findIndex((link) => rowOf(link).classList.contains("is-open")) - (by > 0 ? 0 : -1);
  const next = all[Math.min(Math.max(from + by, 0), all.length - 1)];
  next.focus();
  rowOf(next).scrollIntoView({ block: "nearest" });
}

function pick() {
  rowOf(document.activeElement)?.querySelector("[type=checkbox]")?.click();
}

function back() {
  (rows().find((link) => rowOf(link).classList.contains("is-open")) ?? rows()[0])?.focus();
}

// A letter chooses a radio and rests on it, so that Enter saves; or presses the button that names it.
function letter(key) {
  const choice = desk.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (choice) {
    choice.checked = true;
    choice.focus();
    choice.dispatchEvent(new Event("change", { bubbles: true }));
    return true;
  }
  const button = desk.querySelector(`[data-press="${CSS.escape(key)}"]`);
  button?.click();
  return Boolean(button);
}

function help() {
  const dialog = document.getElementById("keys");
  const list = dialog?.querySelector("[data-keys-list]");
  if (!list) return;
  const named = [...desk.querySelectorAll("[data-key-words]")].map((element) => [
    (element.dataset.key ?? element.dataset.press).toUpperCase(),
    element.dataset.keyWords,
  ]);
  list.replaceChildren(
    ...[...BASIC, ...named].flatMap(([key, words]) => {
      const term = document.createElement("dt");
      const shown = document.createElement("kbd");
      shown.textContent = key;
      term.append(shown);
      const meaning = document.createElement("dd");
      meaning.textContent = words;
      return [term, meaning];
    }),
  );
  dialog.showModal();
}

const KEYS = { j: () => step(1), k: () => step(-1), x: pick, escape: back, "?": help };

function act(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const key = event.key.toLowerCase();
  if (key === "enter" && event.target.matches("[data-key]")) {
    event.preventDefault();
    event.target.form.requestSubmit();
    return;
  }
  if (Object.hasOwn(KEYS, key)) KEYS[key]();
  else if (!/^[a-z0-9]$/.test(key) || !letter(key)) return;
  event.preventDefault();
}

function counted() {
  for (const form of document.querySelectorAll("[data-bulk]")) {
    const chosen = [...form.elements].filter((element) => element.name === "pick" && element.checked).length;
    form.querySelector("[data-bulk-count]").textContent = chosen ? `${chosen} chosen` : "Choose rows to decide them together";
  }
}

if (desk && document.body.dataset.keys !== "off") {
  desk.addEventListener("keydown", act);
  // A person who has just come to the page is at its desk: no Tab is spent on getting there.
  document.addEventListener("keydown", (event) => {
    if (document.activeElement !== document.body) return;
    if (!["j", "k", "?"].includes(event.key.toLowerCase())) return;
    act(event);
  });
}
document.addEventListener("change", (event) => event.target.name === "pick" && counted());
counted();
