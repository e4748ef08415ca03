import unittest

from tally.counting import count_words


class Counting(unittest.TestCase):
    def test_case_does_not_matter(self):
        self.assertEqual(count_words("To be, or not to be"), {"to": 2, "be": 2, "or": 1, "not": 1})

    def test_an_empty_text_has_no_words(self):
        self.assertEqual(count_words(""), {})
