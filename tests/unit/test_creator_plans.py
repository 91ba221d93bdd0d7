"""Creator's plans are read from one file, and what is wrong in the operator's is told at once."""

from pathlib import Path

import pytest

from comfyhoused.creator.plans import CreatorPlanBook
from comfyhoused.resources import UnfitHouse
from tests.creator_books import make_usage


def read(folder: Path, text: str) -> CreatorPlanBook:
    path = folder / "plans.toml"
    path.write_text(text)
    return CreatorPlanBook.load(path)


def test_our_plans_are_those_of_the_price_list() -> None:
    assert {
        plan.name: (plan.price_cents, plan.included, plan.overage_cents)
        for plan in CreatorPlanBook.load().list_offered()
    } == {"free": (0, 10, None), "creator": (2900, 100, 50), "studio": (9900, 500, 30)}


def test_an_operators_file_changes_adds_and_hides(tmp_path: Path) -> None:
    book = read(
        tmp_path,
        """
        [plans.free]
        included = 3
        [plans.creator]
        is_offered = false
        [plans.agency]
        based_on = "studio"
        title = "Agency"
        price_usd = 249.5
        overage_usd = 0.25
        """,
    )
    agency = book.get("agency")
    assert (agency.price_cents, agency.overage_cents, agency.included) == (24_950, 25, 500)
    assert book.get("free").included == 3
    assert [plan.name for plan in book.list_offered()] == ["free", "studio", "agency"]
    assert book.knows("creator")


def test_a_plan_that_is_gone_is_served_as_free(tmp_path: Path) -> None:
    assert not CreatorPlanBook.load().knows("gold")
    assert CreatorPlanBook.load().get("gold").name == "free"


def test_every_fault_of_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnfitHouse) as refusal:
        read(
            tmp_path,
            """
            [plan]
            [plans.free]
            included = -1
            [plans.creator]
            overage_usd = 0.005
            [plans.studio]
            plan_class = "gold"
            colour = "red"
            """,
        )
    faults = str(refusal.value)
    for words in ("[plan]", "plans.free: included", "finer than 1/100", "plan_class", "colour"):
        assert words in faults


@pytest.mark.parametrize("text", ["[plans", "plans = 1", "[plans.x]\nbased_on = 'y'"])
def test_a_file_that_is_none_names_its_setting(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnfitHouse, match="CH_CREATOR_PLANS_FILE"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("plan", "cap_cents", "reserved", "charged", "credited", "allowance", "overage_cents"),
    [
        ("free", 0, 0, 0, 0, 10, 0),
        ("free", 9999, 2, 8, 0, 0, 0),
        ("free", 0, 0, 10, 3, 3, 0),
        ("creator", 0, 0, 99, 0, 1, 0),
        ("creator", 149, 0, 100, 0, 2, 0),
        ("creator", 149, 1, 101, 0, 0, 50),
        ("creator", 100, 0, 105, 1, 0, 200),  # the cap was lowered after it was used
        ("studio", 3000, 0, 0, 0, 600, 0),
    ],
)
def test_what_is_left_and_what_it_costs(
    plan: str,
    cap_cents: int,
    reserved: int,
    charged: int,
    credited: int,
    allowance: int,
    overage_cents: int,
) -> None:
    found = CreatorPlanBook.load().get(plan)
    usage = make_usage(
        found, reserved=reserved, charged=charged, credited=credited, cap_cents=cap_cents
    )
    assert (usage.allowance, usage.overage_cents) == (allowance, overage_cents)


def test_the_document_says_what_the_file_says(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "creator" / "plans.md").read_text()
    for plan in CreatorPlanBook.load().list_offered():
        beyond = f"${plan.overage_cents / 100:.2f}" if plan.overage_cents else "stops"
        price = f"${plan.price_cents // 100}"
        row = f"| {plan.title} | {price} | {plan.included} | {beyond} | {plan.concurrency} |"
        assert row in page
    sample = read(tmp_path, page.partition("```toml\n")[2].partition("```")[0])
    assert sample.get("agency").overage_cents == 20
    assert sample.get("free").included == 25
