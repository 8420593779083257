"""Exported outputs and who imports them."""

from penstock.aws.service import Call, Request, Response
from penstock.stacks.api.lookup import invalid, page, present
from penstock.stacks.stacks import Stacks


async def list_exports(stacks: Stacks, call: Call, request: Request) -> Response:
    """Return every export, in order of name."""
    values, owners = await stacks.exports(), await stacks.exporters()
    shown, token = page(sorted(values.keys() & owners.keys()), request.get("NextToken"))
    exports = [
        {"ExportingStackId": owners[name], "Name": name, "Value": values[name]} for name in shown
    ]
    return present({"Exports": exports, "NextToken": token})


async def list_imports(stacks: Stacks, call: Call, request: Request) -> Response:
    """Return the names of the stacks that import an export; none is an error, as on AWS."""
    name = request["ExportName"]
    if name not in await stacks.exporters():
        raise invalid(f"Export '{name}' does not exist.")  # unverified
    found = await stacks.importers(name)
    if not found:
        raise invalid(f"Export '{name}' is not imported by any stack.")
    shown, token = page(found, request.get("NextToken"))
    return present({"Imports": list(shown), "NextToken": token})


OPERATIONS = {"ListExports": list_exports, "ListImports": list_imports}
