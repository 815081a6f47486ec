"""An ARG that looks like a secret is a warning, which never shows it; an ordinary one is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.problems import Problem, Severity
from matrixbuild.core.secretive_args import FORMS, secretive
from tests.builders import arg, cell, demand, place
from tests.manifest_texts import expanded, told

HINT = "declare it in spec.secrets, and let the step that needs it ask for it: RUN --secret NAME, or --mount=type=secret,id=NAME"
PRO = "C1" + "3fLx9QkZ2bTnW8" * 2
WEB = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTYifQ.c2ln"


def looks(name: str, value: str) -> list[str]:
    """What the warnings say that it looks like."""
    found = list(secretive([demand(args=[arg(name, value)])]))
    assert all(value not in f"{problem} {problem.hint}" for problem in found if value)
    return [problem.summary.removeprefix(f"{name} looks like ").partition(", and")[0] for problem in found]


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("-----BEGIN PRIVATE KEY-----\nMII", "a private key"),
        ("x -----BEGIN OPENSSH PRIVATE KEY-----", "a private key"),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----", "a private key"),
        (f"ghp_{'a1B2' * 9}", "a GitHub token"),
        (f"https://github.com/?token=github_pat_{'a1' * 11}", "a GitHub token"),
        ("glpat-abcdefghij0123456789", "a GitLab token"),
        ("AKIAIOSFODNN7EXAMPLE", "an AWS access key"),
        (f"AIza{'b' * 35}", "a Google API key"),
        ("xoxb-1234567890-abc", "a Slack token"),
        (f"hvs.{'C' * 24}", "a Vault token"),
        (f"npm_{'a' * 36}", "an npm token"),
        (WEB, "a JSON web token"),
        ("http://me:pa55@proxy.example.com:3128", "a URL with a password"),
        ("https://:pa55@git.example.com/a", "a URL with a password"),
    ],
)
def test_values_that_tell_what_they_are(value: str, what: str) -> None:
    assert looks("ANYTHING", value) == [what]


@given(st.data())
def test_every_value_of_a_form_has_its_mark(data: st.DataObject) -> None:
    what = data.draw(st.sampled_from(sorted(FORMS)))
    mark, form = FORMS[what]
    assert mark in data.draw(st.from_regex(form))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REGISTRY_PASSWORD", "hunter2"),
        ("db_password", "x y"),
        ("TOKEN", "0815"),
        ("EDGE_HOST_TOKEN", "abc/def"),
        ("CLIENT_SECRET", "s3"),
        ("GPG_PASSPHRASE", "correct horse"),
        ("UBUNTU_PRO_KEY", PRO),
        ("API.APIKEY", PRO),
        ("S3_KEY", "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY"),
    ],
)
def test_names_that_tell_it(name: str, value: str) -> None:
    assert looks(name, value) == ["a secret"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SPECTRO_PUB_REPO", "us-docker.pkg.dev/palette-images"),
        ("AUTO_ENROLL_SECUREBOOT_KEYS", "false"),
        ("UKI_BRING_YOUR_OWN_KEYS", "true"),
        ("INCLUDE_MS_SECUREBOOT_KEYS", "true"),
        ("UBUNTU_PRO_KEY", ""),
        ("KEK_KEY", "secure-boot/private-keys/KEK.key"),
        ("GPG_KEY", "E3FF2839C048B25C084DEBE9B26995E310250568"),
        ("CACHE_KEY", "3b18e512dba79e4c8300dd08aeb37f8e728b8dad"),
        ("SSH_PUBLIC_KEY", PRO),
        ("SSH_KEY", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGk me@example.com"),
        ("CERTIFICATE", "-----BEGIN CERTIFICATE-----\nMII"),
        ("SIGNING", "-----BEGIN PUBLIC KEY-----\nMII"),
        ("TOKEN_FILE", "hunter2"),
        ("SECRET_NAME", "pro-attach-config"),
        ("PASSWORD", "/run/secrets/password"),
        ("WITH_TOKEN", "False"),
        ("HTTP_PROXY", "http://proxy.example.com:3128"),
        ("BASE_IMAGE", "host:5000/a/b@sha256:" + "0" * 64),
        ("URL", "https://example.com/a:b@c"),
        ("TOKENIZER", "bpe"),
    ],
)
def test_ordinary_ones(name: str, value: str) -> None:
    assert looks(name, value) == []


def test_each_place_is_told_once_and_without_its_line() -> None:
    token = arg("TOKEN", "hunter2", line=7)
    others = [arg("TOKEN", "hunter3", line=7), arg("TOKEN", "hunter2", line=9)]
    found = list(secretive([demand(at=cell(fips=True), args=[token]), demand(args=[token]), *(demand(args=[each]) for each in others)]))
    summary = "TOKEN looks like a secret, and the values of ARGs end up in the history of images, where everybody can read them"
    assert {problem.place.line for problem in found if problem.place} == {7, 9}
    assert len(found) == 2
    wanted = Problem(summary=summary, place=place(9), hint=HINT, code="secretive-arg", severity=Severity.WARNING)
    assert wanted in found


def test_a_manifest_that_gives_one_is_warned_of_it() -> None:
    found = expanded(args='  args: {REGISTRY_PASSWORD: "hunter2"}')
    assert found.problems == ()
    summary = "REGISTRY_PASSWORD looks like a secret, and the values of ARGs end up in the history of images, where everybody can read them"
    assert told(found.warnings) == [f"m.yaml:17:10: {summary} [] ({HINT})"]
    assert "hunter2" not in repr([problem.place for problem in found.warnings])
