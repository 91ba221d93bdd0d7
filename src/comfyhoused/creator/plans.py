"""Creator's plans: price and limits of a user, read from one file.

The operator's file is laid over ours (creator/plans.toml says what each line means). Whatever is
wrong in it is told all at once, when the house is opened.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from comfyhoused.core.jobs.scripts import WEIGHTS
from comfyhoused.core.plan_files import convert_money, lay_over, list_faults, read_plan_file
from comfyhoused.resources import UnfitHouse

#: What a user is served as whose plan the file does not know any more.
DEFAULT_PLAN = "free"

_SETTING = "CH_CREATOR_PLANS_FILE"
_MONEY = {"price_usd": ("price_cents", 100), "overage_usd": ("overage_cents", 100)}
_OURS = Path(__file__).with_name("plans.toml")


class CreatorPlan(BaseModel):
    """Price and limits of a user; money in US cents.

    `overage_cents` (of each edit beyond the included ones) of None: editing stops when the
    included ones are used. `plan_class` is the share of the servers' time. `given_back` of None:
    “looks wrong” gives back as many edits of a month as are included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")
    title: str = Field(min_length=1, max_length=60)
    price_cents: int = Field(ge=0)
    included: int = Field(ge=0, le=10**9)
    overage_cents: int | None = Field(None, gt=0, le=10**6)
    given_back: int | None = Field(None, ge=0, le=10**9)
    concurrency: int = Field(ge=1, le=1000)
    plan_class: str
    summary: str = Field("", max_length=200)
    is_offered: bool = True

    @property
    def most_given_back(self) -> int:
        """How many edits of a month “looks wrong” gives back."""
        return self.included if self.given_back is None else self.given_back

    @field_validator("plan_class")
    @classmethod
    def _check_class(cls, name: str) -> str:
        if name not in WEIGHTS:
            raise ValueError(f"is none of {', '.join(WEIGHTS)}")
        return name


class CreatorPlanBook:
    """Every plan of Creator, in the order of the file."""

    def __init__(self, plans: Mapping[str, CreatorPlan]) -> None:
        self._plans = dict(plans)

    @classmethod
    def load(cls, path: Path | None = None) -> "CreatorPlanBook":
        """Read our plans and lay the operator's over them; raises UnfitHouse with every fault."""
        ours = read_plan_file(_OURS, _SETTING)
        theirs = read_plan_file(path, _SETTING) if path is not None else {}
        tables = lay_over(ours["plans"], theirs.get("plans", {}), _SETTING)
        faults = [f"[{name}] is not [plans.…]" for name in theirs.keys() - ours.keys()]
        plans: dict[str, CreatorPlan] = {}
        for name, table in tables.items():
            try:
                plans[name] = CreatorPlan(name=name, **convert_money(table, _MONEY))
            except (ValidationError, ValueError, TypeError) as error:
                faults += [f"plans.{name}: {fault}" for fault in list_faults(error)]
        if faults:
            raise UnfitHouse(f"The plans in {path} are not right:\n- " + "\n- ".join(faults))
        return cls(plans)

    def __iter__(self) -> Iterator[CreatorPlan]:
        return iter(self._plans.values())

    def get(self, name: str) -> CreatorPlan:
        """Return a plan; a name that the file does not know (any more) is served as Free."""
        return self._plans.get(name) or self._plans[DEFAULT_PLAN]

    def knows(self, name: str) -> bool:
        """Tell whether there is a plan of this name."""
        return name in self._plans

    def list_offered(self) -> list[CreatorPlan]:
        """Return the plans that anybody may choose, cheapest first."""
        return sorted((plan for plan in self if plan.is_offered), key=lambda plan: plan.price_cents)
