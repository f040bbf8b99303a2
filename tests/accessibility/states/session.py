"""A session that ended while somebody typed: nothing is lost."""

import re

from tests.accessibility.registry import State
from tests.journeys.world import World
from tests.support.console import browser

TYPED = "She told me about the roof, and that her brother does not know. I promised to call at six."


async def _unsent(world: World) -> str:
    async with browser(world, "uma") as uma:
        csrf = re.findall(r'name="csrf" value="(\w+)"', (await uma.get("/me")).text)[0]
        await uma.send("/me", "/sign-out")
        ended = await uma.client.post("/me/keys", data={"csrf": csrf, "form_key": "k", "note": TYPED, "keys": "on"})
    return str(re.findall(r'href="/sign-in\?back=([^"]+)"', ended.text)[0])


STATES = [
    State("unsent: typed when the session ended", person="uma", arrange=_unsent, says="This was not sent"),
    State(
        "sign-in: a way back that is over", "/signed-in?state=x&code=y", status=400, says="You are not signed in yet"
    ),
]
