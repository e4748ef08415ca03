import contextlib
import io
import tempfile
import unittest
from pathlib import Path

from tally.cli import main


def printed(*argv):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main([str(argument) for argument in argv])
    return code, out.getvalue()


class CommandLine(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.file = Path(directory.name) / "text.txt"
        self.file.write_text("to be or not to be", "utf-8")

    def test_prints_the_report(self):
        self.assertEqual(printed(self.file, "--top", 1), (0, "    2 be\n"))

    def test_a_missing_file_is_told(self):
        code, text = printed(self.file.with_name("missing.txt"))
        self.assertEqual(code, 1)
        self.assertIn("No such file", text)
