"""Secrets and e-mail addresses out of every text, before it is stored; long texts cut.

A pattern is tried only where its literal needle stands, so that ordinary text costs a substring
search per needle. Short values repeat from span to span (model names, tenants): those are
remembered.

Every quantifier is bounded: a hostile text must not make the search quadratic.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

REDACTED = "[redacted]"
EMAIL = "[email]"

TEXT_LIMIT = 16_384  # characters of a prompt, a completion or a log line
VALUE_LIMIT = 4_096  # characters of an attribute's value
NAME_LIMIT = 256  # characters of a name, a key or a field such as tenant
SHORT = 96  # characters up to which a value is worth remembering

_MARGIN = 4_096  # read beyond the limit, so that a secret across the cut is still seen whole


@dataclass(frozen=True, slots=True)
class _Pattern:
    """One kind of secret.

    Attributes:
        needle: Where it can stand; in lower case if letters of either case will do.
        regex: Matched at the needle. What its group `kept` matches stays.
        after: Match after the needle instead.
    """

    needle: str
    regex: re.Pattern[str]
    after: bool = False


def _keys(prefixes: str, length: int) -> list[_Pattern]:
    """Return patterns of vendors' keys: long, with a digit, and starting where a word starts.

    So `sk-learn` and `pk_column` stay.
    """
    return [
        _Pattern(
            prefix,
            re.compile(
                rf"(?<![A-Za-z0-9_\-]){re.escape(prefix)}"
                rf"(?=[A-Za-z_\-.]{{0,200}}[0-9])[A-Za-z0-9_\-.]{{{length},512}}"
            ),
        )
        for prefix in prefixes.split()
    ]


_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----"
    r"(?:(?!-----END)[\s\S]){0,16384}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?"
)
_JWT = re.compile(r"(?<![\w\-])eyJ[\w\-]{8,4096}\.[\w\-]{8,8192}(?:\.[\w\-]{0,2048}){0,3}")
_AWS = re.compile(r"(?<![A-Za-z0-9])A[A-Z]{3}[0-9A-Z]{16}(?![A-Za-z0-9])")
_URL_PASSWORD = re.compile(r"(?P<kept>[^/\s:@\"']{0,128}:)[^/\s@\"']{1,256}(?=@)")
_SLACK_HOOK = re.compile(r"(?P<kept>[a-z]{1,20}/)[A-Za-z0-9/]{8,256}")
_DIGIT_AHEAD = r"(?=[A-Za-z_\-.~+/%]{0,200}[0-9])"
_BEARER = re.compile(rf"(?P<kept>\s{{1,4}}){_DIGIT_AHEAD}[\w\-.~+/]{{12,8192}}={{0,2}}")
_GIVEN = r"(?P<kept>\\{0,3}[\"']?\s{0,3}(?:=>|[=:])\s{0,3}\\{0,3}[\"']?)"
_PASSWORD = re.compile(_GIVEN + r"[^\s\"'\\,;&}]{3,512}")
_NAMED_SECRET = re.compile(_GIVEN + _DIGIT_AHEAD + r"[\w\-.~+/%]{8,4096}={0,2}")


def _by_sign(patterns: list[_Pattern]) -> tuple[tuple[str, tuple[_Pattern, ...]], ...]:
    """Return `patterns` by a character that each one's needle holds: few texts hold them all."""
    signs = {
        pattern: next(sign for sign in "_-/.AJd" if sign in pattern.needle) for pattern in patterns
    }
    return tuple((sign, tuple(p for p in patterns if signs[p] == sign)) for sign in "-_/.AJd")


_PATTERNS = _by_sign(
    [
        _Pattern("-----BEGIN ", _PRIVATE_KEY),
        _Pattern("eyJ", _JWT),
        _Pattern("://", _URL_PASSWORD, after=True),
        _Pattern("hooks.slack.com/", _SLACK_HOOK, after=True),
        *(_Pattern(prefix, _AWS) for prefix in ("AKIA", "ASIA", "ABIA", "ACCA")),
        # Slack
        *_keys("xoxa- xoxb- xoxc- xoxd- xoxe- xoxe.xox xoxo- xoxp- xoxr- xoxs- xapp-", 10),
        # OpenAI, Anthropic, OpenRouter, DeepSeek and Langfuse; Stripe
        *_keys("sk- pk-lf- sk_live_ sk_test_ rk_live_ rk_test_ whsec_", 16),
        # GitHub, GitLab, Google
        *_keys("ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- AIza ya29. GOCSPX-", 20),
        # Hugging Face, Groq, Replicate, xAI, Perplexity, LangSmith, NVIDIA, Tavily, Pinecone
        *_keys("hf_ gsk_ r8_ xai- pplx- lsv2_pt_ lsv2_sk_ nvapi- tvly- pcsk_ fw_", 20),
        # SendGrid, npm, PyPI, DigitalOcean, Databricks, Shopify, Linear, Notion, Vault, Atlassian
        *_keys("SG. npm_ pypi- dop_v1_ dapi shpat_ lin_api_ ntn_ hvs. ATATT", 24),
    ]
)
# `"token": "…"`, `api_key=…`, `Authorization: Bearer …`, in letters of either case.
_NAMED = (
    _Pattern("bearer", _BEARER, after=True),
    _Pattern("basic", _BEARER, after=True),
    *(
        _Pattern(word, _PASSWORD, after=True)
        for word in ("password", "passwd", "passphrase", "pwd")
    ),
    *(
        _Pattern(word, _NAMED_SECRET, after=True)
        for word in ("secret", "token", "key", "credential", "authorization", "signature")
    ),
)

# One word, shorter than any key: nothing above can match.
_HARMLESS = re.compile(r"[\w\-.]{0,14}\Z").match

_LOCAL_PART = re.compile(r"[\w.%+\-]{1,64}\Z")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9\-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w\-])")

_SECRET_KEY = re.compile(
    r"(?:^|[._\-\s])(?:"
    r"(?:proxy[_\-])?authorization|passw(?:or)?d|passphrase|pwd|(?:client[_\-]?)?secret"
    r"|(?:x[_\-])?api[_\-]?key|(?:access|private|signing|secret|account)[_\-]?key"
    r"|secret[_\-]access[_\-]key|(?:access|refresh|auth|bearer|id|session|csrf)[_\-]?token"
    r"|(?<!output_)(?<!first_)token"  # which are durations
    r"|credentials?|(?:set[_\-])?cookie|connection[_\-]?string"
    r")(?:\.\d+)?$"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def redact(text: str) -> str:
    """Return `text` with secrets as `[redacted]` and e-mail addresses as `[email]`."""
    if len(text) > SHORT:
        return _scan(text)
    # Ids differ from span to span: remembering those would only push out the others.
    return text if _HARMLESS(text) else _remembered(text)


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


def pseudonym(user: str) -> str:
    """Return `user`, or a stable stand-in when it is an e-mail address: one user still groups."""
    return _remembered_pseudonym(user) if len(user) <= SHORT else _pseudonym(user)


def _pseudonym(user: str) -> str:
    shown = clean(user, NAME_LIMIT)
    if EMAIL not in shown or EMAIL in user:
        return shown
    digest = hashlib.sha256(user.strip().lower().encode(errors="replace")).hexdigest()
    return f"user-{digest[:16]}"


def _scan(text: str) -> str:
    for sign, patterns in _PATTERNS:
        if sign in text:
            for pattern in patterns:
                if pattern.needle in text:
                    text = _without(text, text, pattern)
    lowered = text.lower()
    for pattern in _NAMED:
        if pattern.needle in lowered:
            if len(lowered) != len(text):  # a few letters have longer small forms
                lowered = text.translate(_ASCII_LOWER)
            shorter = _without(text, lowered, pattern)
            if shorter is not text:
                text, lowered = shorter, shorter.lower()
    return _without_addresses(text) if "@" in text else text


_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def _without(text: str, searched: str, pattern: _Pattern) -> str:
    """Return `text` with what `pattern` matches replaced; `searched` is where needles are found."""
    pieces: list[str] = []
    done = 0
    offset = len(pattern.needle) if pattern.after else 0
    found = searched.find(pattern.needle)
    while found >= 0:
        match = pattern.regex.match(text, found + offset)
        if match is not None and found + offset >= done:
            kept = match["kept"] if "kept" in pattern.regex.groupindex else ""
            pieces += (text[done : match.start()], kept, REDACTED)
            done = match.end()
        found = searched.find(pattern.needle, max(found + 1, done))
    return "".join((*pieces, text[done:])) if pieces else text


def _without_addresses(text: str) -> str:
    pieces: list[str] = []
    done = 0
    found = text.find("@")
    while found >= 0:
        domain = _DOMAIN.match(text, found + 1)
        local = _LOCAL_PART.search(text[max(done, found - 64) : found]) if domain else None
        if domain is not None and local is not None:
            pieces += (text[done : found - len(local[0])], EMAIL)
            done = domain.end()
        found = text.find("@", max(found + 1, done))
    return "".join((*pieces, text[done:])) if pieces else text


# Only short texts are remembered: a sender of long ones must not fill the memory.
_remembered = lru_cache(maxsize=65_536)(_scan)
_remembered_pseudonym = lru_cache(maxsize=65_536)(_pseudonym)
