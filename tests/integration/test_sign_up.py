"""Who may open an account, and how many: one mailbox has one, throw-away addresses none."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from comfyhoused.adapters.redis.client import Store, open_store
from comfyhoused.api.accounts import list_accounts
from comfyhoused.api.mailboxes import Mailbox, read_mailbox
from comfyhoused.api.sign_in_links import TooManyLinks, count_request
from comfyhoused.api.sign_up import (
    MailboxTaken,
    SignUpRefused,
    TooManySignUps,
    create_account_for,
    open_account,
)
from comfyhoused.settings import SignUpSettings

NETWORK = "203.0.113.0/24"


@pytest.fixture
async def store(valkey_url: str, redis: object) -> AsyncIterator[Store]:
    async with open_store(valkey_url) as client:
        yield client


async def open_many(store: Store, rules: SignUpSettings, addresses: list[str]) -> int:
    """Open accounts at the same time, from one network; returns how many there are then."""
    tasks = [open_account(store, rules, read_mailbox(one), NETWORK) for one in addresses]
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(not isinstance(one, Exception) or isinstance(one, TooManySignUps) for one in answers)
    return len(await list_accounts(store))


async def test_one_network_opens_so_many_an_hour(store: Store) -> None:
    rules = SignUpSettings(sign_ups_per_hour=3)
    assert await open_many(store, rules, [f"ada{i}@gmail.com" for i in range(12)]) == 3
    mailbox = read_mailbox("ada@gmail.com")
    with pytest.raises(TooManySignUps) as refused:
        await open_account(store, rules, mailbox, NETWORK)
    assert int(refused.value.headers["Retry-After"]) > 0
    await open_account(store, rules, mailbox, "198.51.100.0/24")


async def test_one_network_opens_so_many_a_day(store: Store) -> None:
    rules = SignUpSettings(sign_ups_per_hour=100, sign_ups_per_day=4)
    assert await open_many(store, rules, [f"ada{i}@gmail.com" for i in range(12)]) == 4
    assert 0 < await store.pttl(f"ch:1:sign_ups:net:day:{NETWORK}") <= 86_400_000


async def test_one_mail_domain_opens_so_many_a_day_unless_it_is_everybodys(store: Store) -> None:
    rules = SignUpSettings(sign_ups_per_hour=100, sign_ups_per_day=100, sign_ups_per_domain=2)
    assert await open_many(store, rules, [f"ada{i}@catch-all.example" for i in range(6)]) == 2
    assert await open_many(store, rules, [f"ada{i}@gmail.com" for i in range(6)]) == 8


async def test_who_comes_back_is_not_counted(store: Store) -> None:
    rules = SignUpSettings(sign_ups_per_hour=1)
    first = await open_account(store, rules, read_mailbox("ada@example.com"), NETWORK)
    for _ in range(5):
        assert await open_account(store, rules, read_mailbox("ada@example.com"), NETWORK) == first


async def test_one_mailbox_has_one_account_however_many_race(store: Store) -> None:
    rules = SignUpSettings(sign_ups_per_hour=100)
    assert await open_many(store, rules, ["ada@example.com"] * 20) == 1
    with pytest.raises(MailboxTaken):
        await open_account(store, rules, read_mailbox("ada+2@example.com"), NETWORK)
    assert len(await list_accounts(store)) == 1


@pytest.mark.parametrize(
    ("rules", "address"),
    [
        (SignUpSettings(sign_up="closed"), "ada@example.com"),
        (SignUpSettings(sign_up_domains=("shop.example",)), "ada@example.com"),
        (SignUpSettings(), "ada@mailinator.com"),
        (SignUpSettings(), "ada@deep.down.mailinator.com"),
    ],
)
async def test_who_may_not(store: Store, rules: SignUpSettings, address: str) -> None:
    with pytest.raises(SignUpRefused):
        await open_account(store, rules, read_mailbox(address), NETWORK)
    assert await list_accounts(store) == []


async def test_who_has_an_account_comes_in_whatever_the_rules(store: Store) -> None:
    mailbox = Mailbox("ada@mailinator.com", "ada@mailinator.com")
    account, _ = await create_account_for(store, mailbox, plan="pro")
    rules = SignUpSettings(sign_up="closed", sign_up_domains=("shop.example",))
    assert await open_account(store, rules, mailbox, NETWORK) == account


async def test_domains_are_read_from_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CH_SIGN_UP_DOMAINS", "shop.example, @Studio.example")
    assert SignUpSettings().sign_up_domains == ("shop.example", "studio.example")


async def test_links_are_counted_by_mailbox_and_by_network(store: Store) -> None:
    ada = read_mailbox("ada@example.com")
    for number in range(5):
        await count_request(store, ada, f"network {number}")
    with pytest.raises(TooManyLinks):
        await count_request(store, read_mailbox("ADA+1@example.com"), "network 9")
    for number in range(30):
        await count_request(store, read_mailbox(f"b{number}@example.com"), NETWORK)
    with pytest.raises(TooManyLinks):
        await count_request(store, read_mailbox("bob@example.com"), NETWORK)
