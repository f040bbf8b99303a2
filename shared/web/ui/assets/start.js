// Starts the kit's components. A page without JavaScript works as well: everything here only adds comfort.
import { initAll } from "./govuk-frontend.min.js";

document.body.classList.add("js-enabled", "govuk-frontend-supported");
initAll();

// One open list at a time in the campus switch: Escape and a click elsewhere close it.
const campuses = document.querySelector(".cl-switch");
if (campuses) {
  document.addEventListener("click", (event) => {
    if (!campuses.contains(event.target)) campuses.open = false;
  });
  campuses.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !campuses.open) return;
    campuses.open = false;
    campuses.querySelector("summary").focus();
  });
}
