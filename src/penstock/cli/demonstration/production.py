"""The second half of the demo: production, reviewed and approved.

Three releases: the first makes the production stack, the second is rejected, the third replaces
what production runs while requests go on.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from penstock.cli.connection import Connection
from penstock.cli.demonstration.approval import APPROVED, REJECTED, Approvals
from penstock.cli.demonstration.deployed import Deployed, look, public_url
from penstock.cli.demonstration.explanation import explain
from penstock.cli.demonstration.live import Follower, waits_for_approval
from penstock.cli.demonstration.load import Load
from penstock.cli.demonstration.road import DEVELOPMENT_STACK, PIPELINE, PRODUCTION_STACK, Road
from penstock.cli.demonstration.terminal import Terminal
from penstock.cli.execution import read_latest
from penstock.cli.refusal import Refusal
from penstock.ids import new_alphanumeric

_STAGE = "Production"
_CHANGE_SET = "release"
_NONCE_LENGTH = 8
_SHOWN_FAILURES = 3


@dataclass(frozen=True, slots=True)
class Production:
    """Walks the stage Production; `development` is what the demo's first half came to."""

    connection: Connection
    terminal: Terminal
    road: Road
    approvals: Approvals
    development: Deployed

    def release(self) -> Deployed:
        """Add the stage and make three releases; return what production runs in the end."""
        url = self._first()
        self._second(url)
        return self._third(url)

    def _first(self) -> str:
        with self.terminal.step("Add the stage Production"):
            self.road.add_production()
            self.terminal.line("Production: CreateChangeSet -> Approve -> Execute")
        before = self._newest()
        with self.terminal.step("Release to production"):
            self.road.release()
            follower = self._to_approval(before)
        self._show_change_set("What the first release would change")
        with self.terminal.step("Approve the first release"):
            self._approve(follower, "First release")
        with self.terminal.step("Production answers"):
            url = public_url(self.road, PRODUCTION_STACK)
            self._show(PRODUCTION_STACK, look(self.connection, PRODUCTION_STACK, url))
        return url

    def _second(self, url: str) -> None:
        before = look(self.connection, PRODUCTION_STACK, url)
        with self.terminal.step("A second commit"):
            follower = self._push("1.1.0")
        with self.terminal.step("Development has it, production has not"):
            development = look(self.connection, DEVELOPMENT_STACK, self.development.url)
            self._show(DEVELOPMENT_STACK, development)
            _expect(development.answer != before.answer, "development to run the new version",
                    development, before)  # fmt: skip
            now = look(self.connection, PRODUCTION_STACK, url)
            self._show(PRODUCTION_STACK, now)
            _expect(now == before, "production unchanged before anybody approved", now, before)
        self._show_change_set("What the second commit would change")
        with self.terminal.step("Reject the second"):
            decision = self.approvals.decide(REJECTED, "Not today")
            self._end(follower, decision)
            now = look(self.connection, PRODUCTION_STACK, url)
            self._show(PRODUCTION_STACK, now)
            if decision == REJECTED:
                _expect(now == before, "production untouched by a rejected release", now, before)
                self.terminal.line("Untouched: the same answer from the same containers.", "green")
            else:
                self.terminal.line("You approved it, so production runs it now.")

    def _third(self, url: str) -> Deployed:
        with self.terminal.step("A third commit"):
            follower = self._push("1.2.0")
        self._show_change_set("What the third commit would change")
        with self.terminal.step("Approve the third while requests go to production"):
            with self._requests(f"{url}version"):
                self._approve(follower, "Read and fine")
            development = look(self.connection, DEVELOPMENT_STACK, self.development.url)
            now = look(self.connection, PRODUCTION_STACK, url)
            self._show(PRODUCTION_STACK, now)
            _expect(now.answer == development.answer, "production to run what development runs",
                    now, development)  # fmt: skip
        return now

    def _push(self, version: str) -> Follower:
        """Commit and push a new version; follow it until it waits for approval."""
        before = self._newest()
        files = {"VERSION": version, "NONCE": new_alphanumeric(_NONCE_LENGTH).lower()}
        self.road.change(files, f"Version {version}")
        return self._to_approval(before)

    def _newest(self) -> str:
        return read_latest(self.connection.client("codepipeline"), PIPELINE).execution_id

    def _to_approval(self, before: str) -> Follower:
        follower = Follower(self.connection, self.terminal, after=before, with_log=False)
        execution = follower.follow(PIPELINE)
        if not waits_for_approval(execution):
            explain(self.connection, execution, self.terminal)
            raise Refusal(f"the execution ended as {execution.status} before its approval")
        return follower

    def _show_change_set(self, title: str) -> None:
        with self.terminal.step(title):
            told = self.road.penstock(f"changeset {PRODUCTION_STACK} {_CHANGE_SET}")
            for line in told.rstrip().splitlines():
                self.terminal.line(line)

    def _approve(self, follower: Follower, summary: str) -> None:
        """Have it approved and follow it to its end; what a person rejects is asked again."""
        while (decision := self.approvals.decide(APPROVED, summary)) != APPROVED:
            execution = follower.follow(PIPELINE)
            self.terminal.line("You rejected it: production is as it was. The demo asks again.")
            self.road.retry(_STAGE, execution.execution_id)
            follower.follow(PIPELINE)
        self._end(follower, decision)

    def _end(self, follower: Follower, decision: str) -> None:
        """Follow the execution to the end that the decision gives it."""
        execution = follower.follow(PIPELINE)
        expected = "Succeeded" if decision == APPROVED else "Failed"
        if execution.status != expected:
            explain(self.connection, execution, self.terminal)
            raise Refusal(f"expected the execution {expected}, found it {execution.status}")

    @contextmanager
    def _requests(self, url: str) -> Iterator[None]:
        """Send requests meanwhile, then say how many there were; raise Refusal if one failed."""
        with Load(url, "version") as load:
            yield
        answers = ", ".join(f"{n} from {version}" for version, n in sorted(load.answers.items()))
        self.terminal.line(f"{load.requests} requests meanwhile: {answers}; "
                           f"{len(load.failures)} failed")  # fmt: skip
        if load.failures:
            shown = "\n".join(load.failures[:_SHOWN_FAILURES])
            raise Refusal(f"{len(load.failures)} of {load.requests} requests failed:\n{shown}")

    def _show(self, stack: str, found: Deployed) -> None:
        self.terminal.line(f"GET {found.address}")
        self.terminal.line(f"    {found.answer}")
        self.terminal.line(f"    {stack}: {', '.join(found.containers)}", "dim")


def _expect(holds: bool, what: str, found: Deployed, expected: Deployed) -> None:
    if not holds:
        raise Refusal(f"expected {what}: {expected.answer} in {', '.join(expected.containers)}; "
                      f"found {found.answer} in {', '.join(found.containers)}")  # fmt: skip
