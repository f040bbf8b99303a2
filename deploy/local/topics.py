"""Reads the declaration of all topics, `deploy/kafka/topics.yaml`."""

from pathlib import Path

import yaml

from shared.messaging.topics import Topic

DECLARATION = Path(__file__).parents[1] / "kafka" / "topics.yaml"
DAY_MS = 24 * 60 * 60 * 1000


def declared(prefix: str = "caselight.", *, declaration: Path = DECLARATION) -> list[Topic]:
    """Return every topic with the installation's prefix in front of its name."""
    read = yaml.safe_load(declaration.read_text())
    return [
        Topic(
            name=f"{prefix}{name}",
            partitions=int(read["partitions"]),
            compacted=bool(kind.get("compact", False)),
            retention_ms=int(kind["retain_days"]) * DAY_MS if "retain_days" in kind else -1,
        )
        for name, kind in read["topics"].items()
    ]
