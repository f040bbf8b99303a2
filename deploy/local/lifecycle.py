"""The whole local installation, up and down: stack, databases, migrations, topics, mail, sign-in, services."""

import asyncio
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local import databases, services, stack
from deploy.local.home import Home
from deploy.local.installation import prepare
from deploy.local.installation import services as known_services
from deploy.local.stack import Stack
from deploy.local.topics import declared
from shared.messaging import topics
from shared.settings import SERVICES, Settings
from shared.storage import migrations

Say = Callable[[str], None]


def up(state: Path, say: Say) -> Stack:
    """Start everything that does not run and bring schemas and topics up to date. May be repeated at any time."""
    started = stack.resolve(state, say=say)
    home = Home(state)
    with home.locked():
        environment = prepare(home, started)
        os.environ.update(environment)
        settings = Settings()
        names = known_services()
        asyncio.run(make_ready(settings, names, say))
        services.start_mail(home, say)
        services.start_provider(home, environment, say)
        services.start(home, names, environment, say)
    return started


async def make_ready(settings: Settings, names: Sequence[str], say: Say) -> None:
    """Make databases, schemas and topics what this release needs."""
    await databases.create(settings.postgres_url, settings.database_prefix, names, settings.database_password)
    for name in names:
        version = await migrations.upgrade(settings, name)
        say(f"database of {name}: version {version}")
    made = await topics.apply(settings.kafka_bootstrap, declared(settings.topic_prefix))
    say(f"topics: {len(made)} made" if made else "topics: all there")


def down(state: Path, say: Say) -> None:
    """Stop everything that `up` started; data stay."""
    home = Home(state)
    if not home.folder.exists():
        return
    with home.locked():
        services.stop(home, SERVICES, say)
    say("stopping the stack")
    stack.stop(state)


def forget(state: Path, say: Say) -> None:
    """Stop everything and delete all data of this installation, wherever they lie."""
    down(state, say)
    home = Home(state)
    for place in home.values("places").values():
        outside = Path(place).parents[1]
        if outside.name.startswith("caselight-"):  # see home.outside()
            shutil.rmtree(outside, ignore_errors=True)
    shutil.rmtree(home.folder, ignore_errors=True)
