"""Temporary: replaced by signed_in."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from comfyhoused.api.accounts import Account, create_account
from comfyhoused.api.console.visitors import PageVisitor
from comfyhoused.api.house import ApiHouse, Principal
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.api.keys import SCOPES
from comfyhoused.web.forms import FormGuard


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of an account. The browser never gets a key: the pages act for it."""

    house: ApiHouse
    account: Account
    guard: FormGuard
    visit: str
    request: Request

    @property
    def token(self) -> str:
        return self.guard.make_token(self.visit)

    def check_form(self, token: str) -> None:
        self.guard.check(self.request, token)

    def make_principal(self, mode: KeyMode) -> Principal:
        return Principal(
            account=self.account.id,
            mode=mode,
            plan=self.account.plan,
            scopes=SCOPES,
            spend_cap_cents=self.account.spend_cap_cents,
            stopped_reason=self.account.stopped_reason,
        )


async def get_member(visitor: PageVisitor) -> Member:
    account = await create_account(
        visitor.house.resources.store, account_id="demo", plan="business"
    )
    return Member(visitor.house, account, visitor.guard, visitor.visit, visitor.request)


SignedIn = Annotated[Member, Depends(get_member)]
