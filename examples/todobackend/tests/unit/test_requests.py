import unittest

from todobackend.requests import BadRequest, TodoFields, parse_change, parse_new


class RequestsTest(unittest.TestCase):
    def test_members_are_read(self):
        self.assertEqual(parse_new(b'{"title": "milk", "order": 3}'), TodoFields("milk", order=3))
        self.assertEqual(parse_change(b'{"done": true}'), TodoFields(done=True))

    def test_each_mistake_is_named(self):
        mistakes = {
            b"{": "expected JSON",
            b"[]": "expected a JSON object",
            b"{}": "expected a member 'title'",
            b'{"title": "  "}': "expected 1 to 500 characters in 'title'",
            b'{"title": 3}': "expected str in 'title', found 3",
            b'{"title": "x", "order": true}': "expected int in 'order', found True",
            b'{"title": "x", "owner": "me"}': "unknown member 'owner'",
            b'{"title": "x", "done": true}': "cannot be done already",
        }
        for body, message in mistakes.items():
            with self.subTest(body=body), self.assertRaisesRegex(BadRequest, message):
                parse_new(body)


if __name__ == "__main__":
    unittest.main()
