"""Exports: unique among live stacks, and neither changed nor deleted while another stack imports
them.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html;
texts: anomalyco/sst#1256, linz/geostore#630. AWS begins to delete a stack whose export is in use,
and takes it back with that text as the reason (rlister/stax#40), where waiters wait in vain;
here the request itself is refused with it.
"""

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.stacks.operations.operation import OutputValue
from penstock.stacks.planning.plan import planned_otherwise
from penstock.storage import stacks
from penstock.storage.encryption import Cipher
from penstock.storage.stacks import ExportRow


def check(
    connection: sa.Connection,
    stack_id: str,
    known: Sequence[ExportRow],
    values: Mapping[str, str],
    wanted: Mapping[str, str],
) -> None:
    """Raise ServiceError unless `wanted` (name → value) may become the stack's exports.

    `known` are all exports of the account, `values` their values.
    """
    for row in known:
        if row.stack_id != stack_id:
            if row.name in wanted:
                owner = stacks.get(connection, row.stack_id)
                name = owner.name if owner is not None else row.stack_id
                raise refused(f"Export with name {row.name} is already exported by stack {name}")
        elif row.name not in wanted:
            check_unused(connection, row.name, "deleted")
        elif wanted[row.name] != values[row.name]:
            check_unused(connection, row.name, "updated")


def replace(
    connection: sa.Connection,
    cipher: Cipher,
    stack_id: str,
    outputs: Iterable[OutputValue],
    *,
    checked: bool,
) -> None:
    """Make those of `outputs` that have an export name the stack's exports; `checked`: raises
    what `check` does, with nothing stored."""
    known = stacks.exports(connection)
    values = {row.name: cipher.decrypt(row.sealed) for row in known}
    wanted = {one.export_name: one.value for one in outputs if one.export_name is not None}
    if checked:
        check(connection, stack_id, known, values, wanted)
    rows = [
        ExportRow(name, stack_id, cipher.encrypt(value)) for name, value in sorted(wanted.items())
    ]
    stacks.replace_exports(connection, stack_id, rows)


def check_as_planned(planned: Iterable[tuple[str, str]], values: Mapping[str, str]) -> None:
    """Raise ServiceError where an export, `planned` by name and value, has another value now."""
    for name, value in planned:
        if name not in values:
            raise planned_otherwise(f"there is no export {name} any more")
        if values[name] != value:
            raise planned_otherwise(f"the export {name} has another value")


def check_unused(connection: sa.Connection, name: str, verb: str) -> None:
    """Raise ServiceError when a stack imports the export; `verb` is what it would be."""
    users = stacks.importers(connection, name)
    if users:
        raise refused(f"Export {name} cannot be {verb} as it is in use by {', '.join(users)}")


def refused(message: str) -> ServiceError:
    """Return CloudFormation's ValidationError."""
    return ServiceError("ValidationError", message, status=400)
