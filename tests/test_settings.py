from dataclasses import fields
from pathlib import Path

import pytest

from alerts.settings import Settings
from alerts.settingvalues import SettingsError

KEY = "0123456789abcdefSECRET0123456789"
README = Path(__file__).parent.parent / "README.md"


def test_nothing_needs_to_be_set() -> None:
    settings = Settings.from_env({})
    assert (settings.host, settings.port) == ("127.0.0.1", "8501")
    assert settings.database.startswith("sqlite:////")


def test_a_secret_may_come_as_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("xoxb-1\n")
    settings = Settings.from_env({"WAKEFUL_SLACK_BOT_TOKEN_FILE": str(secret)})
    assert settings.slack_bot_token == "xoxb-1"


@pytest.mark.parametrize(
    ("env", "complaint"),
    [
        ({"WAKEFUL_TAIL_SAMPLING_COST_USD": "-1"}, "must be a number of dollars above 0"),
        ({"WAKEFUL_TAIL_SAMPLING_ONE_IN": "0"}, "must be a whole number"),
        ({"WAKEFUL_SLAK_TOKEN": "x"}, "WAKEFUL_SLAK_TOKEN is not a setting"),
        ({"WAKEFUL_PORT": "eighty"}, "WAKEFUL_PORT must be a whole number"),
        ({"WAKEFUL_PORT": "70000"}, "WAKEFUL_PORT must be a whole number"),
        ({"WAKEFUL_HOST": "0.0.0.0"}, "set WAKEFUL_ACCESS_TOKEN"),
        ({"WAKEFUL_PROMETHEUS_URL": "prometheus:9090"}, "WAKEFUL_PROMETHEUS_URL must be an http"),
        ({"WAKEFUL_PROMETHEUS_TIMEOUT_SECONDS": "0"}, "must be a number of seconds"),
        ({"WAKEFUL_SLACK_URL": "http://slack.example"}, "plain http only on loopback"),
        ({"WAKEFUL_PAGERDUTY_ROUTING_KEY": "short"}, "must have 32 characters"),
        ({"WAKEFUL_SLACK_APP_TOKEN": "xoxb-1"}, "must be an app-level token, xapp-"),
        ({"WAKEFUL_PAGERDUTY_ROUTING_KEY": f"{KEY}, {KEY[::-1]}"}, "the key of default must have"),
        ({"WAKEFUL_PAGERDUTY_ROUTING_KEY": f"a={KEY}, b={KEY[:-1]}"}, "the key of b must have 32"),
        ({"WAKEFUL_PAGERDUTY_ROUTING_KEY": f"a={KEY}, b={KEY[:-1]}-"}, "letters and digits"),
        ({"WAKEFUL_PAGERDUTY_ROUTING_KEY": f"a={KEY}, b="}, "b has no value"),
        ({"WAKEFUL_PAGERDUTY_ROUTING_KEY": f"a={KEY}, a={KEY[::-1]}"}, "a is named twice"),
        ({"WAKEFUL_PAGERDUTY_ROUTING_KEY": f"a={KEY}, b={KEY}"}, "b is the same as another"),
        ({"WAKEFUL_APPRISE_URLS": "mail=ada@example.com"}, "an address of Apprise's"),
        ({"WAKEFUL_APPRISE_URLS": "a=json://x, a=json://y"}, "a is named twice"),
        ({"WAKEFUL_TRACE_STORE_URL": "clickhouse://x"}, "an address must start with"),
        ({"WAKEFUL_TRACE_STORE_URL": "none,embedded"}, "must be none, or name stores"),
        ({"WAKEFUL_TRACE_STORE_URL": "tempo+http://"}, "has no host"),
        ({"WAKEFUL_TRACE_STORE_URL": "tempo+http://a:x"}, "no valid host and port"),
        (
            {"WAKEFUL_TRACE_STORE_URL": "tempo+http://a,tempo+http://b"},
            "tell them apart with ?name=",
        ),
        ({"WAKEFUL_LOG_STORE_URL": "tempo+http://a"}, "must start with loki+http(s)"),
        ({"WAKEFUL_LOG_LEVEL": "loud"}, "WAKEFUL_LOG_LEVEL must be"),
        ({"WAKEFUL_ACCESS_TOKEN_FILE": "/nowhere"}, "cannot read /nowhere"),
        ({"WAKEFUL_USER": "a", "WAKEFUL_USER_FILE": "b"}, "not both"),
        ({"WAKEFUL_DATABASE_URL": "mysql://x"}, "WAKEFUL_DATABASE_URL must start with"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(env: dict[str, str], complaint: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_env(env)
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not any(KEY[:20] in said for said in (str(raised.value), repr(raised.value)))


@pytest.mark.parametrize(
    ("text", "services"),
    [
        ("", {}),
        (KEY, {"default": KEY}),
        (f"billing={KEY}", {"billing": KEY}),
        (f"billing={KEY}, chat-2 = {KEY[::-1]},", {"billing": KEY, "chat-2": KEY[::-1]}),
    ],
)
def test_pagerduty_services_have_names(text: str, services: dict[str, str]) -> None:
    settings = Settings.from_env({"WAKEFUL_PAGERDUTY_ROUTING_KEY": text})

    assert settings.pagerduty_services == services


def test_an_address_of_apprises_may_hold_commas() -> None:
    mail = "mailto://u:p@host?to=ada@x.org,bob@x.org"
    settings = Settings.from_env({"WAKEFUL_APPRISE_URLS": f"mail={mail}, chat=json://host"})

    assert settings.apprise_services == {"mail": mail, "chat": "json://host"}


def test_a_stand_in_may_speak_plain_http_on_loopback() -> None:
    assert Settings.from_env({"WAKEFUL_SLACK_URL": "http://127.0.0.1:8601/api/"}).slack_url


def test_other_addresses_are_allowed_with_a_password() -> None:
    env = {"WAKEFUL_HOST": "0.0.0.0", "WAKEFUL_ACCESS_TOKEN": "secret"}
    assert Settings.from_env(env).host == "0.0.0.0"


def test_a_secret_never_shows_in_the_settings_own_text() -> None:
    settings = Settings.from_env({"WAKEFUL_ACCESS_TOKEN": "hunter2"})
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize("field", fields(Settings), ids=lambda field: field.name)
def test_every_setting_has_its_row_in_the_readme(field: object) -> None:
    name, default = field.name, field.default  # type: ignore[attr-defined]
    meaning = field.metadata["meaning"]  # type: ignore[attr-defined]
    shown = f"`{default}`" if default else ""
    row = f"| `WAKEFUL_{name.upper()}` | {shown} | {meaning} |"
    assert row in README.read_text()
