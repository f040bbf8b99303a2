"""What every test may use."""

from tests.running import pytest_collection_modifyitems, pytest_runtest_protocol
from tests.stack import databases, own_databases, pytest_report_header, settings, stack, topic_prefix, used

__all__ = [
    "databases",
    "own_databases",
    "pytest_collection_modifyitems",
    "pytest_report_header",
    "pytest_runtest_protocol",
    "settings",
    "stack",
    "topic_prefix",
    "used",
]
