"""What a user does with the release, from an empty list to an empty list."""

import os
import unittest
from pathlib import Path

from client import call, wait_until_ready


def setUpModule():
    wait_until_ready()


class UserTest(unittest.TestCase):
    def test_a_day_with_the_list(self):
        call("DELETE", "/todos")
        for title in ("write the report", "buy milk", "call home"):
            self.assertEqual(call("POST", "/todos", {"title": title})[0], 201)
        _, items = call("GET", "/todos")
        self.assertEqual([i["title"] for i in items], ["write the report", "buy milk", "call home"])

        call("PATCH", f"/todos/{items[2]['id']}", {"order": 0})
        call("PATCH", f"/todos/{items[1]['id']}", {"done": True})
        _, items = call("GET", "/todos")
        self.assertEqual(
            [(i["title"], i["done"]) for i in items],
            [("call home", False), ("write the report", False), ("buy milk", True)],
        )

        for item in items:
            self.assertEqual(call("DELETE", f"/todos/{item['id']}")[0], 204)
        self.assertEqual(call("GET", "/todos"), (200, []))

    def test_the_release_under_test_is_this_commit(self):
        root = Path(os.environ.get("TODO_RELEASE", "."))
        self.assertEqual(
            call("GET", "/version"),
            (
                200,
                {
                    "version": (root / "VERSION").read_text().strip(),
                    "nonce": (root / "NONCE").read_text().strip(),
                },
            ),
        )


if __name__ == "__main__":
    unittest.main()
