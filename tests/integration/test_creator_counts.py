"""What screens say of how many edits there are: by kind, no further than is shown."""

from pathlib import Path

import pytest

from comfyhoused.adapters.postgres.database import Database
from comfyhoused.adapters.storage.local import LocalStorage
from comfyhoused.creator.screens.edit_queries import SHOWN, Show, count_edits, list_edits
from comfyhoused.web.words import format_most
from tests.creator_sign_in import create_user
from tests.creator_stock import Shot, Stock, paint
from tests.house import SECRET

_PICTURE = paint(1, 8, 8)
_SHOTS = (
    *[Shot("ready.jpg", _PICTURE)] * 3,
    *[Shot("failed.jpg", _PICTURE, "failed", preset="product-glow")] * 3,
    *[Shot("undelivered.jpg", _PICTURE, delivery="failed")] * 2,
    *[Shot("held.jpg", _PICTURE, delivery="held")] * 2,
    Shot("rejected.jpg", _PICTURE, delivery="rejected"),
    Shot("open.jpg", _PICTURE, "running"),
)
_EXPECTED = {"": 12, "ready": 3, "underway": 1, "approve": 2, "failed": 5, "wrong": 0}


@pytest.fixture
async def stock(database: Database, tmp_path: Path) -> Stock:
    """One user with edits of every kind, and another with as many."""
    storage = LocalStorage(tmp_path, SECRET.encode())
    for email in ("ada@example.com", "other@example.com"):
        stock = Stock(database, storage, await create_user(database, email))
        await stock.add_edits(await stock.add_source(), _SHOTS)
    return stock


async def test_every_kind_is_counted_as_it_is_listed(stock: Stock, database: Database) -> None:
    assert _EXPECTED.keys() == SHOWN.keys()
    async with database.begin() as session:
        for state, expected in _EXPECTED.items():
            show = Show(state)
            page = await list_edits(session, stock.user.id, {}, show=show)
            assert await count_edits(session, stock.user.id, show) == len(page.items) == expected
        glow = Show("failed", "product-glow")
        assert await count_edits(session, stock.user.id, glow) == 3


async def test_a_count_stops_one_beyond_what_is_shown(stock: Stock, database: Database) -> None:
    async with database.begin() as session:
        for state, expected in _EXPECTED.items():
            for most in (0, 2, 4, 100):
                number = await count_edits(session, stock.user.id, Show(state), most=most)
                assert number == min(expected, most + 1), (state, most)


def test_the_words_say_that_there_are_more() -> None:
    assert [format_most(number, 1000) for number in (0, 1000, 1001)] == [
        "0",
        "1\u202f000",
        "1\u202f000+",
    ]
