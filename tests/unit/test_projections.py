"""The numbers of docs/shared/BUSINESS_MODEL.md are those that the calculator prints."""

import tomllib

import pytest

from comfyhoused.api.plans import PlanBook
from tools import projections


def test_the_page_shows_what_the_calculator_prints() -> None:
    page = projections.PAGE.read_text()
    model = projections.load_model()

    assert page == projections.fill_page(page, model), "python -m tools.projections --write"


def test_a_page_without_a_place_for_a_table_is_told() -> None:
    with pytest.raises(ValueError, match="economics"):
        projections.fill_page("<!-- begin: cost of a unit -->\n<!-- end -->", _make_model())


def test_what_is_left_of_an_account_can_be_reckoned_by_hand() -> None:
    one = _make_model().describe_plan("starter")

    # 700 included and 60 beyond at 4 cents; 10 s each at a dollar an hour, half the time idle;
    # no room; a tenth and a dollar of fees, two dollars of support.
    assert one.units == 760
    assert one.revenue == pytest.approx(29 + 60 * 0.04)
    assert one.gpu == pytest.approx(760 * 10 / 3600 / 0.5)
    assert one.other == pytest.approx(31.40 * 0.1 + 1 + 2)


def test_no_one_stays_where_everybody_leaves() -> None:
    months = _make_model(churn_per_month=1.0, growth_per_month=0.0).run("careful")

    # One of ten new ones converts in the next month, and is gone in the one after.
    assert [sum(month.paying.values()) for month in months[1:]] == pytest.approx([6.0] * 23)


def test_better_scenarios_leave_more() -> None:
    model = projections.load_model()
    last = [model.run(name)[-1].result for name in model.scenarios]

    assert last == sorted(last)


def _make_model(**scenario: float) -> projections.Model:
    given = tomllib.loads(projections.ASSUMPTIONS.read_text())
    given["costs"] |= {
        "gpu_usd_per_hour": 1.0,
        "seconds_per_unit": 10,
        "utilisation": 0.5,
        "storage_usd_per_gb_month": 0,
        "payment_share": 0.1,
        "payment_usd": 1,
    }
    given["scenarios"]["careful"] |= {"converts": 0.1, **scenario}
    return projections.Model(given, PlanBook.load())
