"""Addresses that customers want to be told at."""

from comfyhoused.api.back_office import BackOffice
from comfyhoused.kit.errors import FieldError
from comfyhoused.kit.http.errors import UrlRefused
from comfyhoused.kit.http.guard import WEBHOOK_PORTS


def check_webhook_url(office: BackOffice, plan: str, url: str, *, pointer: str) -> str:
    """Return the address in canonical form.

    Raises UrlRefused for one that we never go to (where it leads is looked at in each try), and
    PlanLacksFeature.
    """
    office.plans.require_feature(plan, "webhooks")
    try:
        return str(office.resources.guard.check_form(url, WEBHOOK_PORTS))
    except UrlRefused as error:
        fault = FieldError(pointer=pointer, detail=error.detail)
        raise UrlRefused(error.detail, errors=[fault]) from error
