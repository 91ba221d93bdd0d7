"""How hypothesis runs here: machines may be busy, so no example has a time limit."""

from hypothesis import HealthCheck, settings

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
