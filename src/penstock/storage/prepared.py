"""Statements that are compiled once, then given to the driver as they are.

`Connection.execute` spends 50-200 µs on each execution, most of it on finding out again what it
found the last time; the driver needs 5. What every resource of a stack needs is prepared here;
what is rare, or built from its arguments, goes through `Connection.execute`, which does the same.
"""

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql.compiler import SQLCompiler

Parameters = Mapping[str, Any]
_Convert = Callable[[Any], Any]


class Prepared:
    """One statement; its parameters are its `bindparam`s and the `columns` that it sets.

    Transactions begin, values are converted and the driver's errors are raised as by
    `Connection.execute`; what a conversion raises reaches the caller as it is. Statements that
    change with their parameters (lists for IN) or whose columns have defaults in Python raise
    ValueError.
    """

    def __init__(
        self, statement: sa.Select[Any] | sa.Insert | sa.Update, columns: Sequence[str] = ()
    ) -> None:
        self._statement = statement
        self._columns = list(columns)
        self._compiled: dict[type[sa.Dialect], _Compiled] = {}

    def execute(self, connection: sa.Connection, parameters: Parameters) -> int:
        """Change rows; return how many."""
        compiled = self._for(connection.dialect)
        bound = compiled.bound(parameters)
        with _Cursor(connection, compiled.text) as cursor:
            cursor.execute(compiled.text, bound)
            return cursor.rowcount

    def execute_all(self, connection: sa.Connection, all: Sequence[Parameters]) -> None:
        """As `execute` with each of `all`, in their order; none is harmless."""
        compiled = self._for(connection.dialect)
        bound = [compiled.bound(parameters) for parameters in all]
        with _Cursor(connection, compiled.text) as cursor:
            cursor.executemany(compiled.text, bound)

    def rows(self, connection: sa.Connection, parameters: Parameters) -> list[tuple[Any, ...]]:
        """Return the rows found, each with the statement's columns in their order."""
        compiled = self._for(connection.dialect)
        bound = compiled.bound(parameters)
        with _Cursor(connection, compiled.text) as cursor:
            cursor.execute(compiled.text, bound)
            found = cursor.fetchall()
        return [compiled.row(row) for row in found]

    def _for(self, dialect: sa.Dialect) -> "_Compiled":
        """Compiled once for each class: our dialects of one class say the same."""
        compiled = self._compiled.get(type(dialect))
        if compiled is None:
            compiled = _Compiled(self._statement, self._columns, dialect)
            self._compiled[type(dialect)] = compiled
        return compiled


class _Compiled:
    """The text for one dialect, and how values go in and come out."""

    def __init__(
        self,
        statement: sa.Select[Any] | sa.Insert | sa.Update,
        columns: Sequence[str],
        dialect: sa.Dialect,
    ) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=columns or None)
        assert isinstance(compiled, SQLCompiler)
        _refuse_what_changes(compiled)
        self.text = compiled.string
        places = [(name, compiled.binds[name]) for name in compiled.positiontup or ()]
        self._into: list[tuple[str, _Convert | None]] = [
            (name, bind.type.dialect_impl(dialect).bind_processor(dialect)) for name, bind in places
        ]
        self._constants = {name: bind.effective_value for name, bind in places if not bind.required}
        read = statement.selected_columns if isinstance(statement, sa.Select) else ()
        out: list[_Convert | None] = [
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in read
        ]
        self._out = out if any(out) else []

    def bound(self, parameters: Parameters) -> list[Any]:
        """Return the values in the order of their places; KeyError when one is missing."""
        if self._constants:
            parameters = {**self._constants, **parameters}
        return [
            parameters[name] if convert is None else convert(parameters[name])
            for name, convert in self._into
        ]

    def row(self, found: Sequence[Any]) -> tuple[Any, ...]:
        """Return a row of the driver with Python's values."""
        if not self._out:
            return tuple(found)
        return tuple(
            [
                value if convert is None else convert(value)
                for value, convert in zip(found, self._out, strict=True)
            ]
        )


def _refuse_what_changes(compiled: SQLCompiler) -> None:
    if compiled.post_compile_params or compiled.literal_execute_params:
        raise ValueError(f"the text would change with its parameters: {compiled.string}")
    if compiled.insert_prefetch or compiled.update_prefetch:
        raise ValueError(f"a column has a default in Python: {compiled.string}")
    if not compiled.positional:
        raise ValueError(f"expected parameters by position: {compiled.string}")


class _Cursor:
    """A cursor of the driver within the connection's transaction, begun when there is none."""

    __slots__ = ("_connection", "_cursor", "_text")

    def __init__(self, connection: sa.Connection, text: str) -> None:
        if not connection.in_transaction():
            connection.begin()
        self._connection = connection
        self._text = text
        self._cursor: DBAPICursor = connection.connection.cursor()

    def __enter__(self) -> DBAPICursor:
        return self._cursor

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._cursor.close()
        driver = self._connection.dialect.loaded_dbapi
        if isinstance(error, driver.Error):
            raise sa.exc.DBAPIError.instance(
                self._text,
                None,
                error,
                driver.Error,
                hide_parameters=True,
                dialect=self._connection.dialect,
            ) from error
