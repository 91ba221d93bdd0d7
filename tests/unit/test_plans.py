"""Plans are read from one file, and what is wrong in the operator's is told all at once."""

import json
import re
from pathlib import Path

import pytest

from comfyhoused.api.charging import measure_charge
from comfyhoused.api.estimate import Estimate
from comfyhoused.api.ledger import COLUMNS
from comfyhoused.api.money import make_usd, round_to_cents, show_cents, show_micros
from comfyhoused.api.plans import PlanBook, PlanLacksFeature
from comfyhoused.api.prices import make_price
from comfyhoused.api.quota import make_allowance
from comfyhoused.core.jobs.admission import UNLIMITED
from comfyhoused.core.jobs.outlook import estimate_wait
from comfyhoused.core.workflows.cost import UnitTable, count_units, count_upscale_units
from comfyhoused.kit.errors import list_error_classes
from comfyhoused.kit.periods import get_end, get_start, show_end
from comfyhoused.resources import UnfitHouse


def read(folder: Path, text: str) -> PlanBook:
    path = folder / "plans.toml"
    path.write_text(text)
    return PlanBook.load(path)


def test_our_plans_are_those_of_the_price_list() -> None:
    plans = {plan.name: plan for plan in PlanBook.load()}
    assert {
        name: (
            plan.price_cents,
            plan.included_units,
            plan.overage_micros,
            plan.requests_per_second,
            plan.retention_days,
            sorted(plan.features),
            plan.mark,
        )
        for name, plan in plans.items()
    } == {
        "free": (0, 50, None, 1, 7, [], True),
        "starter": (2900, 1000, 40_000, 5, 30, [], False),
        "pro": (9900, 5000, 25_000, 20, 90, ["controlnet", "priority", "webhooks"], False),
        "business": (
            29_900,
            20_000,
            15_000,
            50,
            180,
            ["controlnet", "priority", "registered_workflows", "webhooks"],
            False,
        ),
    }


def test_an_operators_file_changes_adds_and_hides(tmp_path: Path) -> None:
    book = read(
        tmp_path,
        """
        [units]
        gpu_seconds = 5
        [plans.free]
        included_units = 10
        [plans.starter]
        is_offered = false
        [plans.acme]
        based_on = "business"
        title = "Acme"
        price_usd = 1999.5
        overage_usd = 0.0105
        """,
    )
    free, acme = book.get("free"), book.get("acme")
    assert (free.included_units, free.title) == (10, "Free")
    assert (acme.price_cents, acme.overage_micros, acme.concurrency) == (199_950, 10_500, 50)
    assert [plan.name for plan in book.list_offered()] == ["free", "pro", "business", "acme"]
    assert book.units == UnitTable(gpu_seconds=5)
    assert book.get("gone").name == "free"
    assert not book.knows("gone")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("plans = 3", "as tables"),
        ("[plans]\nfree = 3", "as tables"),
        ("[plans.x]\nbased_on = 'y'", "no plan"),
        ("[plans.x]\ntitle = 'X'", "included_units"),
        ("[plans.free]\nincluded = 3", "included"),
        ("[plans.free]\nconcurrency = 0", "concurrency"),
        ("[plans.free]\nplan_class = 'gold'", "none of business"),
        ("[plans.free]\nfeatures = ['fame']", "features"),
        ("[plans.free]\nprice_usd = 1.001", "finer"),
        ("[plans.free]\noverage_usd = '4 cents'", "number of dollars"),
        ("[plans.free]\noverage_usd = 0", "overage"),
        ("[plans.'A b']\nbased_on = 'free'", "name"),
        ("[unit]\nsteps = 3", "[unit]"),
        ("[units]\nsteps = 0", "steps"),
        ("plans.free = ", "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UnfitHouse, match="plans") as refusal:
        read(tmp_path, text)
    assert words in str(refusal.value)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UnfitHouse) as refusal:
        read(tmp_path, "[plans.free]\nburst = 0\nmark = 'big'\n[plans.pro]\nburst = -1\n[x]\n")
    assert str(refusal.value).count("\n- ") == 4


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnfitHouse, match="cannot be read"):
        PlanBook.load(tmp_path / "none.toml")


def test_a_missing_feature_names_the_cheapest_plan_that_has_it(tmp_path: Path) -> None:
    book = PlanBook.load()
    book.require_feature("pro", "webhooks")
    for plan, feature, holder in (
        ("free", "webhooks", "Pro"),
        ("starter", "controlnet", "Pro"),
        ("pro", "registered_workflows", "Business"),
    ):
        with pytest.raises(PlanLacksFeature) as refusal:
            book.require_feature(plan, feature)  # type: ignore[arg-type]
        assert holder in refusal.value.detail


def test_an_allowance_never_costs_more_than_the_cap() -> None:
    book = PlanBook.load()
    free, starter = book.get("free"), book.get("starter")
    assert make_allowance(free, None).units == make_allowance(free, 10_000).units == 50
    assert make_allowance(starter, None).units == UNLIMITED
    for cents in (0, 1, 3, 4, 5, 99, 100, 12_345):
        allowed = make_allowance(starter, cents).units - 1000
        assert allowed * 4 <= cents < (allowed + 1) * 4


def test_the_price_takes_what_is_included_first() -> None:
    starter = PlanBook.load().get("starter")
    found = [make_price(starter, 10, used=used) for used in (0, 990, 995, 1000, 5000)]
    assert [(one.included_units, one.overage_units, one.micros) for one in found] == [
        (10, 0, 0),
        (10, 0, 0),
        (5, 5, 200_000),
        (0, 10, 400_000),
        (0, 10, 400_000),
    ]


def test_a_graph_is_charged_by_the_time_it_took() -> None:
    table = UnitTable(gpu_seconds=10)
    seconds = (0.0, 0.1, 10, 10.1, 25, 1000)
    assert [measure_charge(table, "workflow", 4, one) for one in seconds] == [4, 1, 1, 2, 3, 4]
    assert [measure_charge(table, "generate", 4, one) for one in seconds] == [4] * 6
    assert measure_charge(table, "workflow", 0, 50) == 0


def test_waits_follow_from_the_line() -> None:
    assert estimate_wait(0, 1, None) == 0
    assert estimate_wait(3, 0, 2.0) is None
    assert estimate_wait(3, 1, None) is None
    assert [estimate_wait(jobs, 2, 3.0) for jobs in range(5)] == [0, 0, 1.5, 3.0, 4.5]


def test_money_is_written_exactly() -> None:
    assert [make_usd(one) for one in (0, 15_000, 29_000_000, 100_000_000, 1)] == [
        "0",
        "0.015",
        "29",
        "100",
        "0.000001",
    ]
    assert (show_micros(40_000), show_micros(15_000), show_micros(0)) == (
        "$0.04",
        "$0.015",
        "$0.00",
    )
    assert show_cents(123_456) == "$1,234.56"
    assert [round_to_cents(one) for one in (4_999, 5_000, 15_000)] == [0, 1, 2]


def test_months_end_where_the_next_begins() -> None:
    assert get_end("2026-12") == get_start("2027-01")
    assert get_end("2028-02") == get_start("2028-03")
    assert show_end("2026-12") == "1 January 2027, 00:00 UTC"


def test_the_file_says_what_a_unit_is() -> None:
    table = UnitTable(pixels=512 * 512, steps=10, upscaled_pixels=1024 * 1024)
    assert count_units(width=512, height=512, steps=10, num_images=3, table=table) == 3
    assert count_units(width=1024, height=512, steps=20, table=table) == 4
    assert count_upscale_units(2048 * 2048, table) == 4
    assert PlanBook.load().units == UnitTable()


def test_the_page_about_limits_says_what_the_file_says() -> None:
    page = (Path(__file__).parents[2] / "docs/api/limits.md").read_text()
    for plan in PlanBook.load():
        price = f"${plan.price_cents // 100}"
        overage = "stops" if plan.overage_micros is None else show_micros(plan.overage_micros)
        row = (
            f"| {plan.title} | {price} | {plan.included_units:,} | {overage} | "
            f"{plan.requests_per_second:g}/s, {plan.burst} at once | {plan.concurrency} | "
            f"{plan.most_waiting:,} | {plan.retention_days} days |"
        )
        assert row in page


def test_the_samples_on_the_page_have_the_fields_that_are_answered() -> None:
    page = (Path(__file__).parents[2] / "docs/api/limits.md").read_text()
    samples = [json.loads(text) for text in re.findall(r"```json\n(.+?)```", page, re.DOTALL)]
    assert [set(one) for one in samples] == [set(Estimate.model_fields), set(COLUMNS)]
    named = set(re.findall(r"`([a-z]+_[a-z_]+)` \|", page))
    assert {"rate_limited", "too_many_jobs", "quota_exceeded", "spend_cap_reached"} == named
    assert named <= {error.code for error in list_error_classes()}


def test_a_job_may_not_work_longer_than_the_plan_says() -> None:
    plans = PlanBook.load()
    plans.require_run("free", 120)
    with pytest.raises(PlanLacksFeature) as refused:
        plans.require_run("free", 121)
    assert refused.value.errors[0]["pointer"] == "/timeout_seconds"
