"""How well the shipped word lists do: recall and precision of each category on judged sentences nobody looked at.

Printed for the part of the set that words were never chosen by (`services/intake/evaluation/README.md`), in totals
alone. The reference is the first edition of the same language, so that a release shows what its words changed.
"""

import time
from datetime import UTC, datetime

from deploy.local.stack import Stack
from services.intake.domain.evaluation import DANGER, TEST, read, scores
from services.intake.domain.lexicon import in_force
from services.intake.domain.screening import found_by
from services.intake.usecases.screening import sentences, shipped
from shared.clock import SystemClock
from tests.bench.figures import Figure, figure, say

GOAL = 0.95
_FIRST = datetime(2026, 1, 2, tzinfo=UTC)
_NARRATIVE = "He has been very quiet since October and his mother called me about his grades. " * 25


async def measure(_stack: Stack) -> list[Figure]:
    """Measure recall and precision, and what a narrative of 2,000 signs costs."""
    now = in_force(shipped(), SystemClock().now())
    # Before there was a list in Spanish there was none that looked at Spanish.
    before = [lexicon for lexicon in in_force(shipped(), _FIRST) if lexicon.language == "en"]
    among = [sentence for sentence in sentences() if sentence.part == TEST]
    found, first = (scores(among, read(among, lists)) for lists in (now, before))
    figures: list[Figure] = []
    for category, score in found.items():
        then = first[category]
        say(
            f"screening: {category}: {score.found} found, {score.missed} missed, {score.wrong} wrong"
            f" of {len(among)} sentences (first edition: {then.found}, {then.missed}, {then.wrong})"
        )
        wanted = category == DANGER
        figures += [
            figure(
                f"screening {category} recall",
                score.recall,
                "share",
                reference=then.recall,
                goal=f">= {GOAL}" if wanted else "",
                ok=score.recall >= GOAL if wanted else None,
            ),
            figure(f"screening {category} precision", score.precision, "share", reference=then.precision),
        ]
    begun = time.perf_counter()
    for _ in range(100):
        found_by(now, _NARRATIVE)
    figures.append(figure("screening 2,000 signs", 10 * (time.perf_counter() - begun), "ms"))
    return figures
