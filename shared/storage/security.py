"""Row security, written once: what a migration says about each table it makes.

It is the net under `decide()`, for people: the `api` role sees a row only inside a transaction whose actor is known
and has a role on the row's campus; a row that is Title IX needs the wall to let them in. The `worker` role sees every
row, inside a known transaction. Forced, so that not even the owner of a table passes by.
"""

from collections.abc import Iterator
from typing import Literal

_ACTOR_KNOWN = "coalesce(current_setting('caselight.actor', true), '') <> ''"


def _within(setting: str, column: str) -> str:
    held = f"coalesce(current_setting('caselight.{setting}', true), '')"
    return f"({held} = '*' OR {column} = ANY (string_to_array({held}, ',')))"


def protect(
    service: str,
    table: str,
    scope: Literal["campus", "actor"] = "campus",
    *,
    also: str = "",
    walled: bool = False,
) -> Iterator[str]:
    """Yield the statements that put a table under row security.

    `scope` is `campus` for rows of one campus (column `campus`), `actor` for rows that any known actor's transaction
    may touch (outbox, timers, keys). `also` is a further condition under which a row is visible, such as a grant.
    `walled` rows with `sensitivity = 'titleix'` show only to whom the campus's wall lets in, or by `also`.
    """
    seen = "true" if scope == "actor" else _within("campuses", "campus")
    if walled:
        seen = f"({seen} AND (sensitivity <> 'titleix' OR {_within('walls', 'campus')}))"
    if also:
        seen = f"({seen} OR {also})"
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    yield f"CREATE POLICY people ON {table} FOR ALL TO {service}_api USING ({_ACTOR_KNOWN} AND {seen})"
    yield f"CREATE POLICY work ON {table} FOR ALL TO {service}_worker USING ({_ACTOR_KNOWN})"
    # The migrator changes rows as the owner: expand, fill, contract.
    yield f"CREATE POLICY migration ON {table} FOR ALL TO {service}_owner USING (true)"
