"""What it takes for a page to be usable by everybody."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.accessibility.registry import State
from tests.journeys.world import World
from tests.support.browser import Site, Window, at_320, axe, overflow, unread, walk

# Sooner than a session that is left alone ends.
IDLE = timedelta(minutes=20)


@dataclass
class Looker:
    """Looks at pages in states. One window for each person, used again and again."""

    world: World
    site: Site
    windows: dict[tuple[str, str], Window] = field(default_factory=dict)
    since: dict[tuple[str, str], datetime] = field(default_factory=dict)
    last: Window | None = None

    async def wrong_with(self, state: State) -> list[str]:
        """Return everything that is wrong with a page in a state; nothing when everybody can use it."""
        window = await self._opened(state)
        page = window.page
        found = [*await axe(page), *(f"scrolls sideways: {each}" for each in await overflow(page))]
        found += [f"a picture without its figures: {each}" for each in await unread(page)]
        await page.emulate_media(color_scheme="dark")
        found += [f"dark: {each}" for each in await axe(page, "color-contrast")]
        await page.emulate_media(color_scheme="light")
        if state.leads:
            await page.emulate_media(forced_colors="active")
            found += [f"forced colors: {each}" for each in await axe(page, "color-contrast")]
            await page.emulate_media(forced_colors="none")
        async with at_320(page):
            found += [f"at 320: {each}" for each in await axe(page, "target-size", "scrollable-region-focusable")]
            found += [f"scrolls sideways: {each}" for each in await overflow(page)]
            found += [f"at 320: {each}" for each in await walk(page)]
        return found + window.complaints()

    async def _opened(self, state: State) -> Window:
        key = (state.person, state.service)
        if self.last is not None and self.last is not self.windows.get(key):
            await self.last.page.goto("about:blank")  # a page that nobody looks at need not follow what happens
        path = (await state.arrange(self.world) if state.arrange else None) or state.path
        now = self.world.clock.now()
        if key not in self.windows:
            self.windows[key] = await self.site.window(state.person, service=state.service)
        elif state.person and now > self.since[key] + IDLE:  # a state let time pass, and the session has ended
            await self.windows[key].sign_in(state.person)
        window = self.last = self.windows[key]
        self.since[key] = now
        async with state.around(self.world):
            status = await window.open(path)
            assert status == state.status, await window.text()
            if state.act:
                await state.act(window.page)
        assert state.says in await window.text()
        return window
