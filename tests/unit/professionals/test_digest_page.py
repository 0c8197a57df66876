"""The buttons of a page about several matters."""

import pytest

from services.professionals.digests.page import CANNOT, HAVE_ALL, HAVE_IT, read_answer


@pytest.mark.parametrize(("what", "answer"), [(HAVE_ALL, HAVE_IT), (CANNOT, CANNOT)])
@pytest.mark.parametrize("shown", ["9" * 5000, "", "many"])
def test_a_button_that_no_page_had_breaks_nothing(what: str, answer: str, shown: str) -> None:
    assert read_answer([], f"{what}-{shown}") == ([], answer)
