"""Find students by what somebody typed: a number, an address, or a name as they remember it."""

from uuid import UUID

from services.intake.domain.likeness import likeness, queries, slips
from services.intake.domain.people import EMAIL, NUMBER, comparable
from services.intake.storage import student_names, students
from services.intake.usecases.resolve_people import Person, resolve_people
from shared.access.actors import EVERYWHERE
from shared.storage.tx import Tx

_MOST = 60
# How many are looked at more closely: twice as many as are shown, for some may not be shown to everybody.
_LOOKED_AT = 40
_LEAST = 0.6


async def find_people(tx: Tx, typed: str, campus: str | None) -> list[Person]:
    """Return who may be meant, the likeliest first, each once for all they are. A fixed number of statements.

    It looks at campuses that the actor has a role on. Decide about each before anything of them is shown.
    """
    exact = await _exactly(tx, typed)
    alike = dict.fromkeys(exact, 2.0)
    for id_, like in (await _alike(tx, typed, campus)).items():
        alike.setdefault(id_, like)
    one = await students.same(tx.connection, alike)
    order = sorted(alike, key=lambda id_: (-alike[id_], str(id_)))[:_LOOKED_AT]
    roots = list(dict.fromkeys(one.get(id_, id_) for id_ in order))
    people = await resolve_people(tx, roots)
    return [person for person in people if campus is None or campus in person.student.campuses]


async def _exactly(tx: Tx, typed: str) -> list[UUID]:
    by_number = await students.ids_by_number(tx.connection, [typed])
    by_email = await students.ids_by_email(tx.connection, [typed.lower()])
    former = await student_names.former(tx.connection, (EMAIL, NUMBER), typed.lower())
    near = await students.ids_by_number(tx.connection, slips(typed)) if _is_number(typed) and not by_number else {}
    return [*by_number.values(), *by_email.values(), *former, *near.values()]


async def _alike(tx: Tx, typed: str, campus: str | None) -> dict[UUID, float]:
    if _is_number(typed) or "@" in typed:
        return {}
    asked = queries(typed, "", "")
    called = await student_names.called_like(tx.connection, [campus or EVERYWHERE], asked, _MOST)
    said = comparable(typed)
    found = {id_: max(likeness(said, name) for name in names) for id_, names in called.items()}
    return {id_: like for id_, like in found.items() if like >= _LEAST}


def _is_number(typed: str) -> bool:
    return " " not in typed and any(sign.isdigit() for sign in typed) and len(typed) <= 20  # noqa: PLR2004
