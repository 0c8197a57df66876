"""One page for all who ask at the same time."""

from types import SimpleNamespace
from typing import Any

import pytest
from starlette.responses import Response

from services.console.web.pages.overview import SharedResponse


async def test_where_a_page_cannot_be_made_anew_the_old_one_is_not_shown_as_if_it_were() -> None:
    changes: Any = SimpleNamespace(count=0)
    page, old, new = SharedResponse(changes), Response("old"), Response("new")

    async def made(*answers: Response) -> Response:
        [answer] = answers or [None]
        if answer is None:
            raise ConnectionError
        return answer

    assert await page.answer(lambda: made(old)) is old
    assert await page.answer(lambda: made(new)) is old
    changes.count = 1
    with pytest.raises(ConnectionError):
        await page.answer(made)
    assert await page.answer(lambda: made(new)) is new
