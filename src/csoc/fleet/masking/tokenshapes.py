"""The published shapes of tokens, and of the headers, addresses and commands that carry a secret.

A shape is exact enough to be a secret wherever it stands. Each pattern says with its sign whether a text can hold it at
all, since most texts hold none; and each takes time linear in the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

BASIC, BEARER, HEADER = "a basic auth header", "a bearer token", "a header with its key"
KEY_IN_URL, _IN_URL, _CONNECTION = "a key in a URL", "a secret in a URL", "a connection string with its key"


@dataclass(frozen=True, slots=True)
class Shape:
    """signs: every match holds one of them, in small letters. The group "secret" is the secret part; without such a
    group the whole match is. reason: a clause for readers."""

    signs: tuple[str, ...]
    expression: re.Pattern[str]
    reason: str


@dataclass(frozen=True, slots=True)
class Login:
    """program: what is called. argument: with the group "secret", behind it in the same line. sign: every argument
    holds it."""

    sign: str
    program: re.Pattern[str]
    argument: re.Pattern[str]


def _programs(names: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{names})(?![\w-])")


def _prefixed(prefixes: str, rest: str, reason: str, *signs: str) -> Shape:
    return Shape(signs, re.compile(rf"(?<![A-Za-z0-9])(?:{prefixes}){rest}"), reason)


PATTERNS: tuple[Shape, ...] = (
    Shape(
        ("-----begin",),
        re.compile(
            r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{1,40}-----|\Z)", re.S
        ),
        "a private key",
    ),
    _prefixed(
        "AKIA|ASIA|ABIA|ACCA", r"[A-Z2-7]{16}(?![A-Za-z0-9])", "an AWS access key", "akia", "asia", "abia", "acca"
    ),
    Shape(
        ("eyj",),
        re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
        "a JSON web token",
    ),
    Shape(
        ("eyj",),
        re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){4}"),
        "an encrypted JSON web token",
    ),
    _prefixed("gh[pousr]_|github_pat_", r"[A-Za-z0-9_]{30,}", "a GitHub token", "gh", "github_pat_"),
    _prefixed(
        "glpat|gldt|glrt|glptt|glcbt|glft|glimt|glagent|gloas|glsoat|glffct",
        r"-[A-Za-z0-9_.-]{20,}",
        "a GitLab token",
        "gl",
    ),
    _prefixed("npm_|hf_|api_org_", r"[A-Za-z0-9]{20,}", "a package registry's token", "npm_", "hf_", "api_org_"),
    _prefixed("pypi-", r"[A-Za-z0-9_-]{16,}", "a package registry's token", "pypi-"),
    _prefixed("dckr_[a-z]{3}_", r"[A-Za-z0-9_-]{20,}", "a container registry's token", "dckr_"),
    _prefixed(r"hv[sbr]\.", r"[A-Za-z0-9_-]{20,}", "a Vault token", "hv"),
    _prefixed(r"SG\.", r"[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}", "a SendGrid key", "sg."),
    _prefixed("dapi", r"[0-9a-f]{32}(?:-[0-9])?(?![A-Za-z0-9])", "a Databricks token", "dapi"),
    _prefixed("[sr]k_(?:live|test)_|whsec_", r"[A-Za-z0-9]{16,}", "a Stripe key", "k_live_", "k_test_", "whsec_"),
    _prefixed("SK", r"[0-9a-f]{32}(?![A-Za-z0-9])", "a Twilio key", "sk"),
    _prefixed("sk-", r"[A-Za-z0-9_-]{20,}", "an API key", "sk-"),
    _prefixed("xox[abeoprs]-|xapp-[0-9]-", r"[A-Za-z0-9-]{10,}", "a Slack token", "xox", "xapp-"),
    _prefixed("GOCSPX-", r"[A-Za-z0-9_-]{20,}", "a Google client secret", "gocspx-"),
    _prefixed(r"ya29\.", r"[A-Za-z0-9_-]{20,}", "a Google token", "ya29."),
    _prefixed("glsa_|dop_v1_|shpat_|sntry[su]_|lin_api_", r"[A-Za-z0-9_=-]{20,}", "an API key", "_"),
    _prefixed("PMAK-|ATATT3", r"[A-Za-z0-9_=-]{20,}", "an API key", "pmak-", "atatt3"),
    _prefixed("AGE-SECRET-KEY-1", r"[A-Z0-9]{40,}", "an age key", "age-secret-key-1"),
    Shape(("aiza",), re.compile(r"(?<![A-Za-z0-9_-])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"), "a Google API key"),
    Shape(
        ("hooks",),
        re.compile(r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[A-Za-z0-9/_-]{8,}"),
        "a Slack webhook",
    ),
    Shape(("api/webhooks/",), re.compile(r"(?<=api/webhooks/)[0-9]{5,}/[A-Za-z0-9_-]{20,}"), "a webhook with its key"),
    Shape(
        ("webhook.office.com",),
        re.compile(r"(?<=webhook\.office\.com/)webhookb2/[A-Za-z0-9@/-]{20,}"),
        "a Teams webhook",
    ),
    Shape(
        ("://",),
        re.compile(
            r"(?<=://)[^\s/@:?#'\"<>|]{0,200}:(?!\d{1,5}/)(?P<secret>(?:[^\s@'\"<>:]|:(?!//)){1,400}+)@(?=[^\s@])"
        ),
        "a password in a URL",
    ),
    Shape(
        ("://",),
        # A token in place of a user. Sentry's addresses have a public key there.
        re.compile(r"(?<=://)(?P<secret>[A-Za-z0-9_-]{20,200})@(?![\w.-]*sentry)(?=[^\s@])"),
        "a token in a URL",
    ),
    Shape(
        ("@tcp(", "@unix("),
        re.compile(r"(?<![\w.-])[\w.-]{1,60}:(?P<secret>[^\s@/]{1,200})@(?:tcp|unix)\("),
        "a password in a connection string",
    ),
    Shape(
        ("password", "identified"),
        re.compile(
            r"(?i)(?<![a-z])(?:with\s{1,9}password|password|identified\s{1,9}by)\s{1,9}'(?P<secret>[^'\s]{1,200})'"
        ),
        "a password in a statement",
    ),
    Shape(
        ("--from-literal",),
        re.compile(r"--from-literal[=\s]['\"]?[\w.-]{1,100}=(?P<secret>[^\s'\"]{1,400})"),
        "a secret in a command",
    ),
    Shape(
        ("--password-stdin",),
        re.compile(
            r"(?m)(?:echo|printf)\s{1,9}(?:-n\s{1,9})?['\"]?(?P<secret>[^\s'\"|$]{1,400})['\"]?\s{0,9}\|[^\n]{0,400}--password-stdin"
        ),
        "a password in a command",
    ),
    Shape(
        (":",),
        re.compile(r"(?m)^[\w.*-]{1,100}:(?:\d{1,5}|\*):[\w*-]{1,60}:[\w*-]{1,60}:(?P<secret>[^\s:]{1,200})$"),
        "a password in a .pgpass file",
    ),
    Shape(
        ("?", "&", ";"),
        re.compile(
            r"(?i)[?&;](?:x-(?:amz|goog)-(?:signature|credential|security-token)|sig|signature|api[_-]?key|token|"
            r"(?:access|auth|id|refresh|private|bearer|session)[_-]?token|client[_-]?secret|secret|password|passwd|pwd)"
            r"=(?P<secret>[^&\s'\"<>#]{3,2000})"
        ),
        _IN_URL,
    ),
    Shape(("key=",), re.compile(r"(?i)[?&](?:auth|access)?key=(?P<secret>[^&\s'\"<>#]{3,400})"), KEY_IN_URL),
    Shape(
        ("accountkey", "sharedaccess", "pwd"),
        re.compile(
            r"(?i)(?<![a-z])(?:AccountKey|SharedAccessKey|SharedAccessSignature|Pwd)\s?=\s?(?P<secret>[^;\s'\"]{4,})"
        ),
        _CONNECTION,
    ),
    Shape(
        ("_auth", "_password"),
        re.compile(r"(?<![A-Za-z0-9])_(?:authToken|auth|password)\s?=\s?['\"]?(?P<secret>[^\s'\"]{4,1000})"),
        "a package registry's token",
    ),
    Shape(
        ("authorization",),
        re.compile(
            r"(?i)authorization['\"]?\s{0,4}[:=]\s{0,4}['\"]?(?:basic|bearer|token|apikey|negotiate)\s{1,4}"
            r"(?P<secret>[^\s'\",;<>]{3,4000})"
        ),
        HEADER,
    ),
    Shape(
        ("x-", "-token"),
        re.compile(
            r"(?i)(?<![\w-])(?:x-(?:[a-z]{1,20}-){0,3}(?:token|key|secret)|private-token|job-token)['\"]?\s?:\s?['\"]?"
            r"(?P<secret>[^\s'\",;<>]{6,4000})"
        ),
        HEADER,
    ),
    Shape(("basic",), re.compile(r"(?i)(?<![a-z])basic\s{1,9}(?P<secret>[a-z0-9+/]{12,}={0,2})(?![a-z0-9+/=])"), BASIC),
    Shape(("bearer",), re.compile(r"(?i)(?<![a-z])bearer\s{1,9}(?P<secret>[a-z0-9._~+/-]{20,}=*)"), BEARER),
    Shape(
        ("login",),
        re.compile(r"(?<![\w-])login\s{1,20}\S{1,200}\s{1,40}(?:password|passwd)\s{1,20}(?P<secret>\S{1,400})"),
        "a password in a netrc file",
    ),
    Shape(
        ("machine",),
        re.compile(r"(?<![\w-])machine\s{1,20}\S{1,200}\s{1,40}password\s{1,20}(?P<secret>\S{1,400})"),
        "a password in a netrc file",
    ),
)

LOGINS: tuple[Login, ...] = (
    Login(
        "-p",
        _programs("mysql|mysqldump|mysqladmin|mysqlimport|mariadb|mariadb-dump|psql|sshpass|mongo(?:sh|dump|restore)?"),
        re.compile(r"[\s'\",]-p=?['\"]?(?P<secret>[^\s'\",=-][^\s'\",]{0,400})"),
    ),
    Login(
        "-p",
        _programs("sshpass|mongo(?:sh|dump|restore)?|(?:docker|podman|skopeo|oras|helm registry|argocd|az) login"),
        re.compile(r"[\s'\",]-p[\s'\",]{1,6}(?P<secret>[^\s'\",-][^\s'\",]{0,400})"),
    ),
    Login(
        "-a",
        _programs("redis-cli"),
        re.compile(r"[\s'\",](?:-a|--pass)[\s'\",=]{1,6}(?P<secret>[^\s'\",-][^\s'\",]{0,400})"),
    ),
    Login(
        "login",
        _programs("vault"),
        re.compile(r"\slogin\s{1,9}(?:token=)?(?P<secret>[^\s=-][^\s=]{3,400})(?=\s|$)"),
    ),
    Login(
        "-",
        _programs("openssl"),
        re.compile(r"\s(?:-k\s{1,9}|-pass(?:in|out)?\s{1,9}pass:)(?P<secret>[^\s'\"-][^\s'\"]{0,400})"),
    ),
    Login(
        "-",
        _programs("curl|wget"),
        re.compile(
            r"[\s'\",](?:-u|--user|--proxy-user|-U)[\s'\",=]{0,6}[^\s:'\",]{1,100}:(?P<secret>[^\s'\",]{1,400})"
        ),
    ),
)
