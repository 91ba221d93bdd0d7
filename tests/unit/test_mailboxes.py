"""Which spellings are one mailbox, and which networks one customer line."""

import pytest

from comfyhoused.api.mailboxes import MailAddressInvalid, read_mailbox
from comfyhoused.api.networks import name_network


@pytest.mark.parametrize(
    "spelling",
    ["ada@gmail.com", "ADA@gmail.com", "a.d.a@gmail.com", "ada+1@gmail.com", "a.da@googlemail.com"],
)
def test_spellings_of_one_mailbox(spelling: str) -> None:
    assert read_mailbox(spelling).identity == "ada@gmail.com"


def test_dots_matter_where_the_provider_minds_them() -> None:
    assert read_mailbox("a.da@example.com").identity == "a.da@example.com"


def test_mail_goes_to_the_address_as_it_was_written() -> None:
    assert read_mailbox(" Ada+Shop@EXAMPLE.com ").address == "Ada+Shop@example.com"


def test_a_name_that_is_only_a_tag_is_a_name() -> None:
    assert read_mailbox("+ada@example.com").identity == "+ada@example.com"


def test_other_scripts_share_one_form() -> None:
    one, other = read_mailbox("ada@bücher.example"), read_mailbox("ada@xn--bcher-kva.example")
    assert one.identity == other.identity == "ada@xn--bcher-kva.example"


@pytest.mark.parametrize("domain", ["mailinator.com", "inbox.mailinator.com", "yopmail.com"])
def test_throw_away_addresses(domain: str) -> None:
    assert read_mailbox(f"ada@{domain}").is_disposable


@pytest.mark.parametrize("domain", ["gmail.com", "example.com", "mailinator.com.example"])
def test_lasting_addresses(domain: str) -> None:
    assert not read_mailbox(f"ada@{domain}").is_disposable


@pytest.mark.parametrize("text", ["", "ada", "a@b@c", "ada@", "ada@-.com", "a\nb@example.com"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(MailAddressInvalid):
        read_mailbox(text)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("testclient", "unknown"),
        (None, "unknown"),
    ],
)
def test_networks(address: str | None, network: str) -> None:
    assert name_network(address) == network
