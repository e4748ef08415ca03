"""What stands where no model may be asked."""

import pytest

from phasegate.documents.progress import Usage
from phasegate.doors.model import ModelError, NoModel, Request

NOBODY = NoModel("No model can be asked", cause="There is no key.", mend="Set one.")


@pytest.mark.parametrize(
    "ask",
    [
        lambda model: model.limits("claude-x"),
        lambda model: model.ask(Request("claude-x", 1, None, "s", (), ()), lambda _: None),
    ],
)
def test_no_model_says_why_and_what_to_do(ask):
    with pytest.raises(ModelError) as caught:
        ask(NOBODY)

    error = caught.value
    assert error.what == "No model can be asked (claude-x was to be asked)"
    assert (error.cause, error.mend, error.usage) == ("There is no key.", "Set one.", Usage())
