"""Journeys of people in a real browser."""

from tests.support.browser_fixtures import chrome, site

__all__ = ["chrome", "site"]
