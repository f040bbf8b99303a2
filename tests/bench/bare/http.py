"""The bare way of one referral by HTTP: uvicorn, one transaction with the same rows and records, an answer."""

import json
import sys

import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

from tests.bench.bare.node import Node


class Server(Node):
    """A process whose referrals come by HTTP."""

    async def enter(self) -> None:
        """Serve until every referral has come."""
        config = uvicorn.Config(
            self.answer,
            host="127.0.0.1",
            port=int(self.told["port"]),
            log_config=None,
            lifespan="off",
            interface="asgi3",
        )
        server = uvicorn.Server(config)
        self.server = server
        await server.serve()

    async def answer(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Take one referral in."""
        body, more = b"", True
        while more:
            message = await receive()
            body += message["body"]
            more = message.get("more_body", False)
        json.loads(body)
        assert self.entry is not None
        await self.accept(self.entry.done, 1)
        said = json.dumps(
            {"referral_id": "0192f3a1-5b7c-7d00-8000-000000000000", "reference": "K7Q-2M4X-9RTD"}
        ).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(said))]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": said})
        self.server.should_exit = self.entry.done >= self.entry.of


if __name__ == "__main__":
    uvloop.run(Server(json.loads(sys.stdin.readline())).run())
