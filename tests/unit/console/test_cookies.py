"""What only a page of the same session can carry."""

import pytest

from services.console.cookies import csrf, is_csrf


def test_a_form_of_the_session_is_known_and_any_other_is_not() -> None:
    assert is_csrf("token", csrf("token"))
    assert not is_csrf("token", csrf("another"))


@pytest.mark.parametrize("given", ["", "é" * 64, "\ud800", "✓"])
def test_what_no_page_ever_carried_is_refused_and_breaks_nothing(given: str) -> None:
    assert not is_csrf("token", given)
