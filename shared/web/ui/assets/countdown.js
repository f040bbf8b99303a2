// Counts down to the time in `data-until`, once a second, in the words the server began with. Says nothing aloud.
const words = (seconds) => {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
};

const tick = () => {
  for (const each of document.querySelectorAll("[data-until]")) {
    const left = Math.max(0, Math.round((Date.parse(each.dataset.until) - Date.now()) / 1000));
    each.textContent = left ? words(left) : "a moment";
  }
};
tick();
setInterval(tick, 1000);
