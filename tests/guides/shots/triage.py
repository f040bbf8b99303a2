"""The triage desk, the page of a referral, and word lists."""

from tests.guides.registry import Shot
from tests.journeys.world import World
from tests.support.deciding import people_decide

DANGER = "She stayed behind after lab and said that she does not want to live. She gave her calculator away."
WORRY = (
    "He has been crying in class. He says that he is not suicidal, only very tired, and asks for somebody to talk to."
)
PLAIN = "Sleeps in his car since the lease ended and has missed two weeks of classes."


async def _desk(world: World) -> str:
    await people_decide(world)
    for number, words, concern in (
        ("N100002", DANGER, "mood"),
        ("N100003", WORRY, "mood"),
        ("N100004", PLAIN, "housing"),
    ):
        referral = await world.refer(
            "fay", words, about={"student_id": number}, concerns=[concern], source_kind="peer"
        )  # fmt: skip
        if words is DANGER:
            await world.page_of("uma", referral)
    return "/triage"


async def _one(world: World) -> str:
    await people_decide(world)
    about = {"student_id": "N100002"}
    referral = await world.refer("fay", DANGER, about=about, concerns=["mood"], source_kind="peer")
    await world.page_of("uma", referral)
    return f"/referrals/{referral['referral_id']}"


async def _draft(world: World) -> str:
    made = await world.post("ada", "intake", "/lexicons", {"based_on": "en-2026-11.2", "note": "Words of our campus."})
    return f"/lexicons/{made['edition']}"


SHOTS = [
    Shot("triage-desk", "/triage", "sam", arrange=_desk, height=900),
    Shot("triage-decide", "/triage", "sam", of=".cl-decide"),
    Shot("referral", person="sam", arrange=_one, height=1000),
    Shot("lexicons", "/lexicons", "ada", height=700),
    Shot("lexicon-draft", person="ada", arrange=_draft, height=1000),
]
