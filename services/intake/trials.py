"""Works on trials of rules, one after another, and says how far each is: a term of flags takes many seconds."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from services.intake.storage import rule_trials
from services.intake.storage.rule_trials import Claimed
from services.intake.usecases.shape_trial import shaped
from services.intake.usecases.simulate import rules_to_try, simulate
from shared.access.actors import service_actor
from shared.messaging import health
from shared.messaging.failures import is_transient
from shared.program import load_program
from shared.storage.engines import Database
from shared.telemetry import counters, describe, logger

_LOOK_EVERY_S = 0.25
_TELL_EVERY_S = 0.5
_log = logger("trials")


@dataclass
class Trials:
    """Looks for trials and works on them. Any number of workers may: a trial is one's at a time."""

    database: Database
    _told: float = field(default=0.0)

    async def run(self) -> None:
        """Work until cancelled; a database that is away is waited for."""
        name = self._name
        try:
            while True:
                health.beat(name)
                try:
                    worked = await self.look()
                except Exception as error:  # logged; what passes by itself is waited for
                    if not is_transient(error):
                        raise
                    self._say("a trial of rules was interrupted", error)
                    worked = False
                if not worked:
                    await asyncio.sleep(_LOOK_EVERY_S)
        finally:
            health.gone(name)

    async def look(self) -> bool:
        """Work on the trial that waits longest; return whether there was one."""
        actor = service_actor(self.database.service)
        async with self.database.transaction(actor) as tx:
            claimed = await rule_trials.claim(tx)
        if claimed is None:
            return False
        try:
            result = await self._tried(claimed)
        except Exception as error:  # logged and counted; whoever asked for it is told
            if is_transient(error):
                raise
            counters["rule_trials_failed"] += 1
            self._say("a trial of rules failed", error)
            async with self.database.transaction(actor) as tx:
                await rule_trials.end(tx, claimed.trial_id, rule_trials.FAILED)
            return True
        async with self.database.transaction(actor) as tx:
            await rule_trials.end(tx, claimed.trial_id, rule_trials.DONE, result)
        return True

    async def _tried(self, claimed: Claimed) -> str:
        asked: dict[str, Any] = msgspec.json.decode(claimed.question)
        since, until = datetime.fromisoformat(asked["since"]), datetime.fromisoformat(asked["until"])
        actor = service_actor(self.database.service)

        async def note(looked_at: int) -> None:
            health.at_work(self._name)
            now = asyncio.get_running_loop().time()
            if now - self._told >= _TELL_EVERY_S:
                self._told = now
                async with self.database.transaction(actor) as telling:
                    await rule_trials.beat(telling, claimed.trial_id, looked_at)

        async with self.database.transaction(actor) as tx:
            program = await load_program(tx.connection)
            rules = {
                campus: rules_to_try(program, campus, asked["rules"], asked["edition"], tx.now)
                for campus in asked["campuses"]
            }
            found = await simulate(tx, program, rules, since=since, until=until, salt=asked["salt"], note=note)
            said = shaped(program, found, asked["campuses"], (since, until), tx.now)
        return msgspec.json.encode(said).decode()

    @property
    def _name(self) -> str:
        return f"{self.database.service}.trials"

    def _say(self, message: str, error: BaseException) -> None:
        error_class, place = describe(error)
        _log.warning(message, extra={"error_class": error_class, "error_place": place})
