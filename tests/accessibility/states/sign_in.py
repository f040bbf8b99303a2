"""Before and around a session."""

from tests.accessibility.registry import State

STATES = [
    State("you: with roles", "/me", "uma", says="Duty officer"),
    State("signed out", "/signed-out"),
    State("not there", "/nowhere", "uma", status=404),
]
