"""What a house in production must not be set to, though a house in development may."""

from collections.abc import Iterator
from ipaddress import ip_address

from comfyhoused.kit.http.addresses import Network, find_network
from comfyhoused.settings import DEMO_CLIENT_ID, DEVELOPMENT_SECRET, GoogleSettings, Settings

_OURSELVES = tuple(map(ip_address, ("127.0.0.1", "::1", "0.0.0.0", "::")))  # noqa: S104
_WIDEST = {4: 8, 6: 7}  # 10.0.0.0/8 and fc00::/7 are the widest that belong to one network


def find_unfit_settings(settings: Settings) -> Iterator[str]:
    """Yield a reason for each setting that production refuses."""
    secret = settings.house.secret.get_secret_value()
    if secret == DEVELOPMENT_SECRET:
        yield "CH_SECRET is the development secret; set your own of 32 characters"
    elif len(secret) < 32:
        yield "CH_SECRET is shorter than 32 characters"
    for entry in settings.outbound.outbound_allowed:
        network = find_network(entry)
        if (network is not None and _is_open(network)) or _names_ourselves(entry):
            yield (
                f"CH_OUTBOUND_ALLOWED: {entry} would let every customer reach this machine's own "
                "programs; name the networks that are meant"
            )
    if settings.webhooks.webhook_pace < 1:
        yield "CH_WEBHOOK_PACE is for tests: it gives up on customers' servers within minutes"
    if settings.creator.database_url is not None:
        yield from _find_unfit_creator(settings)


def _find_unfit_creator(settings: Settings) -> Iterator[str]:
    if not settings.creator.vault_keys:
        yield (
            "CH_VAULT_KEYS is not set: Google's tokens would be sealed with a key that follows "
            "from CH_SECRET; make one with `openssl rand -base64 32`"
        )
    google = settings.google
    for name in ("google_issuer", "google_api_url", "google_picker_url"):
        if getattr(google, name) != GoogleSettings.model_fields[name].default:
            yield f"CH_{name.upper()} names a stand-in for Google; take it out"
    if google.google_client_id == DEMO_CLIENT_ID:
        yield "CH_GOOGLE_CLIENT_ID is the demo's; take that of your own Google project"
    if not settings.http.base_url.startswith("https://"):
        yield (
            "CH_PUBLIC_URL is not https://…: Google leads nobody back to this house, and cookies "
            "would travel in the clear"
        )


def _is_open(network: Network) -> bool:
    is_wide = network.prefixlen < _WIDEST[network.version]
    return is_wide or network.is_loopback or any(one in network for one in _OURSELVES)


def _names_ourselves(entry: str) -> bool:
    return entry == "localhost" or entry.endswith(".localhost")
