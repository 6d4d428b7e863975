import time
from email.utils import formatdate

import pytest
from xuxie.errors import UserError
from xuxie.llm import health, open_endpoint
from xuxie.llm.faults import Rejected, Transient, Unsupported, fault_of, retry_after
from xuxie.llm.health import Health


@pytest.fixture
def endpoint(monkeypatch):
    monkeypatch.setenv("THE_KEY", "sk-secret-marker")
    with open_endpoint(
        {"base_url": "http://127.0.0.1:1/v1", "model": "m", "api_key_env": "THE_KEY"}
    ) as endpoint:
        yield endpoint


@pytest.mark.parametrize(
    ("status", "body", "kind", "says"),
    [
        (
            401,
            '{"error": {"message": "Incorrect API key provided: sk-secret-marker"}}',
            UserError,
            "check the key in THE_KEY",
        ),
        (403, '{"message": "forbidden"}', UserError, "refused the key"),
        (402, '{"error": {"message": "Insufficient Balance"}}', UserError, "quota"),
        (
            429,
            '{"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}',
            UserError,
            "top up",
        ),
        (
            404,
            '{"error": {"code": "model_not_found", "message": "no such model"}}',
            UserError,
            "correct `model`",
        ),
        (400, '{"error": {"message": "Model Not Exist"}}', UserError, "correct `model`"),
        (404, "<html>not found</html>", UserError, "/v1"),
        (405, "", UserError, "/v1"),
        (429, '{"error": {"message": "Rate limit reached"}}', Transient, "Rate limit"),
        (408, "", Transient, "408"),
        (500, "oops", Transient, "oops"),
        (503, '{"detail": "loading model"}', Transient, "loading"),
        (529, '{"error": {"type": "overloaded_error"}}', Transient, "overloaded"),
        (
            400,
            '{"error": {"message": "maximum context length is 8192 tokens"}}',
            Rejected,
            "too long",
        ),
        (
            400,
            '{"error": {"type": "exceed_context_size_error", "message": "request (3779 tokens) is too big"}}',
            Rejected,
            "too long",
        ),
        (
            400,
            '{"error": {"code": "data_inspection_failed", "message": "inappropriate content"}}',
            Rejected,
            "refused",
        ),
        (
            403,
            '{"code": 30001, "message": "Sorry, your account balance is insufficient"}',
            UserError,
            "top up",
        ),
        (400, '{"error": {"message": "Your credit balance is too low"}}', UserError, "top up"),
        (
            429,
            '{"error": {"code": "SetLimitExceeded", "message": "Your account has reached the set inference limit"}}',
            UserError,
            "top up",
        ),
        (
            403,
            '{"error": {"code": "AllocationQuota.FreeTierOnly", "message": "The free tier of the model has been exhausted."}}',
            UserError,
            "top up",
        ),
        (429, '{"error": {"code": "1113", "message": "余额不足,请充值。"}}', UserError, "top up"),
        (400, '[{"error": {"message": "API key not valid."}}]', UserError, "THE_KEY"),
        (429, '{"error": {"code": "1302", "message": "账户已达到速率限制"}}', Transient, "1302"),
        (429, '{"code": "Throttling.RateQuota", "message": "rate limit"}', Transient, "RateQuota"),
        (429, '[{"error": {"status": "RESOURCE_EXHAUSTED"}}]', Transient, "RESOURCE_EXHAUSTED"),
        (503, '{"code": 50505, "message": "Model service overloaded."}', Transient, "overloaded"),
        (498, '{"error": {"message": "flex capacity exceeded"}}', Transient, "capacity"),
        (524, "<html>524: A timeout occurred</html>", Transient, "524"),
        (
            400,
            '{"error": {"code": "json_validate_failed", "message": "Failed to validate JSON."}}',
            Transient,
            "validate",
        ),
        (413, "<html>Request Entity Too Large</html>", Rejected, "too long"),
        (
            429,
            '{"error": {"message": "Request too large for m on tokens per min (TPM): Limit 30000, Requested 40000."}}',
            Rejected,
            "too long",
        ),
        (
            400,
            '{"error": {"message": "Range of input length should be [1, 30720]"}}',
            Rejected,
            "too long",
        ),
        (
            400,
            '{"error": {"code": "prompt_too_long", "message": "the max length of current question is 20480"}}',
            Rejected,
            "too long",
        ),
        (
            400,
            '{"error": {"code": "SensitiveContentDetected", "message": "sensitive information"}}',
            Rejected,
            "refused",
        ),
        (400, '{"error": {"message": "Content Exists Risk"}}', Rejected, "refused"),
        (
            400,
            '{"error": {"message": "The request was rejected because it was considered high risk"}}',
            Rejected,
            "refused",
        ),
        (
            403,
            '{"error": "Content violates usage guidelines. Failed check: BIO"}',
            Rejected,
            "refused",
        ),
        (
            400,
            '{"error": {"type": "censorship_blocked", "message": "blocked"}}',
            Rejected,
            "refused",
        ),
        (422, '{"detail": "temperature must be below 1"}', Rejected, "rejected"),
        (
            400,
            '{"error": {"message": "This response_format type is unavailable now"}}',
            Unsupported,
            "unavailable",
        ),
    ],
)
def test_what_a_status_means(endpoint, status, body, kind, says):
    fault = fault_of(status, body.encode(), {}, endpoint, structured=True)
    assert isinstance(fault, kind) and says in str(fault)
    assert "sk-secret-marker" not in str(fault)


def test_only_a_request_for_structure_can_be_refused_for_it(endpoint):
    body = b'{"error": {"message": "response_format is wrong"}}'
    assert isinstance(fault_of(400, body, {}, endpoint, structured=False), Rejected)


def test_too_fast_is_told_from_down(endpoint):
    assert fault_of(429, b"", {"retry-after": "7"}, endpoint, structured=False).throttled
    assert not fault_of(500, b"", {}, endpoint, structured=False).throttled


def test_when_to_come_back_is_read_in_every_form():
    assert retry_after({}) is None
    assert retry_after({"retry-after": "2.5"}) == 2.5
    assert retry_after({"retry-after-ms": "1500", "retry-after": "9"}) == 1.5
    assert 50 < retry_after({"retry-after": formatdate(time.time() + 60, usegmt=True)}) <= 60
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({"retry-after": "inf"}) is None
    left = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-remaining-tokens": "900"}
    reset = {"x-ratelimit-reset-requests": "1m30s", "x-ratelimit-reset-tokens": "6h0s"}
    assert retry_after({**left, **reset}) == 90
    assert retry_after({**reset, "x-ratelimit-remaining-requests": "1"}) is None


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("Please retry in 33.8s.", 33.8),
        ("try again in 1m26s", 86),
        ("Please try again in 7m12.5s. Visit us", 432.5),
        ("Try again in 20ms", 0.02),
        ("Try again in 6 hours", 21600),
        ("wait 1 hour 5 minutes", 3900),
        ("retry after 1min", 60),
        ('{"retryDelay": "33s"}', 33),
        ("retry in 56 seconds", 56),
        ("请求过快，30秒后重试", 30),
        ("请等待 5 分钟", 300),
        ("请在10秒之后再试", 10),
        ("请稍后重试 (request id: 20261011061804119294113i3RTqyyg)", None),
        ("请稍后重试 (request id: 20250211143022123456789hX3fQz1a)", None),
        ("请稍后重试 (request id: 2025021114302212345678sAbCdEfG)", None),
        ("retry. trace: 7h3k", None),
        ("20250211143022123456789秒后", None),
    ],
)
def test_when_to_come_back_is_read_in_words_and_not_in_the_number_of_a_request(said, seconds):
    assert retry_after({}, said) == pytest.approx(seconds)


def test_calls_that_fail_together_are_no_address_that_nobody_is_at(endpoint, monkeypatch):
    """A name that is not found for a moment ended every job that was starting."""
    well, fault = Health(endpoint), Transient("no such host", lost=True, unreachable=True)
    for _ in range(64):
        well.failed(fault, "q", 0.0)
    monkeypatch.setattr(health, "_FIRST_SECONDS", 0.0)
    with pytest.raises(UserError, match="nobody answers at this address"):
        well.failed(fault, "q", 0.0)


def test_an_unset_variable_is_said_before_anything_is_asked(monkeypatch):
    monkeypatch.delenv("THE_KEY", raising=False)
    with (
        pytest.raises(UserError, match="THE_KEY is not set"),
        open_endpoint({"base_url": "http://h/v1", "model": "m", "api_key_env": "THE_KEY"}),
    ):
        pass


@pytest.mark.parametrize("key", ["sk-ma\u200brker", "sk-ma\nrker", "sk-ma rker", "钥匙"])
def test_a_key_that_no_header_can_hold_is_said_without_showing_it(monkeypatch, key):
    monkeypatch.setenv("THE_KEY", key)
    with (
        pytest.raises(UserError, match="THE_KEY holds characters") as error,
        open_endpoint({"base_url": "http://h/v1", "model": "m", "api_key_env": "THE_KEY"}),
    ):
        pass
    assert "rker" not in str(error.value) and "钥" not in str(error.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"embedded": "m", "base_url": "http://h"},
        {"base_url": "http://h"},
        {"embedded": "m", "rpmm": 3},
    ],
)
def test_settings_that_contradict_themselves_are_refused(wrong):
    with pytest.raises(UserError, match="settings are wrong"), open_endpoint(wrong):
        pass
