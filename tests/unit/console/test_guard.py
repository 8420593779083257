"""Host, Origin, the form's token: what reaches a page or changes anything, and what does not."""

import pytest
from tests.console_world import HOST, Browser

from penstock.console.guard import refusal
from penstock.console.sessions import csrf_token

RELEASE = "/console/pipelines/app/release"
STARTED = {("codepipeline", "StartPipelineExecution"): {"pipelineExecutionId": "1"}}
OWN = f"http://{HOST}"


@pytest.mark.parametrize(
    ("own_host", "host", "let_in"),
    [
        ("127.0.0.1", "127.0.0.1:4600", True),
        ("127.0.0.1", "localhost:4600", True),
        ("127.0.0.1", "LOCALHOST", True),
        ("127.0.0.1", "[::1]:4600", True),
        ("127.0.0.1", "build.example.com", False),  # DNS that was made to lead here
        ("127.0.0.1", "127.0.0.1.example.com", False),
        ("127.0.0.1", "", False),
        ("build.example.com", "build.example.com:4600", True),
        ("build.example.com", "other.example.com:4600", False),
    ],
)
def test_only_this_machine_and_the_configured_host_are_served(own_host, host, let_in):
    found = refusal("GET", "http", {"host": host}, own_host)
    assert (found is None) is let_in
    if not let_in:
        assert repr(host) in found


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({"origin": OWN}, True),
        ({"origin": OWN, "sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"origin": "http://127.0.0.1:8080"}, False),  # a deployed application of this machine
        ({"origin": "http://localhost:4600"}, False),  # another name of it is another origin
        ({"origin": "https://127.0.0.1:4600"}, False),
        ({"origin": "null"}, False),
        ({"origin": "https://example.com"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({}, False),
    ],
)
def test_changes_come_from_the_consoles_own_pages(headers, let_in):
    found = refusal("POST", "http", {"host": HOST, **headers}, "127.0.0.1")
    assert (found is None) is let_in


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({}, True),
        ({"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}, True),
        ({"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}, True),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, True),  # a link
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, False),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, False),
    ],
)
def test_other_sites_may_link_to_pages_but_not_load_them(headers, let_in):
    found = refusal("GET", "http", {"host": HOST, **headers}, "127.0.0.1")
    assert (found is None) is let_in


@pytest.mark.parametrize(
    ("origin", "let_in"),
    [
        ("https://ci.example.com", True),
        ("http://ci.example.com", False),  # whoever is between may have written that page
        ("https://ci.example.com:8443", False),
        ("https://example.com", False),
    ],
)
def test_behind_a_proxy_the_public_address_counts(origin, let_in):
    headers = {"host": "ci.example.com", "origin": origin}
    given = ("POST", "http", headers, "127.0.0.1")
    assert (refusal(*given, "https://ci.example.com") is None) is let_in
    assert "--public-url" in refusal(*given)


async def test_a_form_with_the_sessions_token_changes_something(world):
    world.answers |= STARTED
    browser = await world.log_in()
    answer = await browser.post(RELEASE, {"csrf": world.csrf()})
    assert (answer.status, answer.headers["location"]) == (303, "/console/pipelines/app")
    assert world.calls == [
        (
            "codepipeline",
            "StartPipelineExecution",
            {"name": "app"},
            "arn:aws:iam::123456789012:root",
        )
    ]


@pytest.mark.parametrize("csrf", [None, "", "0" * 64, "of another session"])
async def test_a_form_without_the_sessions_token_changes_nothing(world, csrf):
    world.answers |= STARTED
    browser = await world.log_in()
    if csrf == "of another session":
        other = Browser(world.console)
        token = await world.sessions.make_link((await world.root()).principal)
        await other.post("/console/login", {"link": token})
        csrf = world.csrf(other)
    form = {} if csrf is None else {"csrf": csrf}
    answer = await browser.post(RELEASE, form)
    assert answer.status == 403
    assert "This form is not of your session" in answer.text
    assert "Nothing was changed" in answer.text
    assert world.calls == []


async def test_a_form_from_elsewhere_changes_nothing_whatever_it_knows(world):
    world.answers |= STARTED
    browser = await world.log_in()
    form = {"csrf": world.csrf()}
    for headers in ({"origin": "http://127.0.0.1:8080"}, {"origin": "null"}, {}):
        answer = await browser.send("POST", RELEASE, headers, form)
        assert answer.status == 403
        assert "Nothing was changed" in answer.text
    link = await world.sessions.make_link((await world.root()).principal)
    stranger = Browser(world.console)
    answer = await stranger.send(
        "POST", "/console/login", {"origin": "https://example.com"}, {"link": link}
    )
    assert answer.status == 403
    assert stranger.cookies == {}
    assert world.calls == []


async def test_getting_never_changes_anything(world):
    world.answers |= STARTED
    browser = await world.log_in()
    for path in ("release", "stop", "retry", "transition"):
        answer = await browser.get(f"/console/pipelines/app/{path}?csrf={world.csrf()}")
        assert answer.status in {404, 405}, path
    assert (await browser.get("/console/logout")).status == 405
    assert world.calls == []


async def test_without_authentication_everybody_is_root_and_the_checks_hold(world):
    world.answers |= STARTED | {("codepipeline", "ListPipelines"): {"pipelines": []}}
    browser = Browser(world.make_console(authenticate=False))
    page = await browser.get("/console/pipelines")
    assert page.status == 200
    assert "no login" in page.text
    refused = await browser.post(RELEASE, {"csrf": csrf_token("")})
    assert refused.status == 403
    elsewhere = await browser.send("GET", "/console/pipelines", {"host": "evil.example.com"})
    assert elsewhere.status == 403
    foreign = await browser.send("POST", RELEASE, {"origin": "https://example.com"}, {})
    assert foreign.status == 403
    assert [call[1] for call in world.calls] == ["ListPipelines"]


async def test_every_answer_carries_the_headers_that_protect_it(world):
    world.answers[("codepipeline", "ListPipelines")] = {"pipelines": []}
    browser = await world.log_in()
    for path in ("/console/pipelines", "/console/nothing", "/console/static/console.js"):
        answer = await browser.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
    assert (await browser.get("/console/pipelines")).headers["cache-control"] == "no-store"


async def test_pages_hold_no_inline_script_or_style_and_load_nothing_from_elsewhere(world):
    world.answers[("codepipeline", "ListPipelines")] = {"pipelines": []}
    browser = await world.log_in()
    page = (await browser.get("/console/pipelines")).text
    assert "<script>" not in page
    assert "style=" not in page
    assert "onclick" not in page
    assert "http://" not in page
    assert "https://" not in page
    assert 'src="//' not in page


async def test_people_act_as_themselves_with_awss_refusals(world):
    world.answers |= STARTED | {("codepipeline", "ListPipelines"): {"pipelines": []}}
    reader = {"Effect": "Allow", "Action": "codepipeline:List*", "Resource": "*"}
    browser = await world.log_in(await world.user("ann", reader))
    page = await browser.get("/console/pipelines")
    assert page.status == 200
    assert "ann" in page.text
    answer = await browser.post(RELEASE, {"csrf": world.csrf()})
    assert answer.status == 403
    assert "arn:aws:iam::123456789012:user/ann is not authorized to perform" in answer.text
    assert "codepipeline:StartPipelineExecution" in answer.text
    assert [call[1] for call in world.calls] == ["ListPipelines"]
