"""Asking for a login link: a signed request, by whoever the link is to log in."""

import json

import pytest
from starlette.applications import Starlette
from tests.console_world import HOST, asgi
from tests.signing import sign

from penstock.aws.service import PrincipalKind
from penstock.console.login_links import LOGIN_LINKS_PATH


class Key:
    def __init__(self, credential, session_token=None):
        self.access_key_id = credential.principal.access_key_id
        self.secret_access_key = credential.secret_access_key
        self.session_token = session_token


async def ask(world, console=None, key=None, headers=None, body=b"{}", **options):
    options = {"service": "penstock", "at": world.clock(), **options}
    signed = sign(url=f"http://{HOST}{LOGIN_LINKS_PATH}", key=key, **options).headers
    app = Starlette(routes=[(console or world.console).login_links])
    answer = await asgi(
        app,
        "POST",
        LOGIN_LINKS_PATH,
        {**signed, "content-length": str(len(body)), **(headers or {})},
        body,
    )
    return answer.status, json.loads(answer.body)


async def test_a_signed_request_gets_a_link_that_logs_its_caller_in(world):
    ann = await world.user("ann")
    status, found = await ask(world, key=Key(ann))
    assert (status, found["PrincipalArn"], found["ExpiresInSeconds"]) == (
        200, "arn:aws:iam::123456789012:user/ann", 300,
    )  # fmt: skip
    page = await world.browser.get(found["Path"])
    assert "Log in as ann" in page.text
    token = found["Path"].partition("link=")[2]
    assert len(token) >= 43, "256 bits"
    assert (await world.browser.post("/console/login", {"link": token})).status == 303


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"secret": "another"}, "The request signature we calculated does not match"),
        ({"service": "codepipeline"}, "Credential should be scoped to correct service"),
        ({"region": "eu-west-1"}, "Credential should be scoped to a valid region"),
        ({"body": b'{"as": "root"}'}, "The request signature we calculated does not match"),
        ({"headers": {"origin": f"http://{HOST}"}}, "Web pages cannot ask for a login link"),
        ({"headers": {"authorization": ""}}, "Missing Authentication Token"),
    ],
)
async def test_anything_else_gets_none(world, options, message):
    root = await world.root()
    if "secret" in options:
        root_key = Key(root)
        root_key.secret_access_key = options["secret"]
        options = {}
    else:
        root_key = Key(root)
    status, found = await ask(world, key=root_key, **options)
    assert status == 403
    assert message in found["message"]


async def test_an_old_signature_gets_none(world):
    key = Key(await world.root())
    then = world.clock()
    world.clock.advance(minutes=16)
    status, found = await ask(world, key=key, at=then)
    assert status == 403
    assert "Signature expired" in found["message"]


async def test_temporary_credentials_get_none(world):
    await world.user("ann")
    issued = await world.iam.credentials.issue_session(
        PrincipalKind.USER, "arn:aws:iam::123456789012:user/ann", "id", None, (), world.clock(), 900
    )
    key = Key.__new__(Key)
    key.access_key_id = issued.access_key_id
    key.secret_access_key = issued.secret_access_key
    key.session_token = issued.session_token
    status, found = await ask(world, key=key)
    assert status == 403
    assert "found temporary credentials" in found["message"]


async def test_without_authentication_the_path_needs_no_link(world):
    console = world.make_console(authenticate=False)
    status, found = await ask(world, console)
    assert (status, found["Path"]) == (200, "/console/")
