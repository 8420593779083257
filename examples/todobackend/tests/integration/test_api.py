"""Each route of the running release, its right answers and its refusals."""

import threading
import unittest

from client import call, wait_until_ready


def setUpModule():
    wait_until_ready()


class ApiTest(unittest.TestCase):
    def setUp(self):
        self.assertEqual(call("DELETE", "/todos"), (204, None))

    def test_the_database_answers(self):
        self.assertEqual(call("GET", "/health"), (200, {"status": "ok"}))

    def test_an_item_is_created_read_changed_and_deleted(self):
        status, item = call("POST", "/todos", {"title": "milk"})
        self.assertEqual((status, item["title"], item["done"]), (201, "milk", False))
        path = f"/todos/{item['id']}"
        self.assertEqual(call("GET", path), (200, item))
        self.assertEqual(call("PATCH", path, {"done": True}), (200, {**item, "done": True}))
        self.assertEqual(call("GET", "/todos"), (200, [{**item, "done": True}]))
        self.assertEqual(call("DELETE", path), (204, None))
        self.assertEqual(call("GET", path)[0], 404)

    def test_refusals_say_why(self):
        self.assertEqual(call("GET", "/todos/999999")[0], 404)
        self.assertEqual(call("GET", "/elsewhere")[0], 404)
        self.assertEqual(call("DELETE", "/health")[0], 405)
        status, answer = call("POST", "/todos", raw=b"{")
        self.assertEqual(status, 400)
        self.assertIn("expected JSON", answer["error"])
        status, answer = call("POST", "/todos", {"title": ""})
        self.assertEqual(status, 400)
        self.assertIn("'title'", answer["error"])

    def test_items_added_at_once_are_all_there(self):
        threads = [
            threading.Thread(target=call, args=("POST", "/todos", {"title": f"item {n}"}))
            for n in range(10)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        _, items = call("GET", "/todos")
        self.assertEqual(sorted(i["title"] for i in items), [f"item {n}" for n in range(10)])


if __name__ == "__main__":
    unittest.main()
