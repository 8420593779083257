"""One-time links and the sessions that they become."""

import pytest
from tests.console_world import Browser

from penstock.aws.errors import ServiceError
from penstock.aws.service import Principal, PrincipalKind

EMPTY = {("codepipeline", "ListPipelines"): {"pipelines": []}}


async def test_looking_at_a_link_does_not_use_it_up(world):
    world.answers |= EMPTY
    token = await world.sessions.make_link((await world.root()).principal)
    for _ in range(3):  # as a chat program that previews links
        page = await world.browser.get(f"/console/login?link={token}")
        assert page.status == 200
        assert "Log in as root" in page.text
        assert "set-cookie" not in page.headers
    answer = await world.browser.post("/console/login", {"link": token})
    assert (answer.status, answer.headers["location"]) == (303, "/console/")
    assert (await world.browser.get("/console/pipelines")).status == 200


async def test_a_link_works_once(world):
    token = await world.sessions.make_link((await world.root()).principal)
    assert (await world.browser.post("/console/login", {"link": token})).status == 303
    world.browser.cookies.clear()
    again = await world.browser.post("/console/login", {"link": token})
    assert again.status == 403
    assert "This link opens nothing any more" in again.text
    assert "penstock console" in again.text
    assert world.browser.cookies == {}
    assert (await world.browser.get(f"/console/login?link={token}")).status == 403


async def test_a_link_expires_after_five_minutes(world):
    token = await world.sessions.make_link((await world.root()).principal)
    world.clock.advance(minutes=4, seconds=59)
    assert (await world.browser.get(f"/console/login?link={token}")).status == 200
    world.clock.advance(seconds=1)
    assert (await world.browser.get(f"/console/login?link={token}")).status == 403
    assert (await world.browser.post("/console/login", {"link": token})).status == 403


@pytest.mark.parametrize("token", ["", "nonsense", "<script>"])
async def test_a_made_up_link_opens_nothing(world, token):
    assert (await world.browser.post("/console/login", {"link": token})).status == 403
    assert world.browser.cookies == {}


async def test_a_session_is_kept_in_a_strict_http_only_cookie_of_this_port(world):
    token = await world.sessions.make_link((await world.root()).principal)
    answer = await world.browser.post("/console/login", {"link": token})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("penstock-console-4600=")
    assert {"HttpOnly", "SameSite=strict", "Path=/console/"} <= set(cookie.split("; "))


async def test_a_browser_that_speaks_tls_to_a_proxy_sends_the_cookie_by_tls_alone(world):
    browser = Browser(world.make_console(public_url="https://ci.example.com"))
    headers = {"host": "ci.example.com", "origin": "https://ci.example.com"}
    token = await world.sessions.make_link((await world.root()).principal)
    answer = await browser.send("POST", "/console/login", headers, {"link": token})
    assert answer.status == 303
    assert "Secure" in answer.headers["set-cookie"].split("; ")
    token = await world.sessions.make_link((await world.root()).principal)
    answer = await world.browser.post("/console/login", {"link": token})
    assert "Secure" not in answer.headers["set-cookie"].split("; ")


async def test_a_session_ends_after_twelve_hours(world):
    world.answers |= EMPTY
    browser = await world.log_in()
    world.clock.advance(hours=12, seconds=-1)
    assert (await browser.get("/console/pipelines")).status == 200
    world.clock.advance(seconds=1)
    page = await browser.get("/console/pipelines")
    assert page.status == 401
    assert "penstock console" in page.text


async def test_logging_out_ends_the_session_also_for_who_kept_the_cookie(world):
    world.answers |= EMPTY
    browser = await world.log_in()
    kept = dict(browser.cookies)
    answer = await browser.post("/console/logout", {"csrf": world.csrf()})
    assert (answer.status, answer.headers["location"]) == (303, "/console/login")
    assert browser.cookies == {}
    browser.cookies.update(kept)
    assert (await browser.get("/console/pipelines")).status == 401


async def test_a_deactivated_access_key_opens_nothing(world):
    world.answers |= EMPTY
    ann = await world.user("ann", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    link = await world.sessions.make_link(ann.principal)
    browser = await world.log_in(ann)
    assert (await browser.get("/console/pipelines")).status == 200
    await world.in_process.call(
        (await world.root()).principal,
        "iam",
        "UpdateAccessKey",
        {
            "UserName": "ann",
            "AccessKeyId": ann.principal.access_key_id,
            "Status": "Inactive",
        },
    )
    assert (await browser.get("/console/pipelines")).status == 401
    assert (await browser.post("/console/login", {"link": link})).status == 403


async def test_tokens_are_not_in_the_database_in_the_clear(world, tmp_path):
    link = await world.sessions.make_link((await world.root()).principal)
    browser = await world.log_in()
    (session,) = browser.cookies.values()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("penstock.db*"))
    assert b"console_sessions" in stored
    assert link.encode() not in stored
    assert session.encode() not in stored


@pytest.mark.parametrize(
    ("kind", "key"),
    [(PrincipalKind.ASSUMED_ROLE, "ASIAROLE"), (PrincipalKind.USER, "ASIAUSER")],
)
async def test_temporary_credentials_get_no_link(world, kind, key):
    arn = "arn:aws:sts::123456789012:assumed-role/build/session"
    with pytest.raises(ServiceError, match="temporary credentials of arn:aws:sts") as refused:
        await world.sessions.make_link(Principal(kind, arn, "123456789012", "id", key))
    assert refused.value.code == "AccessDeniedException"


async def test_without_login_every_page_leads_to_the_login(world):
    for path in ("/console/", "/console/pipelines", "/console/builds/x:y", "/console/events"):
        page = await world.browser.get(path)
        assert page.status == 401, path
        assert "penstock console" in page.text
    fragment = await world.browser.get("/console/pipelines", hx_request="true")
    assert (fragment.status, fragment.headers["hx-redirect"]) == (401, "/console/login")
    assert world.calls == []
