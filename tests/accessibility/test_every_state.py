"""Every state of every page can be used by everybody: whoever cannot see, has no mouse, enlarges, or needs the dark."""

import pytest

from tests.accessibility.looking import Looker
from tests.accessibility.registry import State, states


@pytest.mark.browser
@pytest.mark.parametrize("state", states(part=0), ids=lambda state: state.name)
async def test_every_page_state_has_no_axe_violation_and_works_by_keyboard_at_320_pixels(
    state: State, looker: Looker
) -> None:
    assert await looker.wrong_with(state) == []
