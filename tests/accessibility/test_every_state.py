"""Every state of every page can be used by everybody: whoever cannot see, has no mouse, enlarges, or needs the dark."""

import pytest

from tests.accessibility.registry import State, states
from tests.journeys.world import World
from tests.support.browser import Site, Window, at_320, axe, overflow, walk

STATES = states()


@pytest.fixture(scope="module")
async def windows(site: Site) -> dict[tuple[str, str], Window]:
    """One window for each person, used again and again."""
    return {}


@pytest.mark.browser
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
async def test_every_page_state_has_no_axe_violation_and_works_by_keyboard_at_320_pixels(
    state: State, world: World, site: Site, windows: dict[tuple[str, str], Window]
) -> None:
    path = (await state.arrange(world) if state.arrange else None) or state.path
    key = (state.person, state.service)
    if key not in windows:
        windows[key] = await site.window(state.person, service=state.service)
    window, page = windows[key], windows[key].page

    async with state.around(world):
        assert await window.open(path) == state.status
        if state.act:
            await state.act(page)
    assert state.says in await window.text()

    found = await axe(page)
    await page.emulate_media(color_scheme="dark")
    found += [f"dark: {each}" for each in await axe(page, "color-contrast")]
    await page.emulate_media(color_scheme="light", forced_colors="active")
    found += [f"forced colors: {each}" for each in await axe(page, "color-contrast")]
    await page.emulate_media(forced_colors="none")
    async with at_320(page):
        found += [f"at 320: {each}" for each in await axe(page, "target-size", "scrollable-region-focusable")]
        found += [f"scrolls sideways: {each}" for each in await overflow(page)]
        found += [f"at 320: {each}" for each in await walk(page)]
    found += window.complaints()
    assert found == []
