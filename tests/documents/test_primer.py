import pytest
from pydantic import ValidationError

from phasegate.documents.primer import PRIMER_MAX_BYTES, PrimerText


def test_a_primer_may_have_8_kib_of_bytes():
    assert len(PrimerText(text="ä" * (PRIMER_MAX_BYTES // 2)).text.encode()) == PRIMER_MAX_BYTES
    with pytest.raises(ValidationError, match="the primer has more than 8192 bytes: keep what every task needs"):
        PrimerText(text="ä" * (PRIMER_MAX_BYTES // 2) + "x")


@pytest.mark.parametrize("text", ["", " \n", "a\ud800"])
def test_a_primer_is_a_text(text):
    with pytest.raises(ValidationError, match="text"):
        PrimerText(text=text)
