"""Which IP addresses belong to the public internet.

Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates), IANA
IPv6 Global Unicast Address Assignments. `ipaddress.is_global` is not asked: its answers changed
between patch releases of Python (3.11.9 and others).
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_SPECIAL_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers; Alibaba's metadata at 100.100.100.200
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local; metadata of most clouds at 169.254.169.254
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata at 192.0.0.192
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
# Only this block is assigned. Outside lie loopback, ::ffff:0:0/96 (mapped), ::/96 (compatible),
# 64:ff9b::/96 and 64:ff9b:1::/48 (NAT64), fc00::/7, fe80::/10, ff00::/8, 5f00::/16, 100::/64.
_GLOBAL_V6 = IPv6Network("2000::/3")
_SPECIAL_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, benchmarking, ORCHID, AMT
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, holds a v4 address
        "3ffe::/16",  # 6bone, returned
        "3fff::/20",  # documentation
    )
)
# An interface id of this form makes a host with ISATAP send to the v4 address inside it.
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})

#: Never reached, even where an operator allows the network around them: they hand out the
#: credentials of the machine.
METADATA: frozenset[Address] = frozenset(
    {
        IPv4Address("169.254.169.254"),  # AWS, Google, Azure, DigitalOcean, OpenStack, Oracle
        IPv4Address("169.254.170.2"),  # AWS ECS
        IPv4Address("169.254.170.23"),  # AWS EKS
        IPv4Address("169.254.0.23"),  # Tencent
        IPv4Address("100.100.100.200"),  # Alibaba
        IPv4Address("192.0.0.192"),  # Oracle
        IPv4Address("168.63.129.16"),  # Azure's agent, of a public block
        IPv6Address("fd00:ec2::254"),  # AWS
        IPv6Address("fd00:ec2::23"),  # AWS EKS
        IPv6Address("fd20:ce::254"),  # Google
    }
)


def is_public(address: Address) -> bool:
    """Tell whether strangers may make us connect to this address."""
    if address in METADATA:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    if address.scope_id is not None or address not in _GLOBAL_V6:
        return False
    is_isatap = int(address) >> 32 & 0xFFFFFFFF in _ISATAP
    return not is_isatap and not any(address in network for network in _SPECIAL_V6)


def is_within(address: Address, networks: Iterable[Network]) -> bool:
    """Tell whether one of the networks holds the address, which has no zone."""
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return False
    return any(address in network for network in networks)


def find_network(text: str) -> Network | None:
    """Return the address or network that a text writes, None for a name."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
