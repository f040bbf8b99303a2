"""What every test may use."""

from tests.stack import databases, own_databases, pytest_report_header, settings, stack, topic_prefix

__all__ = ["databases", "own_databases", "pytest_report_header", "settings", "stack", "topic_prefix"]
