"""Statements that are compiled once, then given to the driver as they are.

`Connection.execute` spends 50-200 µs on each execution, most of it on finding out again what it
found the last time; the driver needs 5. What every resource of a stack needs is prepared here;
what is rare, or built from its arguments, goes through `Connection.execute`, which does the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
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

    def rows(self, connection: sa.Connection, parameters: Parameters) -> list[Sequence[Any]]:
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
        names = compiled.positiontup or []
        binds = [compiled.binds[name] for name in names]
        self._constants = {
            name: bind.effective_value
            for name, bind in zip(names, binds, strict=True)
            if not bind.required
        }
        self._values = _values_of(names)
        self._into = _conversions(
            bind.type.dialect_impl(dialect).bind_processor(dialect) for bind in binds
        )
        read = statement.selected_columns if isinstance(statement, sa.Select) else ()
        self._out = _conversions(
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in read
        )

    def bound(self, parameters: Parameters) -> list[Any]:
        """Return the values in the order of their places; KeyError when one is missing."""
        if self._constants:
            parameters = {**self._constants, **parameters}
        values = list(self._values(parameters))
        for place, convert in self._into:
            values[place] = convert(values[place])
        return values

    def row(self, found: Sequence[Any]) -> Sequence[Any]:
        """Return a row of the driver with Python's values."""
        if not self._out:
            return found
        values = list(found)
        for place, convert in self._out:
            values[place] = convert(values[place])
        return values


def _conversions(of_places: Iterable[_Convert | None]) -> list[tuple[int, _Convert]]:
    """Return the places whose values are converted, which are few, with how."""
    return [(place, convert) for place, convert in enumerate(of_places) if convert is not None]


def _values_of(names: Sequence[str]) -> Callable[[Parameters], Iterable[Any]]:
    """Return what takes the values of these names, in this order."""
    if len(names) > 1:  # of one name itemgetter returns no sequence
        return itemgetter(*names)
    return lambda parameters: [parameters[name] for name in names]


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
