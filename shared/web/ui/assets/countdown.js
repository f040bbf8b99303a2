// Counts down from what was left (`data-left`, seconds) when the page came, once a second, in the words the server began
// with; the device's own clock may be wrong. Says nothing aloud.
const begun = new WeakMap();
const words = (seconds) => {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
};

const tick = () => {
  for (const each of document.querySelectorAll("[data-left]")) {
    if (!begun.has(each)) begun.set(each, performance.now());
    const left = Math.max(0, Math.round(Number(each.dataset.left) - (performance.now() - begun.get(each)) / 1000));
    each.textContent = left ? words(left) : "a moment";
  }
};
tick();
setInterval(tick, 1000);
