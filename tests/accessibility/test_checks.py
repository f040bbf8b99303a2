"""The checks themselves find what they are there for: a check that finds nothing proves nothing."""

import pytest
from playwright.async_api import Browser, Page

from deploy.local.browser import MISSING, NoBrowserError, executable
from tests.support.browser import NARROW, axe, overflow, walk

GOOD = (
    "<!doctype html><html lang=en><title>Good</title><style>a:focus{{outline:3px solid #000}}{style}</style>"
    "<main><h1>Good</h1><a href='#a'>One</a> {body}</main>"
)
TRAP = (
    "document.addEventListener('keydown', (e) => e.key === 'Tab' && document.activeElement.href && e.preventDefault())"
)


async def _shown(chrome: Browser, body: str, style: str = "") -> Page:
    page = await (await chrome.new_context(viewport=NARROW)).new_page()  # type: ignore[arg-type]
    await page.set_content(GOOD.format(body=body, style=style))
    return page


@pytest.mark.browser
async def test_a_good_page_passes(chrome: Browser) -> None:
    page = await _shown(chrome, "<p>Text</p>")
    assert await axe(page) + await walk(page) + await overflow(page) == []
    await page.context.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("body", "style", "finds"),
    [
        ("<p class=p>Pale</p>", ".p{color:#aaa;background:#fff}", "color-contrast"),
        ("<img src='data:,'>", "", "image-alt"),
        ("<button class=b>B</button>", ".b:focus{outline:none}", "focus does not show"),
        ("<div id=t><a href='#b'>Two</a></div>", "", "not reached"),
        ("<div class=w>Wide</div>", ".w{width:400px}", "pixels"),
    ],
)
async def test_a_bad_page_is_found_out(chrome: Browser, body: str, style: str, finds: str) -> None:
    page = await _shown(chrome, body, style)
    if finds == "not reached":  # a trap: the link is there, and the Tab key never gets to it
        await page.evaluate(TRAP)
    found = await axe(page) + await walk(page) + await overflow(page)
    assert any(finds in each for each in found), found
    await page.context.close()


def test_without_a_browser_it_is_said_what_to_do() -> None:
    with pytest.raises(NoBrowserError, match="apt-get install chromium"):
        executable(environment={"PATH": ""})
    with pytest.raises(NoBrowserError):
        executable(environment={"PATH": "/usr/bin:/bin", "CASELIGHT_BROWSER": "/nowhere/chromium"})
    assert executable("/bin/sh", environment={"PATH": ""}) == "/bin/sh"
    assert executable("/bin/sh", environment={"PATH": "", "CASELIGHT_BROWSER": "/bin/cat"}) == "/bin/cat"
    assert "CASELIGHT_BROWSER" in MISSING
