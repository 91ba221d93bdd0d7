"""The network a request comes from: what one customer line usually has, or a little more."""

from ipaddress import IPv6Address, ip_address, ip_network


def name_network(address: str | None) -> str:
    """Return the /24 of an IPv4 address, the /48 of an IPv6 one; `unknown` for what is neither."""
    try:
        ip = ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return str(ip_network(f"{ip}/{24 if ip.version == 4 else 48}", strict=False))
