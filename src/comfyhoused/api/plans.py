"""Plans: which share of the servers' time an account's jobs get."""

#: Plan name to the class whose weight counts in the line (core/jobs/scripts.py has the weights).
PLAN_CLASSES = {"free": "free", "starter": "starter", "pro": "pro", "business": "business"}


def get_plan_class(plan: str) -> str:
    """Return the class of a plan; an unknown plan is served as the free one."""
    return PLAN_CLASSES.get(plan, "free")
