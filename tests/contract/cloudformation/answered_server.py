"""The CloudFormation server with topics that deliver, and the route where answers come in."""

import contextlib
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from tests.contract.cloudformation.conftest import ACCOUNT, CloudFormationServer
from tests.contract.cloudformation.provider import Provider
from tests.server_process import free_port

from penstock.aws.service import Service
from penstock.clock import utc_now
from penstock.front import Front
from penstock.listeners import Listener
from penstock.services.logs import Logs
from penstock.services.sns.deliveries import Deliveries
from penstock.services.sns.http_channel import HttpChannel
from penstock.services.sns.signing import Signer
from penstock.stacks.responses.endpoint import response_route
from penstock.storage.log_files import LogFiles


class AnsweredServer(CloudFormationServer):
    """`topic` makes a topic that a provider gets the requests of."""

    def __init__(self, aws_server: Any, directory: Path) -> None:
        self.port = free_port()
        self.response_url = f"http://127.0.0.1:{self.port}"
        super().__init__(aws_server, directory)

    async def _build(self, stack: contextlib.AsyncExitStack) -> list[Service]:
        services = await super()._build(stack)
        http = HttpChannel(
            Signer(self.directory, utc_now), "http://127.0.0.1", 1, timeout_seconds=5
        )
        stack.push_async_callback(http.close)
        nothing = PlainTextResponse("nothing\n", 404)
        internal = Starlette(routes=[response_route(self.stacks.responses)])
        listener = Listener(Front(nothing, nothing, internal, None), "127.0.0.1", self.port)
        await listener.start()
        stack.push_async_callback(listener.close)
        place = {"account_id": ACCOUNT, "region": "us-east-1"}
        logs = Logs(self.database, LogFiles(self.directory / "logs"), utc_now, **place)
        channels = {"http": http, "https": http}
        deliveries = Deliveries(self.database, self.topics, logs, utc_now, channels)
        await deliveries.start()
        stack.push_async_callback(deliveries.close)
        return services

    def topic(self, provider: Provider, name: str = "provider") -> str:
        """Make a topic whose subscriber is the provider; return its ARN."""
        topic = str(self.sns.create_topic(Name=name)["TopicArn"])
        made = self.sns.subscribe(
            TopicArn=topic, Protocol="http", Endpoint=provider.url, ReturnSubscriptionArn=True
        )
        found = self.aws.run(self.topics.subscription(made["SubscriptionArn"]))
        self.sns.confirm_subscription(TopicArn=topic, Token=found.token)
        return topic
