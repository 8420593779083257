import tempfile
import threading
import unittest
from pathlib import Path

from todobackend.store import Store, Todo


class StoreTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name) / "todo.sqlite3"
        self.store = Store(self.path)

    def test_a_new_item_is_not_done_and_goes_to_the_end(self):
        first, second = self.store.add("milk"), self.store.add("bread")
        self.assertEqual(first, Todo(first.id, "milk", False, 1))
        self.assertEqual(second.order, 2)
        self.assertEqual(self.store.all(), [first, second])

    def test_order_decides_the_list(self):
        last, first = self.store.add("last", order=20), self.store.add("first", order=10)
        self.assertEqual(self.store.all(), [first, last])

    def test_a_change_keeps_what_it_does_not_name(self):
        item = self.store.add("milk")
        self.assertEqual(
            self.store.change(item.id, done=True), Todo(item.id, "milk", True, item.order)
        )
        self.assertEqual(self.store.change(item.id, title="oat milk").done, True)

    def test_what_is_not_there_is_none(self):
        self.assertIsNone(self.store.get(7))
        self.assertIsNone(self.store.change(7, done=True))
        self.assertFalse(self.store.remove(7))

    def test_removed_ids_are_never_given_again(self):
        item = self.store.add("milk")
        self.assertTrue(self.store.remove(item.id))
        self.assertGreater(self.store.add("bread").id, item.id)

    def test_items_survive_a_restart(self):
        item = self.store.add("milk")
        self.assertEqual(Store(self.path).get(item.id), item)

    def test_writers_in_many_threads_lose_nothing(self):
        threads = [threading.Thread(target=self.store.add, args=(str(n),)) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({todo.title for todo in self.store.all()}, {str(n) for n in range(20)})


if __name__ == "__main__":
    unittest.main()
