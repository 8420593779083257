"""Why an execution failed, and where to look further."""

from penstock.cli.connection import Connection
from penstock.cli.demonstration.place import Place
from penstock.cli.demonstration.terminal import Terminal
from penstock.cli.execution import ExecutionView
from penstock.cli.failure import find_failure
from penstock.cli.logs import headline, read_log


def explain(connection: Connection, execution: ExecutionView, terminal: Terminal) -> None:
    """Print what each failed action said; for a build also its command and last output."""
    for action in execution.actions:
        if action.status != "Failed":
            continue
        terminal.line(f"{action.stage}/{action.name}: {action.summary}", "red")
        if action.provider != "CodeBuild" or not action.external_execution_id:
            continue
        ids = [action.external_execution_id]
        build = connection.client("codebuild").batch_get_builds(ids=ids)["builds"][0]
        if failure := find_failure(build):
            log = read_log(connection, build)
            for line in headline(action.external_execution_id, failure, log):
                terminal.line(line, "red")


def where_to_look(place: Place, connection: Connection, terminal: Terminal) -> None:
    """Print how to look into a demo that did not come to its end; its server runs on."""
    option = f"--data-dir {place.root}"
    terminal.line()
    terminal.line(f"The demo stopped in: {terminal.current}", "bold")
    terminal.line(f"Its server runs on at {connection.endpoint_url}. To look:")
    for command in (
        f"penstock status {option}",
        f"penstock logs {option}",
        f"penstock console {option}",
        f"less {place.server_log}",
    ):
        terminal.line(f"  {command}")
    terminal.line(f"To remove it: penstock demo --down {option}")
