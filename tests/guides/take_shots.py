"""`make docs`: takes every picture of the guides from the running system, so that they stay true.

The clock stands still and references, whole or their ends, are replaced by invented ones, so the same pages make the
same pictures; a file is written only where its picture has changed.
"""

import base64

from playwright.async_api import Page

from tests.guides.registry import PICTURES, Shot, shots
from tests.journeys.world import World
from tests.support.browser import Site, Window

# Whoever looks twice sees the same: real references are random, and the menu's numbers are counted in passing.
_ALWAYS_THE_SAME = """() => {
  for (const number of document.querySelectorAll(".cl-nav .cl-count")) number.remove();
  for (const left of document.querySelectorAll("[data-left]")) {
    left.removeAttribute("data-left");
    left.textContent = "2 min";
  }
  const invented = "4KD-7QX2-9TRM 9TR-2MVB-4HJ6 7HC-8NA3-KX5P 2BW-6FGZ-1QDN 5PS-3YCE-8RTV 8JM-9KHW-2ZFA".split(" ");
  const known = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const pattern = /\\b[0-9A-HJKMNP-TV-Z]{3}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\\b/g;
  const of = (reference) => {
    if (!known.has(reference)) known.set(reference, invented[known.size % invented.length]);
    return known.get(reference);
  };
  const last = (four) => of([...known.keys()].find((reference) => reference.endsWith(four)) ?? four).slice(-4);
  const short = /^(\\s*)([0-9A-HJKMNP-TV-Z]{4})(?=,|\\s*$)/;
  while (walker.nextNode()) {
    const node = walker.currentNode;
    node.data = node.data.replace(pattern, of).replace(/…[0-9a-f]{4}\\b/g, "…4c1e");
    if (node.parentElement.matches(".cl-ref, .cl-sub, a[href^='/referrals/'], a[href^='/duty/']"))
      node.data = node.data.replace(short, (_, space, four) => space + last(four));
  }
}"""
_DIFFER = """async ([one, other]) => {
  const read = async (data) => {
    const image = await createImageBitmap(await (await fetch("data:image/png;base64," + data)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
    canvas.drawImage(image, 0, 0);
    return canvas.getImageData(0, 0, image.width, image.height);
  };
  const [a, b] = [await read(one), await read(other)];
  if (a.width !== b.width || a.height !== b.height) return true;
  let different = 0;
  for (let at = 0; at < a.data.length; at += 4)
    if (Math.abs(a.data[at] - b.data[at]) + Math.abs(a.data[at + 1] - b.data[at + 1]) > 24) different += 1;
  return different > 20;
}"""


async def test_take_every_picture_of_the_guides(world: World, site: Site) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    windows: dict[tuple[str, str], Window] = {}
    blank = await (await site.browser.new_context()).new_page()
    written = []
    for shot in shots():
        key = (shot.person, shot.service)
        if key not in windows:
            windows[key] = await site.window(shot.person, service=shot.service)
        picture = await _take(world, windows[key], shot)
        if await _changed(blank, shot, picture):
            (PICTURES / f"{shot.name}.png").write_bytes(picture)
            written.append(shot.name)
    await blank.context.close()
    wanted = {shot.name for shot in shots()}
    for left in PICTURES.glob("*.png"):
        if left.stem not in wanted:
            left.unlink()
    print(f"\npictures taken: {len(wanted)}, changed: {', '.join(written) or 'none'}")  # noqa: T201 - whoever asked waits


async def _take(world: World, window: Window, shot: Shot) -> bytes:
    path = (await shot.arrange(world) if shot.arrange else None) or shot.path
    page = window.page
    await page.set_viewport_size({"width": shot.width, "height": shot.height})
    assert await window.open(path) < 400, shot
    if shot.act:
        await shot.act(page)
    await page.evaluate("document.fonts.ready")
    await page.evaluate(_ALWAYS_THE_SAME)
    if shot.of:
        return await page.locator(shot.of).first.screenshot()
    return await page.screenshot()


async def _changed(blank: Page, shot: Shot, picture: bytes) -> bool:
    there = PICTURES / f"{shot.name}.png"
    if not there.exists():
        return True
    pair = [base64.b64encode(each).decode() for each in (there.read_bytes(), picture)]
    return bool(await blank.evaluate(_DIFFER, pair))
