"""A link says who it is for and cannot be made up."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.links import LIFETIME, Link, fingerprint, link_for, read, sign
from tests.unit.notifications.world import NOW, PAGE

KEY, OTHER = b"k" * 32, b"o" * 32


@given(st.uuids(), st.text(min_size=1, max_size=40), st.integers(0, 4_000_000_000))
def test_a_link_reads_back_as_it_was_signed(page_id: UUID, staff_id: str, at: int) -> None:
    link = link_for(page_id, staff_id, datetime.fromtimestamp(at, UTC))
    assert read(KEY, sign(KEY, link)) == link
    assert read(OTHER, sign(KEY, link)) is None


@given(st.data())
def test_no_changed_token_reads_as_another_link(data: st.DataObject) -> None:
    token = sign(KEY, link_for(PAGE, "uma", NOW))
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCXYZabcxyz0189-_"))
    changed = token[:place] + letter + token[place + 1 :]
    assert read(KEY, changed) in (None, link_for(PAGE, "uma", NOW))


@given(st.text())
def test_any_text_at_all_is_read_without_an_error(text: str) -> None:
    assert read(KEY, text) is None


def test_the_same_page_and_person_give_the_same_link_until_it_ends() -> None:
    first, again = link_for(PAGE, "uma", NOW), link_for(PAGE, "uma", NOW)
    assert sign(KEY, first) == sign(KEY, again)
    assert not first.expired(NOW + LIFETIME - timedelta(seconds=1))
    assert first.expired(NOW + LIFETIME)


def test_what_is_stored_of_a_token_does_not_give_it_back() -> None:
    token = sign(KEY, Link(PAGE, "uma", NOW))
    assert token.encode() not in fingerprint(token)
    assert len(fingerprint(token)) == 32
