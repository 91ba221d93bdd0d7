"""What the sums of Creator's ledger must be, from its entries: for every test that charges."""

from sqlalchemy import text

from comfyhoused.adapters.postgres.database import Database
from comfyhoused.creator.plans import CreatorPlan
from comfyhoused.creator.usage import Usage, make_empty_book

_FAULTS = """
WITH sums AS (
  SELECT user_id, period,
    coalesce(sum(units) FILTER (WHERE kind = 'reserve'), 0)
      - coalesce(sum(units) FILTER (WHERE kind IN ('settle', 'release')), 0) AS reserved,
    coalesce(sum(units) FILTER (WHERE kind = 'settle'), 0) AS charged,
    coalesce(sum(units) FILTER (WHERE kind = 'credit'), 0) AS credited,
    coalesce(sum(cents) FILTER (WHERE kind = 'settle'), 0)
      - coalesce(sum(cents) FILTER (WHERE kind IN ('credit', 'release')), 0) AS owed_cents,
    count(*) FILTER (WHERE kind = 'settle' AND cents > 0)
      - count(*) FILTER (WHERE kind IN ('credit', 'release') AND cents > 0) AS beyond,
    coalesce(sum(cents) FILTER (WHERE kind = 'reserve' AND NOT is_over), 0) AS held_cents,
    count(*) FILTER (WHERE kind = 'reserve' AND NOT is_over AND cents > 0) AS held
  FROM (SELECT one.*, EXISTS (SELECT FROM entries ends WHERE ends.kind IN ('settle', 'release')
    AND (ends.edit_id, ends.round) = (one.edit_id, one.round)) AS is_over FROM entries one)
  AS entries GROUP BY user_id, period
)
SELECT 'books of ' || user_id || ' ' || period || ' are not the sum of the entries'
FROM books FULL JOIN sums USING (user_id, period)
WHERE (coalesce(books.reserved, 0), coalesce(books.charged, 0), coalesce(books.credited, 0),
    coalesce(books.owed_cents, 0), coalesce(books.beyond, 0),
    coalesce(books.held_cents, 0), coalesce(books.held, 0))
  <> (coalesce(sums.reserved, 0), coalesce(sums.charged, 0), coalesce(sums.credited, 0),
    coalesce(sums.owed_cents, 0), coalesce(sums.beyond, 0),
    coalesce(sums.held_cents, 0), coalesce(sums.held, 0))
UNION ALL
SELECT 'edit ' || done.edit_id || ' cost more than was agreed'
FROM entries done JOIN entries agreed USING (edit_id, round)
WHERE done.kind = 'settle' AND agreed.kind = 'reserve' AND done.cents > agreed.cents
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
    AND before.units = one.units AND before.period <= one.period
    AND (before.period = one.period OR one.kind = 'credit')
)
"""


async def list_book_faults(database: Database) -> list[str]:
    """Return what is wrong with the books, a sentence each; [] is what every test wants."""
    async with database.begin() as session:
        return list((await session.scalars(text(_FAULTS))).all())


def make_usage(
    plan: CreatorPlan, *, reserved: int = 0, charged: int = 0, credited: int = 0, cap_cents: int = 0
) -> Usage:
    """Return where a user stands who had this plan, at this price, since the month began."""
    book = make_empty_book("user", "2026-11")
    book.reserved, book.charged, book.credited = reserved, charged, credited
    book.beyond = max(0, charged - credited - plan.included)
    book.held = max(0, reserved + charged - credited - plan.included) - book.beyond
    price = plan.overage_cents or 0
    book.owed_cents, book.held_cents = book.beyond * price, book.held * price
    return Usage(book, plan, cap_cents)
