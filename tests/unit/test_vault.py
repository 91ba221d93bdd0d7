"""Sealed texts open with their key, for their row, unchanged, and for nothing else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfyhoused.kit.vault import Vault, VaultKeyInvalid, VaultLocked, derive_key, read_key

OLD, NEW, OTHER = (bytes([number]) * 32 for number in (1, 2, 3))


@given(text=st.text(), context=st.text())
def test_what_was_sealed_opens(text: str, context: str) -> None:
    vault = Vault([NEW])

    assert vault.open(vault.seal(text, context), context) == text


@given(position=st.integers(min_value=0), bit=st.integers(0, 7))
def test_no_bit_can_be_changed(position: int, bit: int) -> None:
    vault = Vault([NEW])
    sealed = bytearray(vault.seal("1//refresh", "con_1"))
    sealed[position % len(sealed)] ^= 1 << bit

    with pytest.raises(VaultLocked):
        vault.open(bytes(sealed), "con_1")


def test_it_opens_in_its_own_row_only() -> None:
    vault = Vault([NEW])

    with pytest.raises(VaultLocked):
        vault.open(vault.seal("1//refresh", "con_1"), "con_2")


def test_keys_can_be_changed_one_after_the_other() -> None:
    before, during, after = Vault([OLD]), Vault([NEW, OLD]), Vault([NEW])
    sealed = before.seal("1//refresh", "con_1")

    assert during.open(sealed, "con_1") == "1//refresh"
    assert not during.is_current(sealed)
    again = during.seal("1//refresh", "con_1")
    assert during.is_current(again)
    assert again.startswith(during.head)
    assert after.open(again, "con_1") == "1//refresh"
    with pytest.raises(VaultLocked):
        after.open(sealed, "con_1")


@pytest.mark.parametrize("blob", [b"", b"\x01", b"\x02" + bytes(40), b"not ours"])
def test_what_we_have_not_sealed_stays_shut(blob: bytes) -> None:
    with pytest.raises(VaultLocked):
        Vault([NEW]).open(blob, "con_1")


def test_nothing_is_sealed_the_same_way_twice_nor_shown() -> None:
    vault = Vault([NEW])

    assert vault.seal("1//refresh", "con_1") != vault.seal("1//refresh", "con_1")
    assert b"refresh" not in vault.seal("1//refresh", "con_1")
    assert repr(vault) == "Vault(1 keys)"


def test_keys_are_read_in_either_alphabet() -> None:
    key = b"\xfb\xff" * 16

    assert read_key(base64.b64encode(key).decode()) == key
    assert read_key(base64.urlsafe_b64encode(key).decode().rstrip("=")) == key


@pytest.mark.parametrize(
    "text", ["", "short", "not base64!", base64.b64encode(OTHER[:31]).decode()]
)
def test_a_key_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(VaultKeyInvalid):
        read_key(text)


def test_a_vault_needs_whole_keys() -> None:
    for keys in ([], [b"short"]):
        with pytest.raises(VaultKeyInvalid):
            Vault(keys)


def test_a_derived_key_is_of_its_secret_and_purpose() -> None:
    assert derive_key(b"a", "vault") == derive_key(b"a", "vault")
    assert len({derive_key(b"a", "vault"), derive_key(b"b", "vault"), derive_key(b"a", "x")}) == 3
