"""Secrets and e-mail addresses out of every text, before it is stored; long texts cut.

A pattern runs only where one of its literal needles occurs, so that ordinary text costs a few
substring searches. Short values repeat from span to span (model names, tenants) and are
remembered.

Every quantifier is bounded: a hostile text must not make the search quadratic.
"""

import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache

REDACTED = "[redacted]"
EMAIL = "[email]"

TEXT_LIMIT = 16_384  # characters of a prompt, a completion or a log line
VALUE_LIMIT = 4_096  # characters of an attribute's value
NAME_LIMIT = 256  # characters of a name, a key or a field such as tenant

_MARGIN = 4_096  # read beyond the limit, so that a secret across the cut is still seen whole
_SHORT = 96  # characters up to which a value is worth remembering


@dataclass(frozen=True, slots=True)
class _Pattern:
    """One kind of secret: where `regex` matches, `replacement` stays.

    Attributes:
        needles: The regex can match only where one of these occurs.
        lower: Whether the needles are looked for in the text in lower case.
    """

    needles: tuple[str, ...]
    regex: re.Pattern[str]
    replacement: str = REDACTED
    lower: bool = field(default=False, kw_only=True)


# A key starts where a word starts, holds a digit, and is long: `sk-learn` and `pk_column` stay.
def _key(prefix: str, length: int) -> re.Pattern[str]:
    body = rf"[A-Za-z0-9_\-.]{{{length},512}}"
    return re.compile(rf"(?<![A-Za-z0-9_\-])(?:{prefix})(?=[A-Za-z_\-.]{{0,200}}[0-9]){body}")


_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----"
    r"(?:(?!-----END)[\s\S]){0,16384}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?"
)
_JWT = re.compile(r"(?<![\w\-])eyJ[\w\-]{8,4096}\.[\w\-]{8,8192}(?:\.[\w\-]{0,2048}){0,3}")
_URL_PASSWORD = re.compile(r"(?<=://)([^/\s:@\"']{0,128}):[^/\s@\"']{1,256}@")
_BEARER = re.compile(
    r"(?i)(?<![a-z])((?:bearer|basic|token)\s{1,4})(?=[A-Za-z_\-.~+/]{0,200}[0-9])[\w\-.~+/]{12,8192}={0,2}"
)
_PASSWORD = re.compile(
    r"(?i)((?:password|passwd|passphrase|pwd)\\{0,3}[\"']?\s{0,3}(?:=>|[=:])\s{0,3}\\{0,3}[\"']?)"
    r"[^\s\"'\\,;&}]{3,512}"
)
_NAMED_SECRET = re.compile(
    r"(?i)((?:secret|token|api[_\-]?key|access[_\-]?key|private[_\-]?key|signing[_\-]?key"
    r"|account[_\-]?key|credential|authorization|signature|sig)\\{0,3}[\"']?\s{0,3}(?:=>|[=:])\s{0,3}"
    r"\\{0,3}[\"']?)(?=[A-Za-z_\-.~+/]{0,200}[0-9])[\w\-.~+/%]{8,4096}={0,2}"
)
_ADDRESS = re.compile(
    r"(?<![\w.%+\-])[\w.%+\-]{1,64}@(?:[A-Za-z0-9\-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w\-])"
)

PATTERNS = (
    _Pattern(("PRIVATE KEY-----",), _PRIVATE_KEY),
    _Pattern(("eyJ",), _JWT),
    _Pattern(("://",), _URL_PASSWORD, rf"\1:{REDACTED}@"),
    # OpenAI, Anthropic, OpenRouter, DeepSeek, Langfuse; Stripe's test and live keys
    _Pattern(("sk-", "pk-lf-"), _key(r"sk-|pk-lf-", 16)),
    _Pattern(("_live_", "_test_", "whsec_"), _key(r"[sr]k_live_|[sr]k_test_|whsec_", 16)),
    _Pattern(
        ("AKIA", "ASIA", "ABIA", "ACCA"),
        re.compile(r"(?<![A-Za-z0-9])A(?:KIA|SIA|BIA|CCA)[0-9A-Z]{16}(?![A-Za-z0-9])"),
    ),
    _Pattern(
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"),
        _key(r"gh[pousr]_|github_pat_|glpat-", 20),
    ),
    _Pattern(("AIza", "ya29.", "GOCSPX-"), _key(r"AIza|ya29\.|GOCSPX-", 20)),
    _Pattern(("xox", "xapp-"), _key(r"xox[a-z]-|xoxe\.xox[a-z]-|xapp-", 10)),
    _Pattern(
        ("hooks.slack.com/",),
        re.compile(r"(?<=hooks\.slack\.com/)[a-z]{1,20}/[A-Za-z0-9/]{8,256}"),
    ),
    # Hugging Face, Groq, Replicate, xAI, Perplexity, LangSmith, NVIDIA, Tavily, Pinecone, Fireworks
    _Pattern(
        ("hf_", "gsk_", "r8_", "xai-", "pplx-", "lsv2_", "nvapi-", "tvly-", "pcsk_", "fw_"),
        _key(r"hf_|gsk_|r8_|xai-|pplx-|lsv2_(?:pt|sk)_|nvapi-|tvly-|pcsk_|fw_", 20),
    ),
    # SendGrid, npm, PyPI, DigitalOcean, Databricks, Shopify, Linear, Notion, Vault, Atlassian
    _Pattern(
        ("SG.", "npm_", "pypi-", "dop_v1_", "dapi", "shpat_", "lin_api_", "ntn_", "hvs.", "ATATT"),
        _key(r"SG\.|npm_|pypi-|dop_v1_|dapi|shpat_|lin_api_|ntn_|hvs\.|ATATT", 24),
    ),
    _Pattern(("bearer", "basic ", "token "), _BEARER, rf"\1{REDACTED}", lower=True),
    _Pattern(("password", "passwd", "passphrase", "pwd"), _PASSWORD, rf"\1{REDACTED}", lower=True),
    _Pattern(
        ("secret", "token", "key", "credential", "authorization", "sig"),
        _NAMED_SECRET,
        rf"\1{REDACTED}",
        lower=True,
    ),
    _Pattern(("@",), _ADDRESS, EMAIL),
)

_EXACT = tuple(pattern for pattern in PATTERNS if not pattern.lower)
_LOWER = tuple(pattern for pattern in PATTERNS if pattern.lower)

_SECRET_KEY = re.compile(
    r"(?:^|[._\-\s])(?:"
    r"(?:proxy[_\-])?authorization|passw(?:or)?d|passphrase|pwd|(?:client[_\-]?)?secret"
    r"|(?:x[_\-])?api[_\-]?key|(?:access|private|signing|secret|account)[_\-]?key"
    r"|secret[_\-]access[_\-]key|(?:access|refresh|auth|bearer|id|session|csrf)[_\-]?token|token"
    r"|credentials?|(?:set[_\-])?cookie|connection[_\-]?string"
    r")(?:\.\d+)?$"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def redact(text: str) -> str:
    """Return `text` with secrets as `[redacted]` and e-mail addresses as `[email]`."""
    return _remembered(text) if len(text) <= _SHORT else _scan(text)


def clean(text: str, limit: int = VALUE_LIMIT) -> str:
    """Return `text` redacted and, when longer than `limit` characters, cut and marked as cut."""
    if len(text) <= limit:
        return redact(text)
    head = _scan(text[: limit + _MARGIN])
    if len(text) > limit + _MARGIN:
        # What was read ends inside a word, which may be half of a secret that nothing recognises.
        head = head[: max(head.rfind(" "), head.rfind("\n"), len(head) - _MARGIN, 0)]
    return f"{head[:limit]}… [truncated from {len(text)} characters]"


@lru_cache(maxsize=8_192)
def names_a_secret(key: str) -> bool:
    """Say whether an attribute called `key`, such as `api_key`, holds a secret whatever it is."""
    return _SECRET_KEY.search(_CAMEL.sub("_", key).lower()) is not None


@lru_cache(maxsize=65_536)
def pseudonym(user: str) -> str:
    """Return `user`, or a stable stand-in when it is an e-mail address: one user still groups."""
    if _ADDRESS.search(user) is None:
        return clean(user, NAME_LIMIT)
    digest = hashlib.sha256(user.strip().lower().encode(errors="replace")).hexdigest()
    return f"user-{digest[:16]}"


def _scan(text: str) -> str:
    for pattern in _EXACT:
        for needle in pattern.needles:
            if needle in text:
                text = pattern.regex.sub(pattern.replacement, text)
                break
    lowered = text.lower()
    for pattern in _LOWER:
        for needle in pattern.needles:
            if needle in lowered:
                text = pattern.regex.sub(pattern.replacement, text)
                break
    return text


@lru_cache(maxsize=65_536)
def _remembered(text: str) -> str:
    return _scan(text)
