"""Writes to students of an outreach list: a fixed text, in their language, that says nothing about anybody."""

from collections.abc import Sequence

from services.notifications.domain.words import campus_name
from services.notifications.storage import deliveries
from services.notifications.storage.deliveries import Delivery
from shared.events.outreach import OutreachMessageAsked
from shared.program import Program, load_program
from shared.storage.tx import Tx


async def write_to_students(tx: Tx, asked: Sequence[OutreachMessageAsked]) -> None:
    """Queue a message for each student. Where it goes is asked of intake at the moment of sending, and forgotten."""
    if asked:
        program = await load_program(tx.connection)
        queued = {each.subject: each for each in (_delivery(event, program, tx) for event in asked)}
        await deliveries.queue(tx.connection, list(queued.values()), tx.now)


def _delivery(event: OutreachMessageAsked, program: Program, tx: Tx) -> Delivery:
    form = program.referral_form(event.campus, tx.now)
    campus = campus_name(program, event.campus)
    return Delivery(
        id=event.message_id,
        kind="student",
        subject=f"{event.referral_id}:{event.template}",
        page_id=None,
        turn=0,
        campus=event.campus,
        person=str(event.referral_id),
        address="",
        facts={
            "template": event.template,
            "language": event.language,
            "campus": campus,
            "office": form.office or campus,
            "emergency": form.emergency,
            "crisis": form.crisis,
        },
        due_at=tx.now,
    )
