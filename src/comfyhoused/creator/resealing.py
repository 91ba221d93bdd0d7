"""Seals tokens anew that an old key has sealed, so that the old key can be taken away."""

from sqlalchemy import func, select

from comfyhoused.creator.connections import TokensLocked, open_tokens, seal_tokens
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.tables import Connection

_AT_ONCE = 50


async def reseal_tokens(house: CreatorHouse) -> int:
    """Seal what an old key has sealed with the first one; returns how many rows.

    Rows that no key opens stay as they are, and are told: their key was taken away too early.
    """
    count, after = 0, ""
    while True:
        resealed, after = await _reseal_some(house, after)
        count += resealed
        if not after:
            return count


async def _reseal_some(house: CreatorHouse, after: str) -> tuple[int, str]:
    """Seal some rows anew; returns how many, and behind which id to go on ('': that was all)."""
    vault = house.google.vault
    head = func.substring(Connection.sealed_tokens, 1, len(vault.head))
    old = (
        select(Connection)
        .where(Connection.id > after, Connection.sealed_tokens != b"", head != vault.head)
        .order_by(Connection.id)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    count = 0
    async with house.database.begin() as session:
        rows = (await session.scalars(old)).all()
        for row in rows:
            try:
                tokens = open_tokens(vault, row)
            except TokensLocked:
                continue
            row.sealed_tokens = seal_tokens(vault, row.id, row.user_id, tokens)
            count += 1
    return count, rows[-1].id if len(rows) == _AT_ONCE else ""
