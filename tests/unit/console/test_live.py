"""The stream of events: what it tells, where it begins, when it ends."""

import asyncio
import contextlib

import pytest
from tests.console_world import HOST

from penstock.console.live import topics
from penstock.storage.outbox import Event, publish

STACK_ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/todo/1-2"


@pytest.mark.parametrize(
    ("kind", "subject", "detail", "expected"),
    [
        ("pipeline.StageStateChanged", "app", {}, {"pipelines", "pipeline:app"}),
        ("pipeline.ApprovalDecided", "1-2", {"pipeline": "app"}, {"pipelines", "pipeline:app"}),
        ("build.Completed", "p:1", {}, {"builds", "build:p:1"}),
        ("stack.EventRecorded", STACK_ID, {"stackName": "todo"}, {"stacks", "stack:todo"}),
        ("stack.Completed", STACK_ID, {"status": "x"}, {"stacks", "stack:todo"}),
    ],
)
def test_an_event_belongs_to_a_list_and_to_one_thing(world, kind, subject, detail, expected):
    assert topics(Event(1, kind, subject, detail, world.clock())) == expected


class Stream:
    """A browser's EventSource, read as it comes."""

    def __init__(self, world, path, **headers):
        self.received = asyncio.Queue()
        self.gone = asyncio.Event()
        cookies = "; ".join(f"{name}={value}" for name, value in world.browser.cookies.items())
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/console/events",
            "raw_path": b"/console/events",
            "query_string": path.encode(),
            "scheme": "http",
            "http_version": "1.1",
            "server": ("127.0.0.1", 4600),
            "headers": [
                (b"host", HOST.encode()),
                (b"cookie", cookies.encode()),
                *(
                    (name.replace("_", "-").encode(), value.encode())
                    for name, value in headers.items()
                ),
            ],
        }
        self.task = asyncio.create_task(world.console(scope, self._receive, self.received.put))

    async def _receive(self):
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def next(self):
        return await asyncio.wait_for(self.received.get(), 5)

    async def begin(self):
        start = await self.next()
        assert start["status"] == 200
        headers = dict(start["headers"])
        assert headers[b"content-type"].startswith(b"text/event-stream")
        assert (await self.next())["body"] == b"retry: 1000\n\n"

    async def text(self):
        return (await self.next())["body"].decode()

    async def close(self):
        self.gone.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(self.task, 5)


async def happen(world, kind, subject, count=1):
    for _ in range(count):
        await world.database.write(lambda c: publish(c, kind, subject, {}, world.clock()))


async def test_a_page_hears_of_its_own_topic_only(world):
    await world.log_in()
    stream = Stream(world, "topic=pipeline:app&after=0")
    await stream.begin()
    await happen(world, "pipeline.Updated", "other")
    await happen(world, "build.Started", "app:1")
    await happen(world, "pipeline.Updated", "app")
    assert await stream.text() == "id: 3\nevent: changed\ndata: 3\n\n"
    await stream.close()


async def test_what_happened_between_page_and_stream_is_told(world):
    await world.log_in()
    await happen(world, "pipeline.Updated", "app", 4)
    stream = Stream(world, "topic=pipelines&after=2")
    await stream.begin()
    assert (await stream.text()).startswith("id: 4\n")
    await stream.close()


async def test_a_browser_that_comes_back_goes_on_where_it_was(world):
    await world.log_in()
    await happen(world, "pipeline.Updated", "app", 3)
    stream = Stream(world, "topic=pipelines&after=0", last_event_id="3")
    await stream.begin()
    await happen(world, "pipeline.Updated", "app")
    assert (await stream.text()).startswith("id: 4\n"), "not the three that it had heard of"
    await stream.close()


async def test_the_stream_ends_with_the_session(world):
    await world.log_in()
    stream = Stream(world, "topic=pipelines&after=0")
    await stream.begin()
    (token,) = world.browser.cookies.values()
    await world.sessions.log_out(token)
    await happen(world, "pipeline.Updated", "app")
    assert (await stream.next()) == {
        "type": "http.response.body", "body": b"", "more_body": False,
    }  # fmt: skip
    await stream.close()


async def test_the_streams_end_with_the_server(world):
    await world.log_in()
    stream = Stream(world, "topic=pipelines&after=0")
    await stream.begin()
    await world.console.close()
    while (await stream.next()).get("more_body"):
        pass
    await asyncio.wait_for(stream.task, 5)


async def test_nobody_hears_of_what_he_may_not_read(world):
    world.answers["codepipeline", "GetPipelineState"] = {}
    resource = "arn:aws:codepipeline:us-east-1:123456789012:app"
    await world.log_in(
        await world.user(
            "ann",
            {"Effect": "Allow", "Action": "codepipeline:GetPipelineState", "Resource": resource},
        )
    )
    answer = await world.browser.get("/console/events?topic=pipeline:secret&after=0")
    assert answer.status == 403
    assert "codepipeline:GetPipelineState" in answer.text
    stream = Stream(world, "topic=pipeline:app&after=0")
    await stream.begin()
    await stream.close()
