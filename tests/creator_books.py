"""What the sums of Creator's ledger must be, from its entries: for every test that charges."""

from sqlalchemy import text

from comfyhoused.adapters.postgres.database import Database

_FAULTS = """
WITH sums AS (
  SELECT user_id, period,
    coalesce(sum(units) FILTER (WHERE kind = 'reserve'), 0)
      - coalesce(sum(units) FILTER (WHERE kind IN ('settle', 'release')), 0) AS reserved,
    coalesce(sum(units) FILTER (WHERE kind = 'settle'), 0) AS charged,
    coalesce(sum(units) FILTER (WHERE kind = 'credit'), 0) AS credited
  FROM entries GROUP BY user_id, period
)
SELECT 'books of ' || user_id || ' ' || period || ' are not the sum of the entries'
FROM books FULL JOIN sums USING (user_id, period)
WHERE (coalesce(books.reserved, 0), coalesce(books.charged, 0), coalesce(books.credited, 0))
  <> (coalesce(sums.reserved, 0), coalesce(sums.charged, 0), coalesce(sums.credited, 0))
UNION ALL
SELECT edit_id || ' round ' || round || ' is both settled and released'
FROM entries WHERE kind IN ('settle', 'release') GROUP BY edit_id, round HAVING count(*) > 1
UNION ALL
SELECT edit_id || ' is credited twice' FROM entries
WHERE kind = 'credit' GROUP BY edit_id HAVING count(*) > 1
UNION ALL
SELECT one.edit_id || ' has a ' || one.kind || ' without what must be before it'
FROM entries one WHERE one.kind <> 'reserve' AND NOT EXISTS (
  SELECT FROM entries before WHERE (before.edit_id, before.round) = (one.edit_id, one.round)
    AND before.kind = CASE one.kind WHEN 'credit' THEN 'settle' ELSE 'reserve' END
    AND (before.period, before.units) = (one.period, one.units)
)
"""


async def list_book_faults(database: Database) -> list[str]:
    """Return what is wrong with the books, a sentence each; [] is what every test wants."""
    async with database.begin() as session:
        return list((await session.scalars(text(_FAULTS))).all())
