"""The document in the README is one that can be applied, so that it may be copied."""

import re
from pathlib import Path

import yaml

from services.program.domain.policies import value_faults
from shared.program import DEFAULTS, RULES
from tests.unit.program.documents import applied, faults

README = (Path(__file__).parents[3] / "services" / "program" / "README.md").read_text()
DOCUMENT, LINE = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL))


def test_the_readmes_document_can_be_applied() -> None:
    assert faults(**DOCUMENT) == {}
    assert set(applied(**DOCUMENT)) == {
        "campus:NORTH",
        "staff:ada",
        "staff:uma",
        "rota:NORTH:duty",
        "policy:*:emergency_contacts",
    }


def test_the_readmes_escalation_is_the_shipped_one() -> None:
    assert LINE["critical"] == DEFAULTS["paging"]["critical"]
    assert value_faults("paging", LINE) == []


def test_the_readme_names_every_policy() -> None:
    assert [name for name in RULES if f"| `{name}` |" not in README] == []
