"""To-do items in one SQLite file.

Every call opens its own connection, so the store may be used from any thread.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS todos (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    position INTEGER NOT NULL
)
"""


@dataclass(frozen=True)
class Todo:
    """One item; `order` is where the user wants it in the list, smallest first."""

    id: int
    title: str
    done: bool
    order: int


class Store:
    """The items of one database file, which is made when absent."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._connection() as connection:
            connection.execute(_SCHEMA)

    def check(self) -> None:
        """Raise sqlite3.Error when the database cannot be read."""
        with self._connection() as connection:
            connection.execute("SELECT count(*) FROM todos").fetchone()

    def all(self) -> list[Todo]:
        """Return every item in the user's order."""
        with self._connection() as connection:
            rows = connection.execute("SELECT * FROM todos ORDER BY position, id").fetchall()
        return [_todo(row) for row in rows]

    def get(self, todo_id: int) -> Todo | None:
        """Return one item, or None."""
        with self._connection() as connection:
            row = connection.execute("SELECT * FROM todos WHERE id = ?", (todo_id,)).fetchone()
        return _todo(row) if row else None

    def add(self, title: str, order: int | None = None) -> Todo:
        """Store a new item that is not done; without `order` it goes to the end."""
        with self._connection() as connection:
            row = connection.execute(
                "INSERT INTO todos (title, position) VALUES (?, COALESCE(?,"
                " (SELECT COALESCE(MAX(position), 0) + 1 FROM todos))) RETURNING *",
                (title, order),
            ).fetchone()
        return _todo(row)

    def change(
        self,
        todo_id: int,
        title: str | None = None,
        done: bool | None = None,
        order: int | None = None,
    ) -> Todo | None:
        """Change what is not None; return the item as it is now, or None when there is none."""
        with self._connection() as connection:
            row = connection.execute(
                "UPDATE todos SET title = COALESCE(?, title), done = COALESCE(?, done),"
                " position = COALESCE(?, position) WHERE id = ? RETURNING *",
                (title, done, order, todo_id),
            ).fetchone()
        return _todo(row) if row else None

    def remove(self, todo_id: int) -> bool:
        """Delete one item; return whether it existed."""
        with self._connection() as connection:
            return connection.execute("DELETE FROM todos WHERE id = ?", (todo_id,)).rowcount == 1

    def clear(self) -> None:
        """Delete every item."""
        with self._connection() as connection:
            connection.execute("DELETE FROM todos")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10)) as connection:
            connection.row_factory = sqlite3.Row
            with connection:
                yield connection


def _todo(row: sqlite3.Row) -> Todo:
    return Todo(row["id"], row["title"], bool(row["done"]), row["position"])
