"""No secret and no e-mail address is stored; what is harmless stays readable."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.redact import EMAIL, REDACTED, clean, names_a_secret, pseudonym, redact

# Made up, in parts: no scanner of repositories should mistake them for real ones.
SECRETS = [
    "sk-" + "proj-abcDEF123456ghiJKL789",
    "sk-" + "ant-api03-abcDEF123456ghiJKL789",
    "sk-" + "lf-12345678-1234-1234-1234-123456789012",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "gh" + "p_abcdefghij0123456789ABCDEFGHIJ012345",
    "github" + "_pat_11ABCDEFG0abcdefghijkl",
    "glpat" + "-abcdefghij0123456789",
    "AI" + "zaSyA1234567890abcdefghijklmnopqrstuv",
    "xox" + "b-123456789012-abcdefABCDEF",
    "hf" + "_abcdefghijklmnopqrstuvwxyz0123456789",
    "gsk" + "_abcdefghijklmnopqrstuvwxyz0123456789",
    "sk" + "_live_abcdefghijklmnop0123",
    "lsv2" + "_pt_0123456789abcdef0123456789abcdef_0123456789",
    "ey"
    + "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEabc\n123=\n-----END RSA PRIVATE " + "KEY-----",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("around", ["{}", "my key is {} ok", '{{"x": "{}"}}', "a={};", "({})"])
def test_a_secret_goes_wherever_it_stands(secret: str, around: str) -> None:
    shown = redact(around.format(secret))
    assert secret not in shown
    assert REDACTED in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abcDEF1234567890", f"Authorization: Bearer {REDACTED}"),
        ("postgres://bob:hunter2@db/x", f"postgres://bob:{REDACTED}@db/x"),
        ("password=hunter2&x=1", f"password={REDACTED}&x=1"),
        ("PASSWORD = hunter2", f"PASSWORD = {REDACTED}"),
        ('{"api_key": "abcd1234efgh"}', f'{{"api_key": "{REDACTED}"}}'),
        ('{\\"password\\": \\"hunter2\\"}', f'{{\\"password\\": \\"{REDACTED}\\"}}'),
        (
            "https://hooks.slack.com/services/T0/B0/XYZ1",
            "https://hooks.slack.com/services/" + REDACTED,
        ),
        ("write to jane.doe+x@example.co.uk, please", f"write to {EMAIL}, please"),
        ("<jane@example.org>", f"<{EMAIL}>"),
        ("mail jürgen@example.de", f"mail {EMAIL}"),
        ("a@b.de c@d.de", f"{EMAIL} {EMAIL}"),
        ("İİİ password: hunter2", f"İİİ password: {REDACTED}"),
    ],
)
def test_the_words_around_a_secret_stay(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "sk-learn-pipelines-are-nice",
        "token: the smallest unit of text",
        "the key is under the mat",
        "a basic understanding of tokens",
        "https://example.com/a?b=c",
        "pip install numpy@latest",
        "risk-management-2026",
        "gpt-4o-2024-08-06",
        "order 4711, user-id 12",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "key",
    [
        "authorization",
        "http.request.header.authorization",
        "password",
        "db.password",
        "api_key",
        "apiKey",
        "openai.api-key",
        "x-api-key",
        "clientSecret",
        "aws.secret_access_key",
        "access_token",
        "refreshToken",
        "http.request.header.set-cookie",
        "http.request.header.authorization.0",
    ],
)
def test_some_keys_name_a_secret(key: str) -> None:
    assert names_a_secret(key)


@pytest.mark.parametrize(
    "key",
    [
        "gen_ai.usage.input_tokens",
        "llm.token_count.prompt",
        "gen_ai.token.type",
        "keyboard",
        "gen_ai.server.time_per_output_token",
        "time_to_first_token",
    ],
)
def test_keys_that_only_sound_like_it_do_not(key: str) -> None:
    assert not names_a_secret(key)


def test_a_long_text_is_cut_and_says_so() -> None:
    shown = clean("word " * 100, limit=50)
    assert shown == "word " * 10 + "… [truncated from 500 characters]"


@pytest.mark.parametrize("before", [30, 40, 45, 48, 50])
def test_a_secret_across_the_cut_does_not_leave_its_first_half(before: int) -> None:
    secret = "sk-" + "abcdefghijklmnop0123456789"
    shown = clean("x" * (before - 1) + " " + secret + " tail" * 50, limit=50)
    assert "sk-a" not in shown


def test_a_secret_across_what_is_read_at_all_leaves_nothing() -> None:
    secret = "sk-" + "abcdefghijklmnop0123456789"
    key = "-----BEGIN PRIVATE " + "KEY-----" + "a" * 4080 + "-----END PRIVATE " + "KEY-----"
    for before in range(0, 60, 3):
        shown = clean(key + "x" * before + " " + secret + " tail" * 5000, limit=100)
        assert "sk-a" not in shown


def test_one_user_still_groups_under_a_stand_in() -> None:
    assert pseudonym("jane@example.org") == pseudonym("Jane@Example.org ")
    assert pseudonym("jane@example.org") != pseudonym("joe@example.org")
    assert "jane" not in pseudonym("jane@example.org")


def test_a_user_who_is_no_address_keeps_the_name() -> None:
    assert pseudonym("user-4711") == "user-4711"


@given(st.text(max_size=300))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    "piece",
    [
        "eyJ-",
        "a",
        "://",
        "token=",
        "@",
        "a@",
        "password:",
        "sk-",
        "bearer  ",
        "a.b@c.",
        "-----BEGIN ",
    ],
)
def test_a_hostile_text_takes_no_second(piece: str) -> None:
    text = piece * (16_000 // len(piece))
    begun = time.process_time()
    clean(text, limit=16_384)
    assert time.process_time() - begun < 1
