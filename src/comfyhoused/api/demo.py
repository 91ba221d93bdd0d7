"""The account that `comfyhoused up` makes, so that there is somebody to look around as."""

from comfyhoused.adapters.redis.client import Store
from comfyhoused.api.accounts import Account
from comfyhoused.api.keys import create_key
from comfyhoused.api.mailboxes import Mailbox
from comfyhoused.api.sign_in_links import create_link
from comfyhoused.api.sign_up import create_account_for

DEMO_ACCOUNT = "demo"
DEMO_ADDRESS = "demo@example.com"
_PLAN = "business"


async def create_demo_key(store: Store) -> str:
    """Return the secret of a new live key of the demo account, which is made if need be."""
    await _get_demo(store)
    _key, secret = await create_key(
        store, account=DEMO_ACCOUNT, mode="live", name="made by comfyhoused up"
    )
    return secret


async def create_demo_link(store: Store) -> str:
    """Return the path of a link that signs a browser in as the demo account."""
    account = await _get_demo(store)
    return f"/console/sign-in/{await create_link(store, account=account.id)}"


async def _get_demo(store: Store) -> Account:
    mailbox = Mailbox(DEMO_ADDRESS, DEMO_ADDRESS)
    account, _is_new = await create_account_for(store, mailbox, plan=_PLAN, account_id=DEMO_ACCOUNT)
    return account
