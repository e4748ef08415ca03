import unittest
from collections import Counter

from tally.report import render


class Report(unittest.TestCase):
    def test_the_most_frequent_word_comes_first(self):
        self.assertEqual(render(Counter(a=1, b=2)), "    2 b\n    1 a")

    def test_top_cuts_the_list(self):
        self.assertEqual(render(Counter(a=1, b=2), top=1), "    2 b")
