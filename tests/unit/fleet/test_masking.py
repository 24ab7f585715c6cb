"""Masking: what must be hidden, what must stay readable, and what other people's repositories show."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from csoc.errors import CsocError
from csoc.fleet import masking, values
from csoc.fleet.masking import MASK, looks_secret, mask_text, mask_tree, masked
from csoc.fleet.yaml import yamltext

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7v\n-----END RSA PRIVATE KEY-----\n"
AWS_KEY = "AKIA" + "Q3EGWXYZ2345ABCD"
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0" + ".dozjgNryP4J3jVmNHl0w5N"
GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
SLACK_HOOK = "https://hooks.slack.com/" + "services/T0001/B0002/abcdEFGH1234ijkl"
RANDOM = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ"

ENDINGS = [
    "password2", "DB_PASSWORD_REPLICA", "PASSWORD_FENCE", "PASSWORD_JUPYTER", "client_secret_v2", "API_KEY_2",
    "rootpw", "dbpass", "userPw", "secretValue", "PGPASS", "passwd_old", "mysqlPwd", "clientSecretOld",
    "accessKeyPrimary", "TOKEN_STAGING",
]  # fmt: skip
HIDDEN = [
    ("fence.FENCE_CONFIG.ENCRYPTION_KEY", "c2VjcmV0c2VjcmV0c2VjcmV0"),
    ("fence.FENCE_CONFIG.OPENID_CONNECT.google.client_secret", "GOCSPX-short"),
    ("fence.FENCE_CONFIG.AWS_CREDENTIALS.fence_bot.aws_secret_access_key", "wJalrXUtnFEMIK7MDENGbPxRfiCYzzzzzzzzzKEY"),
    ("fence.FENCE_CONFIG.AWS_CREDENTIALS.fence_bot.aws_access_key_id", AWS_KEY),
    ("fence.FENCE_CONFIG.INDEXD_PASSWORD", "hunter2"),
    ("fence.FENCE_CONFIG.dbGaP.decrypt_key", "abc"),
    ("fence.FENCE_CONFIG.GUN_MAIL.datacommons.io.smtp_password", "secret"),
    ("fence.FENCE_CONFIG.GUN_MAIL.datacommons.io.api_key", "key-8d3f2a1b9c"),
    ("fence.FENCE_CONFIG.HMAC_ENCRYPTION_KEY", "eW91"),
    ("fence.usersync.slack_webhook", SLACK_HOOK),
    ("fence.usersync.userYamlS3SecretAccessKey", "wJalrXUtnFEMIK7MDENG"),
    ("global.postgres.master.password", "postgres"),
    ("global.postgres.master.password", 12345),
    ("indexd.secrets.userdb.ssj", "mypassword"),
    ("ssjdispatcher.ssjcreds.jobPassword", "Zomg123"),
    ("wts.secret_key", "ZmVuY2U="),
    ("wts.encpryption_key", "ZmVuY2U="),
    ("wts.oidc_client_secret", "abcdefgh"),
    ("sower.gh_key", "0123456789abcdef0123"),
    ("orthanc.S3Storage.SecretKey", "wJalrXUtnFEMI"),
    ("funnel.AWSBatch.Secret", "wJalrXUtnFEMI"),
    ("manifestservice.manifestserviceG3auto.awssecretkey", "wJalrXUtnFEMI"),
    ("cohort-middleware.config.atlasDbPassword", "atlas"),
    ("jwt_signing_keys", RANDOM),
    ("session.cookieSecret", "mock-cookie"),
    ("revproxy.tls.key", PEM),
    ("anything.at.all", PEM),
    ("anything.at.all", AWS_KEY),
    ("anything.at.all", JWT),
    ("anything.at.all", GITHUB),
    ("notes", "xoxb-" + "123456789012-abcdefABCDEF"),
    ("notes", SLACK_HOOK),
    ("database.url", "postgresql://fence:pa55w0rd@db.local:5432/fence"),
    ("queue.url", "amqp://:onlypassword@mq/"),
    ("storage", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=Zm9vYmFyYmF6;EndpointSuffix=core"),
    ("headers.Authorization", "Basic " + "dXNlcjpwYXNzd29yZA=="),
    ("headers.X-Auth", "Bearer " + "abcdef0123456789ABCDEFxyz"),
    ("server.session_hash_salt", RANDOM + "9f"),
    ("authorizationHeaderValue", RANDOM + "9f"),
    ("config", '{"client_id": "x", "client_secret": "abc123def456"}'),
    ("settings.py", "DB = 'x'\nPASSWORD = 'hunter2'\n"),
    ("fence-config-public.yaml", "BASE_URL: x\nENCRYPTION_KEY: abcdefg\n"),
    ("token", "MySecretToken"),
    ("gitlab.token", "glpat-" + "abcdefghij0123456789"),
    ("apiToken", "550e8400-e29b-41d4-a716-446655440000"),
    ("metadata.ADMIN_LOGINS", "gateway:abcde"),
    ("maps.apiKey", "AIza" + "SyA1234567890abcdefghijklmnopqrstuv"),
    *((key, "hunterxy7") for key in ENDINGS),
    ("sa.private_key_id", "0123456789abcdef0123456789abcdef01234567"),
    ("password.value", "hunterxy7"),
    ("clientSecret.old.one", "hunterxy7"),
    ("apiKey.value", "hunterxy7"),
]

SHOWN = [
    ("fence.externalSecrets.dbcreds", "ardac1prd-default-fence-creds"),
    ("fence.externalSecrets.fenceGoogleAppCredsSecret", "fence-google-app-creds-secret"),
    ("cedar.externalSecrets.cedarAPIKey", "healprod-cedar-api-key"),
    ("cedar.externalSecrets.createCedarClientSecret", False),
    ("global.postgres.externalSecret", "charlie-master-password"),
    ("wts.externalSecrets.wtsOidcClient", "healprod-wts-client-secret"),
    ("dbcreds", "fence-creds"),
    ("fence.FENCE_CONFIG.S3_BUCKETS.some-bucket.cred", "fence_bot"),
    ("volumes.0.secret.secretName", "fence-jwt-keys"),
    ("env.0.valueFrom.secretKeyRef.key", "password"),
    ("env.0.valueFrom.secretKeyRef.name", "fence-dbcreds"),
    ("data.0.secretKey", "OPENAI_API_KEY"),
    ("data-upload-cron.awsCredsSecret.accessKey", "aws_access_key_id"),
    ("data-upload-cron.awsCredsSecret.secretKey", "aws_secret_access_key"),
    ("passwordPolicy", "at least 12 characters"),
    ("passwordLength", 16),
    ("tokenExpiry", 3600),
    ("FENCE_CONFIG.MAX_ACCESS_TOKEN_TTL", 3600),
    ("FENCE_CONFIG.ACCESS_TOKEN_COOKIE_NAME", "access_token"),
    ("FENCE_CONFIG.ALLOWED_TASK_TOKEN_TYPES", "WORKFLOW"),
    ("FENCE_CONFIG.OAUTH2_JWT_ALG", "RS256"),
    ("FENCE_CONFIG.WTF_CSRF_SECRET_KEY", "{{ENCRYPTION_KEY}}"),
    ("metadataOptions.httpTokens", "optional"),
    ("topologySpread.topologyKey", "topology.kubernetes.io/zone"),
    ("snapshotsKeyPrefix", "snapshots/"),
    ("keyPrefix", "user.yaml"),
    ("global.tierAccessLevel", "libre"),
    ("tier", "prod"),
    ("ssh.publicKey", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7 me"),
    ("recaptcha.publicApiKey", "6LcAbC123dEf45"),
    ("cedar.externalSecrets.cedarAPIKey", "cedarkey"),
    ("text", "Send it by bearer authenticationandauthorization of any kind"),
    ("kmsKeyId", "1234abcd-12ab-34cd-56ef-1234567890ab"),
    ("kmsKeyArn", "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    ("env.SIEM_VIEWS_S3_KEY", "siem/views.json"),
    ("env.DATADOG_CLIENT_TOKEN", "pub" + "0123456789abcdef0123456789abcdef"),
    ("image.digest", "sha256:" + "0123456789abcdef" * 4),
    ("image.tag", "2025.08"),
    ("targetRevision", "0123456789abcdef0123456789abcdef01234567"),
    ("sentry.dsn", "https://0123456789abcdef0123456789abcdef@o1.ingest.sentry.io/2"),
    ("portal.logo", "iVBORw0KGgoAAAANSUhEUgAAAdAAAABaCAYAAAAIAQcKAAAAAXNSR0IArs4c6QAAAARnQU1BAACx"),
    ("password.secretKeyRef.key", "postgres-password"),
    ("password.length", 16),
    ("password.existing.secret", "fence-creds"),
    ("createSlackWebhookSecret", True),
    ("secretStoreRef.name", "gen3-secret-store"),
    ("existingSecretPasswordKey", "postgres-password"),
    ("passwordKey", "admin"),
    ("PASSWORD_RESET_URL", "https://example.org/reset"),
    ("passwordEncoder", "bcrypt"),
    ("password_max_age", 900),
    ("sslPassthrough", "enabled"),
    ("bypass", "all"),
    ("primaryKey", "subject_id"),
    ("password2", False),
    ("password_retries", 3),
    ("password", 3),
    ("password", None),
    ("password", True),
    ("password", ""),
    ("password", "REPLACEME"),
    ("password", "changeme"),
    ("password", "replace_with_password"),
    ("password", "***"),
    ("password", "FUNNEL_POSTGRES_PASSWORD_PLACEHOLDER"),
    ("password", "${DB_PASSWORD}"),
    ("password", "$(DB_PASSWORD)"),
    ("password", "{{ .Values.postgres.password }}"),
    ("password", "vault:secret/data/fence#password"),
    ("password", "arn:aws:secretsmanager:us-east-1:123456789012:secret:fence-creds"),
    ("password", "<path:secret/data/db#password>"),
    ("password", "ENC[AES256_GCM,data:abc,iv:def,tag:ghi,type:str]"),
    ("client_secret", "YOUR_CLIENT_SECRET"),
    ("GOOGLE_APPLICATION_CREDENTIALS", "/var/www/fence/creds.json"),
    ("CredentialsFile", "creds.json"),
    ("args.0", "--NotebookApp.password=''"),
    ("text", "Please use your institutional password to log in."),
    ("text", "A basic informationsheet on bearer instruments that matter"),
    ("text", "See https://user.example.org:8080/a@b for more"),
    ("docs", "Password: must be at least 8 characters"),
    ("settings.py", "password = os.environ['PGPASSWORD']\ntoken = read('/tmp/x')\n"),
    ("resources", "arn:aws:iam::123456789012:role/gen3_service/fence-external-secrets-sa"),
]


def _path(text: str) -> tuple[str | int, ...]:
    return tuple(int(step) if step.isdigit() else step for step in text.split("."))


@pytest.mark.parametrize(("path", "value"), HIDDEN)
def test_a_secret_is_hidden_and_its_reason_is_named(path: str, value: object) -> None:
    assert MASK in masked(_path(path), value)
    assert looks_secret(_path(path), value)
    assert mask_tree(value, _path(path)) != value


@pytest.mark.parametrize(("path", "value"), SHOWN)
def test_what_is_no_secret_stays_readable(path: str, value: object) -> None:
    assert looks_secret(_path(path), value) is None
    assert mask_tree(value, _path(path)) == value


@pytest.mark.parametrize(
    ("text", "gone", "left"),
    [
        ("cannot reach postgres://fence:pa55w0rd@db:5432/x", "pa55w0rd", "postgres://fence:***@db:5432/x"),
        ("values: map[password:s3cret user:fence]", "s3cret", "values: map[password:*** user:fence]"),
        ('template: x: error at <.Values>: {"api_key": "a1b2c3d4e5"}', "a1b2c3d4e5", '"api_key": "***"'),
        (f"got {PEM}and more", "MIIEow", "got ***\nand more"),
        (f"key {AWS_KEY} is not valid", AWS_KEY, "key *** is not valid"),
        ('password: "postgres://u:hunter2@db/x" ok', "hunter2", 'password: "***" ok'),
        ("login with --password=hunter2 failed", "hunter2", "login with --password=*** failed"),
        ("secret fence-creds: key password not found", "nothing of it", "secret fence-creds: key password not found"),
        ("invalid token: unexpected end of file", "nothing of it", "invalid token: unexpected end of file"),
        (r"{\"client_secret\": \"abc123def\"}", "abc123def", r"{\"client_secret\": \"***\"}"),
    ],
)
def test_a_secret_inside_free_text_goes_and_the_text_stays(text: str, gone: str, left: str) -> None:
    assert gone not in mask_text(text)
    assert left in mask_text(text)


LONG, HEX = "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z", "0123456789abcdef" * 2
PREFIXES = [
    "npm_", "pypi-", "hf_", "hvs.", "hvb.", "dckr_pat_", "sk_live_", "rk_live_", "sk-ant-api03-", "sk-proj-",
    "glpat-", "gho_", "ghs_", "github_pat_", "ya29.", "glsa_", "xoxe.xoxp-1-", "GOCSPX-",
]  # fmt: skip
CARRIED = [
    *(prefix + LONG for prefix in PREFIXES),
    f"SG.{LONG[:22]}.{LONG}", f"dapi{HEX}", f"SK{HEX}", "AGE-SECRET-KEY-1" + "Q" * 58,
    f"https://b.example.org/x?X-Amz-Signature={HEX}&a=b", "https://b.example.org/x?X-Amz-Credential=Zq81LmNo&a=b",
    "https://a.example.org/x?sv=1&sig=Zq81LmNo%3D", "https://h/x?api_key=Zq81LmNo", "https://h/x?a=b&token=Zq81LmNo",
    "https://h/x?access_token=Zq81LmNo&b=c", "https://u:pa/Zq81LmNo@h/x", "https://${USER}:Zq81LmNo@h/x",
    "run --password Zq81LmNo now", "run --password=Zq81LmNo", "run --db-password 'a Zq81LmNo' x",
    "mysql -h h -pZq81LmNo db", "curl -s -u user:Zq81LmNo https://h", "curl --user user:Zq81LmNo https://h",
    "sshpass -p Zq81LmNo ssh h", "docker login -u x -p Zq81LmNo registry.example.org",
    "machine h login u password Zq81LmNo", "machine h\n  login u\n  password Zq81LmNo\n",
    "<password>Zq81LmNo</password>", "<db:password type='x'><![CDATA[Zq81LmNo]]></db:password>",
    "//registry.example.org/:_authToken=Zq81LmNo", "Authorization: Basic Zq81LmNo", "Authorization: Bearer Zq81LmNo",
    "X-Api-Key: Zq81LmNo", '["--password","Zq81LmNo"]', "Password: Zq81LmNo", "export API_TOKEN=Zq81LmNo",
    "ENV DB_PASSWORD Zq81LmNo", '{"pass\\u0077ord": "Zq81LmNo"}', "db:\n  password:\n    Zq81LmNo\n",
    "{{ if .x }}\npassword: |\n  Zq81LmNo\n{{ end }}\n",
]  # fmt: skip


@pytest.mark.parametrize("text", CARRIED)
def test_every_shape_of_a_token_and_every_way_to_carry_a_secret_is_known(text: str) -> None:
    shown = str(mask_tree({"notes": text}))
    assert MASK in shown
    assert not any(part in shown for part in ("Zq81LmNo", LONG[5:], HEX, "QQQQ"))


@pytest.mark.parametrize(
    "text",
    [
        "docker run -u 1000:1000 x",
        "psql -p 5432 -h x",
        "use --password to log in",
        "run --password-file /x/y.txt z",
        "https://h:8080/a@b",
        "https://h/x?token=${TOKEN}",
        "<password>${P}</password>",
        "Authorization: Bearer <token>",
        'curl -H "Authorization: Bearer $access_token"',
        "postgres://{}:{}@{}/{}",
        '{{- $localpass := (lookup "v1" "Secret" "a" "b") -}}',
        "https://h/x?key=value",
    ],
)
def test_what_only_speaks_of_a_secret_stays(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize(
    "arguments",
    [
        ["--password", "Zq81LmNo"],
        ["run", "--db-password", "a Zq81LmNo, and more"],
        ["mysql", "-h", "db", "-pZq81LmNo"],
        ["curl", "-u", "user:Zq81LmNo", "https://h"],
        ["docker", "login", "-p", "Zq81LmNo"],
        ["sh", "-c", "mysql -pZq81LmNo"],
    ],
)
def test_an_argument_is_judged_with_the_ones_before_it(arguments: list[str]) -> None:
    assert "Zq81LmNo" not in str(mask_tree({"args": arguments}))
    assert "Zq81LmNo" not in masked(("args",), arguments)
    assert mask_tree({"args": arguments})["args"][0] == arguments[0]


def test_the_first_of_several_names_does_not_hide_that_another_is_one_of_a_secret() -> None:
    assert mask_tree({"name": "x", "key": "DB_PASSWORD", "value": "hunterxy7"})["value"] == MASK


def test_a_text_that_is_json_is_json_afterwards() -> None:
    shown = mask_tree({"config": '{"password": 12345678, "token": {"value": "Zq81LmNo1"}, "a": 1}'})["config"]
    assert json.loads(shown) == {"password": MASK, "token": {"value": MASK}, "a": 1}


def test_masking_a_text_again_changes_nothing() -> None:
    for _, value in HIDDEN:
        if isinstance(value, str):
            assert mask_text(mask_text(value)) == mask_text(value)


def test_a_tree_keeps_its_shape_and_the_argument_is_left_alone() -> None:
    data = {"a": [{"password": "x", "n": 1}], "url": "redis://:pw123@r", "ok": None}
    assert mask_tree(data) == {"a": [{"password": MASK, "n": 1}], "url": "redis://:***@r", "ok": None}
    assert data["a"] == [{"password": "x", "n": 1}]


def test_the_value_of_an_environment_variable_is_judged_by_its_name() -> None:
    data = {"env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "HOST", "value": "db"}]}
    assert mask_tree(data) == {"env": [{"name": "DB_PASSWORD", "value": MASK}, {"name": "HOST", "value": "db"}]}
    assert "hunter2" not in masked((), data)


def test_everything_in_the_data_of_a_kubernetes_secret_is_hidden() -> None:
    secret = {
        "kind": "Secret",
        "metadata": {"name": "x"},
        "data": {"a": "Zm9v"},
        "stringData": {"b.json": "{}", "c": None},
    }
    assert mask_tree({"items": [secret]}) == {
        "items": [
            {
                "kind": "Secret",
                "metadata": {"name": "x"},
                "data": {"a": MASK},
                "stringData": {"b.json": MASK, "c": None},
            }
        ]
    }
    assert "Zm9v" not in masked((), secret)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (True, "true"),
        (2025.1, "2025.1"),
        ("2025.10", '"2025.10"'),
        ("true", '"true"'),
        ("", '""'),
        ("a\n  b\n", "a b"),
        ("a\n", '"a\\n"'),
        (" x", '" x"'),
        ("x ", '"x "'),
        ("x  y", '"x  y"'),
        ("x\ty", '"x\\ty"'),
        ('"1"', '"\\"1\\""'),
        ("'1'", "\"'1'\""),
        ([1, "1", " x", "x"], '[1, "1", " x", x]'),
        ({"a": 1, "b": [True, "x, y"]}, '{a: 1, b: [true, "x, y"]}'),
        ({}, "{}"),
        ({"clientSecret": "abc"}, "{clientSecret: ***}"),
        ("x" * 200, "x" * 79 + "…"),
    ],
)
def test_a_value_is_shown_in_one_short_line(value: object, shown: str) -> None:
    assert masked(("some", "where"), value) == shown


def test_a_secret_at_the_edge_of_the_line_is_masked_before_it_is_cut() -> None:
    line = masked(("motd",), "x" * 60 + f" postgres://u:{RANDOM}@db/name")
    assert len(line) <= 80
    assert RANDOM[:4] not in line


def test_showing_a_huge_value_costs_no_more_than_its_first_line() -> None:
    huge: dict[str, Any] = {f"k{index}": {"password": "x" * 50} for index in range(200_000)}
    before = time.perf_counter()
    assert len(masked((), huge)) == 80
    assert time.perf_counter() - before < 0.5


HOSTILE = [
    "a", "a=", "://", "http://u:", "://u:@", "a:b@", "-----BEGIN PRIVATE KEY-----", "-----BEGIN A ", "eyJ",
    "eyJaaaaaaaa.", "curl -u a", "mysql -p", "login x password ", "<a ", "<password>", "--password ", "--a,",
    "password: |\n", "- - ", " password: |\n a\n", "basic ", "bearer aaaaaaaaaaaaaaaaaaaaa=", "authorization: basic ",
    "x-token: ", "?sig=", " ", "password=", "password='", "sk-", "xoxb-", "{", "[", "{'password':", "? ", "<<: ",
    "password: a b\n", "password: ${", "[a, ",
]  # fmt: skip


def seconds(action: Callable[[str], object], text: str) -> float:
    best = float("inf")
    for _ in range(3):
        before = time.process_time()
        action(text)
        best = min(best, time.process_time() - before)
    return best


@pytest.mark.parametrize("unit", HOSTILE)
def test_eight_times_the_hostile_text_takes_about_eight_times_as_long(unit: str) -> None:
    """A square of it would be sixty-four times. Beneath a hundredth of a second nothing can be told."""
    for action in (
        mask_text,
        masking.mask_file,
        lambda text: mask_tree({"a": text}),
        lambda text: masked(("a",), text),
    ):
        text = unit * (80_000 // len(unit))
        short = seconds(action, text[: len(text) // 8])
        assert seconds(action, text) < 24 * max(short, 0.01)


def test_aliases_that_unfold_without_end_are_not_followed() -> None:
    lines = ["a0: &a0 {password: Zq81LmNo}"]
    lines += [
        f"a{level}: &a{level} {{{', '.join(f'k{level}{i}: *a{level - 1}' for i in range(9))}}}"
        for level in range(1, 30)
    ]
    assert masking.mask_file("\n".join(lines)) is None
    assert "Zq81LmNo" not in str(mask_tree({"a": "\n".join(lines)}))


def test_describing_a_value_masks_it() -> None:
    effective = values.EffectiveValues.merge([values.Layer("f", {"db": {"password": "hunter2"}}, lambda _: None)])
    assert effective.describe("db.password") == "db.password: ***"


@pytest.mark.real
def test_no_value_of_other_peoples_repositories_is_taken_for_a_secret(real: Path) -> None:
    """Every value with a suspicious key or content was read by hand: those repositories hold names of secrets only."""
    alarms, seen = [], 0
    for file in sorted(real.rglob("*")):
        if file.suffix not in (".yaml", ".yml", ".json") or not file.is_file():
            continue
        try:
            documents = yamltext.parse(file.read_bytes())
        except CsocError:
            continue
        for document in documents:
            hidden = dict(values.walk(masking.mask_tree(document.data)))
            for path, value in values.walk(document.data):
                seen += 1
                if hidden[path] != value or looks_secret(path, value):
                    alarms.append((str(file.relative_to(real)), path))
    assert seen > 5000
    assert alarms == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("smtp", "pass"), "CANARY60xyz"),
        (("url",), "https://CANARY89abcdef0123456789abcdef01234567@git.example.org/x"),
        (("ADMIN_PASSWORD",), "Xx.example.CANARY!"),
        (("PASSWORD",), "CANARY95-changeme!"),
        (("PASSWORD",), "dummy-CANARY85xyz"),
        (("PASSWORD",), "your-CANARY88xyz"),
        (("PASSWORD",), "CANARY90.key"),
        (("PASSWORD",), "/CANARY89/xyz"),
        (("PASSWORD",), "vault:CANARY93"),
        (("password",), '{{ .Values.x | default "CANARY13xyz" }}'),
        (("GITHUB_PAT",), "CANARYabc123"),
        (("DB_PSWD",), "CANARY1"),
        (("ELASTIC_AUTH",), "elastic:CANARY"),
        (("ES_CREDS",), "elastic:CANARY"),
        (("JWT_SIGNING",), "CANARY!!x9"),
        (("FERNET",), "CANARYx"),
        (("OTP_SEED",), "CANARYx"),
        (("dsn",), "user:CANARY@tcp(db:3306)/x"),
        (("token",), "CANARY correct horse battery staple"),
        (("apikey",), "CANARY a b c d"),
        (("script",), "ALTER USER x WITH PASSWORD 'CANARY'"),
        (("script",), "CREATE USER a IDENTIFIED BY 'CANARY'"),
        (("script",), "redis-cli -h x -a CANARY ping"),
        (("script",), "vault login CANARYtoken"),
        (("script",), "openssl enc -aes -k CANARYk -in x"),
        (("script",), "echo CANARY | docker login -u a --password-stdin"),
        (("script",), "kubectl create secret generic x --from-literal=a=CANARY"),
        (("file",), "db.example.org:5432:metadata:fence:CANARY\n"),
    ],
)
def test_what_only_resembles_a_stand_in_a_name_or_a_sentence_is_hidden(path: tuple[str, ...], value: str) -> None:
    assert "CANARY" not in masked(path, value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("password",), "changeme"),
        (("password",), "your-password"),
        (("tokenFile",), "/etc/tokens/token.json"),
        (("authorization",), "rbac:enabled"),
        (("hook",), "pre:install"),
        (("sentry",), "https://0123456789abcdef0123456789abcdef@o1.ingest.sentry.io/1"),
    ],
)
def test_stand_ins_names_and_public_keys_are_shown(path: tuple[str, ...], value: str) -> None:
    assert masked(path, value) == value
