"""Money: whole cents and millionths of a US dollar, never a float; and how it is written."""

from decimal import ROUND_HALF_UP, Decimal


def show_cents(cents: int) -> str:
    """Return `$12.00`."""
    return f"${Decimal(cents) / 100:,.2f}"


def show_micros(micros: int) -> str:
    """Return `$0.12`, or finer where the cents would not say it: `$0.015`."""
    amount = Decimal(micros) / 1_000_000
    is_whole = micros % 10_000 == 0
    return f"${amount:,.2f}" if is_whole else f"${amount.normalize():,f}"


def round_to_cents(micros: int) -> int:
    """Return millionths of a dollar as cents, halves up."""
    return int((Decimal(micros) / 10_000).quantize(Decimal(1), ROUND_HALF_UP))


def make_usd(micros: int) -> str:
    """Return an amount as JSON carries it: dollars as text, `0.015`, `29`."""
    amount = Decimal(micros) / 1_000_000
    return f"{amount.normalize():f}"
