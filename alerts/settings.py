"""Settings: read once, at the door, from the environment."""

import getpass
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from alerts import destinations
from alerts import settingvalues as values
from alerts.destinations import DestinationError
from alerts.settingvalues import PREFIX, SettingsError
from signals import address

CHOICES = {
    "log_level": ("DEBUG", "INFO", "WARNING", "ERROR"),
}
DATABASES = ("sqlite:///", "postgresql+psycopg://")


# Commas between stores, not those inside of an address.
_BETWEEN = re.compile(r",\s*(?=[a-z]+\+https?://|embedded|none)")
_APPRISE_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S")
TRACE_STORES = ("clickhouse", "jaeger", "langfuse", "langsmith", "phoenix", "tempo")
LOG_STORES = ("loki",)


def setting(default: str, meaning: str, *, secret: bool = False) -> Any:
    """Return a field with its default, as it would be written, and its line in the README."""
    return field(default=default, repr=not secret, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the operator may set, as text; `WAKEFUL_` + field, upper case.

    Each may come as a file instead: `WAKEFUL_X_FILE` names a file that holds the value of X.
    """

    host: str = setting("127.0.0.1", "Address to listen on; beyond loopback needs authentication")
    port: str = setting("8501", "Port to listen on")
    data_dir: str = setting(".wakeful", "Folder of the embedded databases")
    database_url: str = setting(
        "", "Rules, alerts, users: `postgresql+psycopg://…`; SQLite in the data folder by default"
    )
    trace_store_url: str = setting(
        "embedded",
        "Where traces are read, several with commas: `embedded` (DuckDB in the data folder), "
        "`none`, or a store's address, such as `tempo+http://…`: see Trace stores",
        secret=True,
    )
    log_store_url: str = setting(
        "embedded",
        "Where log lines are read: `embedded`, `none`, or `loki+http://host:3100`",
        secret=True,
    )
    trace_retention_days: str = setting("7", "Days that embedded traces are kept")
    log_retention_days: str = setting("30", "Days that embedded logs are kept")
    trace_memory_mb: str = setting("512", "Memory that the embedded trace store may take, in MB")
    tail_sampling_one_in: str = setting(
        "1", "Of the embedded traces that are neither failed, slow nor dear, one in so many is kept"
    )
    tail_sampling_wait_seconds: str = setting("60", "How long after its end a trace is decided")
    tail_sampling_slow_seconds: str = setting("10", "A request this slow is always kept")
    tail_sampling_cost_usd: str = setting("1", "And a trace that costs this much, in dollars")
    prometheus_url: str = setting(
        "", "Any Prometheus-compatible server; metrics come from traces without"
    )
    prometheus_bearer_token: str = setting("", "Bearer token for it", secret=True)
    prometheus_username: str = setting("", "User for basic authentication")
    prometheus_password: str = setting("", "Password for basic authentication", secret=True)
    prometheus_tenant: str = setting("", "Sent as `X-Scope-OrgID` (Mimir, Thanos)")
    prometheus_ca_cert: str = setting("", "File with the certificate authority to trust")
    prometheus_timeout_seconds: str = setting("10", "Patience with one query")
    slack_bot_token: str = setting("", "Bot token, `xoxb-…`", secret=True)
    slack_app_token: str = setting(
        "",
        "App-level token, `xapp-…`: buttons work by Socket Mode, without a public address",
        secret=True,
    )
    slack_signing_secret: str = setting(
        "",
        "Checks that button presses come from Slack, where it reaches us by HTTP instead",
        secret=True,
    )
    slack_url: str = setting(
        "https://slack.com/api/", "Slack's Web API; plain http only on loopback"
    )
    pagerduty_routing_key: str = setting(
        "",
        "Events API v2 key of a service, 32 characters; of several: `name=key, name=key`",
        secret=True,
    )
    pagerduty_api_token: str = setting(
        "", "REST API token: who is on call, assignment", secret=True
    )
    pagerduty_from: str = setting("", "E-mail of the PagerDuty user that assigns incidents")
    pagerduty_webhook_secret: str = setting(
        "",
        "Checks that webhooks come from PagerDuty; several, with commas, in a change",
        secret=True,
    )
    pagerduty_events_url: str = setting(
        "https://events.pagerduty.com", "Events API (EU: https://events.eu.pagerduty.com)"
    )
    pagerduty_api_url: str = setting("https://api.pagerduty.com", "REST API")
    rules_dir: str = setting(
        "", "Folder of rule files that is watched: its rules are changed there only"
    )
    apprise_urls: str = setting(
        "",
        "E-mail, Teams, SMS and the rest, by Apprise's addresses: `name=mailto://…, name=msteams://…`",
        secret=True,
    )
    heartbeat_url: str = setting(
        "",
        "Called every minute while all is well: a dead man's switch, such as Healthchecks",
        secret=True,
    )
    calendar_hosts: str = setting(
        "",
        "Hosts inside the private network whose calendars may be read as on-call schedules: "
        "`calendar.corp, 10.0.0.7`",
    )
    public_url: str = setting("", "How people reach these pages, for links in messages")
    access_token: str = setting("", "Password of the pages; needed beyond loopback", secret=True)
    proxy_user_header: str = setting(
        "", "Header in which a proxy on loopback names the signed-in user, instead of a password"
    )
    ingest_token: str = setting(
        "", "Bearer token that senders to /v1 and /api must show", secret=True
    )
    user: str = setting("", "Your name on acknowledgements when nobody signs in")
    links: str = setting("", "Links for the sidebar: `Title=https://…, Title=https://…`")
    trace_links: str = setting(
        "",
        "Links from a trace to other tools: `Datadog=https://…{trace_id}…, Sentry=https://…`: see "
        "Links to other tools",
    )
    log_level: str = setting("INFO", "DEBUG, INFO, WARNING or ERROR")

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> "Settings":
        """Read and check the settings.

        Raises:
            SettingsError: One is unknown, unreadable or makes no sense.
        """
        env = os.environ if env is None else env
        known = {f"{PREFIX}{f.name.upper()}" for f in fields(cls)}
        for variable in env:
            if variable.startswith(PREFIX) and variable.removesuffix("_FILE") not in known:
                raise SettingsError(f"{variable} is not a setting; see the table in the README")
        found = {f.name: v for f in fields(cls) if (v := _lookup(env, f.name)) is not None}
        settings = cls(**found)
        settings.check()
        return settings

    def check(self) -> None:
        """Raise SettingsError on the first setting that makes no sense."""
        for name in ("port", "trace_retention_days", "log_retention_days", "trace_memory_mb"):
            values.whole_number(name, getattr(self, name))
        for name in ("tail_sampling_one_in", "tail_sampling_wait_seconds"):
            values.whole_number(name, getattr(self, name))
        for name in ("prometheus_timeout_seconds", "tail_sampling_slow_seconds"):
            values.seconds(name, getattr(self, name))
        values.dollars("tail_sampling_cost_usd", self.tail_sampling_cost_usd)
        self._check_addresses()
        self._check_stores()
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise SettingsError(f"{values.variable(name)} must be {' or '.join(choices)}")
        if self.slack_app_token and not self.slack_app_token.startswith("xapp-"):
            raise SettingsError("WAKEFUL_SLACK_APP_TOKEN must be an app-level token, xapp-…")
        self._check_destinations()
        _ = self.link_pages
        if not values.loopback(self.host) and not self.access_token:
            raise SettingsError(
                f"WAKEFUL_HOST={self.host} would let anyone in: set WAKEFUL_ACCESS_TOKEN, or "
                "listen on 127.0.0.1"
            )

    def _check_destinations(self) -> None:
        for name, key in self.pagerduty_services.items():
            if len(key) != 32 or not key.isascii() or not key.isalnum():
                raise SettingsError(
                    f"WAKEFUL_PAGERDUTY_ROUTING_KEY: the key of {name} must have 32 characters, "
                    "letters and digits"
                )
        for name, url in self.apprise_services.items():
            if not _APPRISE_URL.match(url):
                raise SettingsError(
                    f"WAKEFUL_APPRISE_URLS: {name} needs an address of Apprise's, such as "
                    "mailto://user:password@host"
                )

    def _check_addresses(self) -> None:
        if self.database_url and not self.database_url.startswith(DATABASES):
            raise SettingsError(f"WAKEFUL_DATABASE_URL must start with {' or '.join(DATABASES)}")
        for name in ("prometheus_url", "public_url", "heartbeat_url"):
            if getattr(self, name):
                values.url(name, getattr(self, name))
        for name in ("slack_url", "pagerduty_events_url", "pagerduty_api_url"):
            parts = values.url(name, getattr(self, name))
            if parts.scheme == "http" and not values.loopback(parts.hostname):
                raise SettingsError(f"{values.variable(name)} may be plain http only on loopback")

    def _check_stores(self) -> None:
        for name, kinds in (("trace_store_url", TRACE_STORES), ("log_store_url", LOG_STORES)):
            lines = stores(getattr(self, name))
            names = [_store_name(name, line, kinds) for line in lines]
            if not lines or ("none" in lines and len(lines) > 1):
                raise SettingsError(f"{values.variable(name)} must be none, or name stores")
            if len(set(names)) < len(names):
                raise SettingsError(
                    f"{values.variable(name)} names two stores alike: tell them apart with ?name="
                )
        if len(stores(self.log_store_url)) > 1:
            raise SettingsError("WAKEFUL_LOG_STORE_URL must name one store")

    @property
    def database(self) -> str:
        """Return the URL of the database of rules and alerts."""
        return self.database_url or f"sqlite:///{Path(self.data_dir).resolve()}/wakeful.db"

    @property
    def pagerduty_services(self) -> dict[str, str]:
        """Return the routing keys by service, the first of them first.

        Raises:
            SettingsError: They cannot be told apart.
        """
        return _destinations("pagerduty_routing_key", self.pagerduty_routing_key)

    @property
    def apprise_services(self) -> dict[str, str]:
        """Return Apprise's addresses by name; see `pagerduty_services`."""
        return _destinations("apprise_urls", self.apprise_urls, value=_APPRISE_URL.pattern)

    @property
    def link_pages(self) -> dict[str, str]:
        """Return the templates of other tools' pages of a trace, by name.

        Raises:
            SettingsError: One leads nowhere.
        """
        try:
            return destinations.links(self.trace_links)
        except DestinationError as error:
            raise SettingsError(f"WAKEFUL_TRACE_LINKS: {error}") from None

    @property
    def private_calendar_hosts(self) -> frozenset[str]:
        """Return the hosts, in lower case, that a calendar may be read from though private."""
        hosts = (host.strip().casefold() for host in self.calendar_hosts.split(","))
        return frozenset(host for host in hosts if host)

    @property
    def base_url(self) -> str:
        """Return the start of every link in a message, without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def local_user(self) -> str:
        """Return the name for acknowledgements when nobody signs in."""
        return self.user or getpass.getuser()


def stores(setting: str) -> list[str]:
    """Return the stores that a setting names, in order."""
    return [line.strip() for line in _BETWEEN.split(setting) if line.strip()]


def _store_name(name: str, line: str, kinds: Collection[str]) -> str:
    """Return the name of the store that `line` of a setting names."""
    if line in ("embedded", "none"):
        return line
    try:
        return address.parse(line, kinds).name
    except address.AddressError as error:
        raise SettingsError(
            f"{values.variable(name)}: embedded, none, or a store: {error}"
        ) from None


def _destinations(name: str, text: str, *, value: str = "") -> dict[str, str]:
    try:
        return destinations.read(text, value=value) if text else {}
    except DestinationError as error:
        raise SettingsError(f"{values.variable(name)}: {error}") from None


def _lookup(env: Mapping[str, str], name: str) -> str | None:
    variable = values.variable(name)
    path = env.get(f"{variable}_FILE")
    if path is None:
        value = env.get(variable, "").strip()
        return value or None
    if variable in env:
        raise SettingsError(f"set {variable} or {variable}_FILE, not both")
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{variable}_FILE: cannot read {path}") from error
