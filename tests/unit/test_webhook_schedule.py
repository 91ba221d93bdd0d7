"""When deliveries are tried again, and what a signature covers."""

from base64 import b64decode
from datetime import timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from comfyhoused.core.webhooks.schedule import BREAK_AFTER, SCHEDULE, Pace
from comfyhoused.core.webhooks.signing import LiveSecret, list_secrets, make_headers, make_salt
from comfyhoused.kit.clock import get_now, get_now_ms

HOUSE = b"a secret of the house, long enough for anybody"
BODY = '{"type":"job.succeeded"}'


def test_at_least_twelve_tries_over_at_least_a_day() -> None:
    assert len(SCHEDULE) + 1 >= 12
    for _ in range(50):
        delays = [Pace().find_delay_ms(tries) for tries in range(1, len(SCHEDULE) + 1)]
        assert sum(delay or 0 for delay in delays) >= timedelta(days=1).total_seconds() * 1000
        assert None not in delays
    assert Pace().find_delay_ms(len(SCHEDULE) + 1) is None


def test_waits_are_jittered_upward_only() -> None:
    delays = {Pace().find_delay_ms(4) for _ in range(50)}
    assert len(delays) > 10
    assert all(delay is not None and 300_000 <= delay <= 360_000 for delay in delays)


def test_a_lane_rests_longer_the_longer_it_fails() -> None:
    assert [Pace().make_pause_ms(failures) for failures in range(BREAK_AFTER)] == [0] * 5
    assert 10_000 <= Pace().make_pause_ms(BREAK_AFTER) <= 12_000
    assert 300_000 <= Pace().make_pause_ms(10_000) <= 360_000


def test_both_secrets_of_a_rotation_verify_and_no_other() -> None:
    record = {"salt": make_salt(), "old_salt": make_salt(), "old_until": str(get_now_ms() + 60_000)}
    live = list_secrets(HOUSE, "whe_1", record)
    assert [one.expires_at is None for one in live] == [True, False]
    headers = make_headers(live, "msg_1", get_now(), BODY)
    for one in live:
        assert Webhook(one.secret).verify(BODY, headers)
    for stranger in (
        list_secrets(HOUSE, "whe_2", record)[0],
        list_secrets(b"another house", "whe_1", record)[0],
        list_secrets(HOUSE, "whe_1", {"salt": make_salt()})[0],
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(stranger.secret).verify(BODY, headers)


def test_an_old_secret_ends() -> None:
    record = {"salt": make_salt(), "old_salt": make_salt(), "old_until": str(get_now_ms() - 1)}
    assert len(list_secrets(HOUSE, "whe_1", record)) == 1


def test_a_secret_is_of_full_length() -> None:
    (live,) = list_secrets(HOUSE, "whe_1", {"salt": "x"})
    assert live.secret.startswith("whsec_")
    assert len(b64decode(live.secret.removeprefix("whsec_"))) == 32


@pytest.mark.parametrize("part", ["webhook-id", "webhook-timestamp", "webhook-signature", "body"])
def test_whatever_is_changed_is_noticed(part: str) -> None:
    (live,) = list_secrets(HOUSE, "whe_1", {"salt": make_salt()})
    headers = make_headers([LiveSecret(live.secret, None)], "msg_1", get_now(), BODY)
    body = BODY
    if part == "body":
        body = BODY.replace("succeeded", "failed")
    elif part == "webhook-timestamp":
        headers[part] = str(int(headers[part]) + 1)
    elif part == "webhook-id":
        headers[part] = "msg_2"
    else:
        headers[part] = "v1," + "A" * 43 + "="
    with pytest.raises(WebhookVerificationError):
        Webhook(live.secret).verify(body, headers)
