// While somebody writes, this browser does a little work for the form: it shows that no machine sends forms by the
// thousand. A form without it is taken just the same; it may wait a few seconds. `data-work` is what to work on.
const form = document.querySelector("form[data-work]");

function zeroBits(bytes) {
  const view = new DataView(bytes);
  return Math.clz32(view.getUint32(0));
}

async function work(ticket, bits) {
  const encoder = new TextEncoder();
  for (let number = 0; ; number += 1) {
    const digest = await crypto.subtle.digest("SHA-256", encoder.encode(`${ticket}:${number}`));
    if (zeroBits(digest) >= bits) return String(number);
    if (number % 500 === 499) await new Promise((done) => setTimeout(done));
  }
}

if (form && globalThis.crypto?.subtle) {
  form.elements.work.value = await work(form.dataset.work, Number(form.dataset.bits));
}
