import tempfile
import unittest
from pathlib import Path

from todobackend.release import read_release


class ReleaseTest(unittest.TestCase):
    def test_the_files_beside_the_program_are_the_release(self):
        with tempfile.TemporaryDirectory() as name:
            Path(name, "VERSION").write_text("2.1.0\n")
            Path(name, "NONCE").write_text("f00d\n")
            self.assertEqual(read_release(Path(name)), {"version": "2.1.0", "nonce": "f00d"})


if __name__ == "__main__":
    unittest.main()
