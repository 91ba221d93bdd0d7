"""Plans: price, limits and features of an account, read from one file.

The operator's file is laid over ours (api/plans.toml says what each line means). Whatever is
wrong in it is told all at once, when the house is opened.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from comfyhoused.core.jobs.scripts import WEIGHTS
from comfyhoused.core.plan_files import convert_money, lay_over, list_faults, read_plan_file
from comfyhoused.core.workflows.cost import UnitTable
from comfyhoused.kit.errors import FieldError, Forbidden
from comfyhoused.resources import UnfitHouse

Feature = Literal["webhooks", "controlnet", "priority", "registered_workflows"]
FEATURES: tuple[Feature, ...] = get_args(Feature)

#: Reading is allowed so many times as often as changing something.
READS_PER_WRITE = 10
#: What an account is served as whose plan the file does not know any more.
DEFAULT_PLAN = "free"

_SETTING = "CH_PLANS_FILE"
_MONEY = {"price_usd": ("price_cents", 100), "overage_usd": ("overage_micros", 1_000_000)}
_OURS = Path(__file__).with_name("plans.toml")
_NAMES: dict[Feature, str] = {
    "webhooks": "webhooks",
    "controlnet": "ControlNet",
    "priority": "`priority`",
    "registered_workflows": "registered workflows",
}


class PlanLacksFeature(Forbidden):
    """The account's plan does not hold this; the detail names one that does."""

    code = "plan_lacks_feature"
    title = "Your plan does not include that"


class Plan(BaseModel):
    """Price and limits of an account. Money in US dollars, times in the units of their names.

    `overage_micros` (millionths of a dollar for each unit beyond the included ones) of None:
    work stops when the included ones are used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")
    title: str = Field(min_length=1, max_length=60)
    price_cents: int = Field(ge=0)
    included_units: int = Field(ge=0, le=10**12)
    overage_micros: int | None = Field(None, gt=0)
    requests_per_second: float = Field(gt=0, le=1_000_000)
    burst: int = Field(ge=1, le=1_000_000)
    concurrency: int = Field(ge=1)
    most_waiting: int = Field(ge=1)
    retention_days: int = Field(ge=1, le=36_500)
    storage_gb: float = Field(1_000_000, gt=0, le=1_000_000)
    longest_run_seconds: int = Field(86_400, ge=1, le=86_400)
    plan_class: str
    features: frozenset[Feature] = frozenset()
    mark: bool = False
    is_offered: bool = True

    @field_validator("plan_class")
    @classmethod
    def _check_class(cls, name: str) -> str:
        if name not in WEIGHTS:
            raise ValueError(f"is none of {', '.join(WEIGHTS)}")
        return name

    @property
    def keep_seconds(self) -> int:
        """How long files are kept."""
        return self.retention_days * 86_400

    @property
    def storage_bytes(self) -> int:
        """The room for all files of an account."""
        return int(self.storage_gb * 10**9)

    def has(self, feature: Feature) -> bool:
        """Tell whether the plan holds a feature."""
        return feature in self.features


class PlanBook:
    """Every plan of the house, in the order of the file."""

    def __init__(self, plans: Mapping[str, Plan], units: UnitTable) -> None:
        self._plans = dict(plans)
        self.units = units

    @classmethod
    def load(cls, path: Path | None = None) -> "PlanBook":
        """Read our plans and lay the operator's over them; raises UnfitHouse with every fault."""
        ours = read_plan_file(_OURS, _SETTING)
        theirs = read_plan_file(path, _SETTING) if path is not None else {}
        tables = lay_over(ours["plans"], theirs.get("plans", {}), _SETTING)
        faults = [
            f"[{name}] is neither [units] nor [plans.…]" for name in theirs.keys() - ours.keys()
        ]
        plans: dict[str, Plan] = {}
        for name, table in tables.items():
            try:
                plans[name] = Plan(name=name, **convert_money(table, _MONEY))
            except (ValidationError, ValueError, TypeError) as error:
                faults += [f"plans.{name}: {fault}" for fault in list_faults(error)]
        try:
            units = UnitTable(**{**ours["units"], **theirs.get("units", {})})
        except (ValidationError, TypeError) as error:
            faults += [f"units: {fault}" for fault in list_faults(error)]
        if faults:
            raise UnfitHouse(f"The plans in {path} are not right:\n- " + "\n- ".join(faults))
        return cls(plans, units)

    def __iter__(self) -> Iterator[Plan]:
        return iter(self._plans.values())

    def get(self, name: str) -> Plan:
        """Return a plan; a name that the file does not know (any more) is served as Free."""
        return self._plans.get(name) or self._plans[DEFAULT_PLAN]

    def knows(self, name: str) -> bool:
        """Tell whether there is a plan of this name."""
        return name in self._plans

    def list_offered(self) -> list[Plan]:
        """Return the plans that anybody may choose, cheapest first."""
        return sorted((plan for plan in self if plan.is_offered), key=lambda plan: plan.price_cents)

    def require_feature(self, plan_name: str, feature: Feature) -> None:
        """Raise PlanLacksFeature unless the plan holds the feature."""
        plan = self.get(plan_name)
        if plan.has(feature):
            return
        holders = [one.title for one in self.list_offered() if one.has(feature)]
        where = f"the plan {holders[0]} does" if holders else "ask the operator of this server"
        raise PlanLacksFeature(
            f"The plan {plan.title} does not include {_NAMES[feature]}; {where}."
        )

    def require_run(self, plan_name: str, seconds: int) -> None:
        """Raise PlanLacksFeature where a job may not work so long."""
        plan = self.get(plan_name)
        if seconds <= plan.longest_run_seconds:
            return
        detail = (
            f"On the plan {plan.title} a job may work for {plan.longest_run_seconds} seconds, "
            f"not {seconds}."
        )
        raise PlanLacksFeature(
            detail, errors=[FieldError(pointer="/timeout_seconds", detail=detail)]
        )
