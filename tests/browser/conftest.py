"""A real server with two pipelines, and Debian's chromium logged in to its console.

Whatever a test does, a page may log no error: the Content-Security-Policy's refusals, failed
loads and exceptions of scripts all end up there.
"""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright
from tests.delivery import (
    build_action,
    commit_files,
    create_foundations,
    create_project,
    pipeline,
    push,
    source_action,
    wait_for_execution,
)
from tests.server_process import ServerProcess

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MESSAGE = "Say hello to <script>document.title='broken'</script><b>everyone</b>\n\nAt length."
LINES = 30
TALKATIVE = f"""\
version: 0.2
phases:
  build:
    commands:
      - printf '\\033[32mgreen text\\033[0m\\n'
      - for i in $(seq 1 {LINES}); do echo "line $i of {LINES}"; sleep 0.2; done
      - echo "<script>document.title='broken'</script>"
artifacts:
  files: ['**/*']
"""
FLAGGED = """\
version: 0.2
env:
  parameter-store:
    FLAG: /flag
phases:
  build:
    commands:
      - test "$FLAG" = good
      - if [ -n "$SLOW" ]; then sleep 300; fi
artifacts:
  files: ['**/*']
"""

expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A running server: pipelines `talkative` and `flagged`, both built once and well."""
    server = ServerProcess(tmp_path_factory.mktemp("server") / "data")
    server.start()
    create_foundations(server)
    set_flag(server, "good")
    trees = tmp_path_factory.mktemp("trees")
    for name, buildspec in (("talkative", TALKATIVE), ("flagged", FLAGGED)):
        server.client("codecommit").create_repository(repositoryName=name)
        commit_files(trees / name, {"buildspec.yml": buildspec}, MESSAGE)
        push(server, trees / name, name)
        create_project(server, name)
        server.client("codepipeline").create_pipeline(
            pipeline=pipeline(name, [source_action(name, "App")], build_action(name, "App"))
        )
    for name in ("talkative", "flagged"):
        first = wait_for_execution(server, name)
        assert first["status"] == "Succeeded", server.log()[-3000:]
    yield server
    if server.running:
        server.stop()
    server.remove_engine_objects()


def set_flag(server: ServerProcess, value: str) -> None:
    """Let the builds of `flagged` succeed (`good`) or fail."""
    server.client("ssm").put_parameter(Name="/flag", Value=value, Type="String", Overwrite=True)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The machine's own browser; none is ever downloaded."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.fail("expected a browser, found none; install it: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


def open_page(browser: Browser, server: ServerProcess, width: int = 1280) -> Page:
    """Return an empty page at the server's address, in a profile of its own."""
    size = ViewportSize(width=width, height=900)
    return browser.new_context(base_url=server.url, viewport=size).new_page()


def login_link(server: ServerProcess) -> str:
    """What `penstock console` prints."""
    return server.penstock("console").stdout.strip()


@pytest.fixture
def visitor(chromium: Browser, server: ServerProcess) -> Iterator[Page]:
    """A page of nobody yet; it may log no error."""
    page = open_page(chromium, server)
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: problems.append(f"dialog {dialog.message}"))
    yield page
    page.context.close()
    assert [problem for problem in problems if not of_a_refused_request(problem)] == []


def of_a_refused_request(problem: str) -> bool:
    """Browsers also log answers that are errors by their status: tests look at those.

    htmx's extension logs the Event that tells of a lost connection, and htmx itself a
    request that a newer one replaced (`hx-sync`).
    """
    replaced = ("htmx:afterRequest, ", "htmx:sendAbort, ")
    return problem.startswith(
        ("Failed to load resource", "Response Status Error", "[object Event]", *replaced)
    )


@pytest.fixture
def page(visitor: Page, server: ServerProcess) -> Page:
    """A page of root's, logged in."""
    visitor.goto(login_link(server))
    visitor.get_by_role("button", name="Log in as root").click()
    expect(visitor).to_have_url(f"{server.url}/console/pipelines")
    return visitor
