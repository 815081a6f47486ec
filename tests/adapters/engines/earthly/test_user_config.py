from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from matrixbuild.adapters.engines.earthly.user_config import UserConfig, home, read_user_config, write_configs
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.program import Flavor, Program

EARTHLY = Program(path="/bin/earthly", flavor=Flavor.EARTHLY, version="0.8.16")
EARTHBUILD = Program(path="/bin/earth", flavor=Flavor.EARTHBUILD, version="0.8.18")
MINE = """# mine
global:
  buildkit_host: tcp://builder:8372
  buildkit_restart_timeout_s: 90
  buildkit_additional_config: |
    [registry."docker.io"]
      mirrors = ["mirror.example.com"]
git:
  github.com: {auth: https, user: me, password: "0123"}
  git.example.com: {auth: ssh, strict_host_key_checking: no, port: 0644}
"""


def written(home: Path, text: str, name: str = ".earthly/config.yml") -> dict[str, str]:
    file = home / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return {"HOME": str(home)}


def loaded(file: Path) -> dict[str, dict[str, object]]:
    return dict(YAML(typ="safe").load(file))


def certificates(directory: Path) -> None:
    directory.mkdir(parents=True)
    for name in ("ca_cert.pem", "earthly_cert.pem", "earthly_key.pem"):
        (directory / name).write_text("")


def test_a_user_without_one_has_an_empty_one(tmp_path: Path) -> None:
    found = read_user_config(EARTHLY, {"HOME": str(tmp_path)})
    assert found == UserConfig(directory=tmp_path / ".earthly")
    assert (found.builder, found.tls) == ("", False)
    assert not (tmp_path / ".earthly").exists()


def test_each_program_has_its_own(tmp_path: Path) -> None:
    environ = written(tmp_path, "global: {buildkit_host: tcp://a:1}\n") | written(tmp_path, "global: {buildkit_host: tcp://b:1}\n", ".earth/config.yml")
    assert [read_user_config(program, environ).builder for program in (EARTHLY, EARTHBUILD)] == ["tcp://a:1", "tcp://b:1"]


def test_the_old_name_counts_where_the_new_one_is_not_there(tmp_path: Path) -> None:
    environ = written(tmp_path, "global: {buildkit_host: tcp://old:1}\n", ".earthly/config.yaml")
    assert read_user_config(EARTHLY, environ).builder == "tcp://old:1"
    written(tmp_path, "global: {buildkit_host: tcp://new:1}\n")
    assert read_user_config(EARTHLY, environ).builder == "tcp://new:1"


def test_the_variable_of_the_program_names_another(tmp_path: Path) -> None:
    written(tmp_path, "global: {buildkit_host: tcp://x:1}\n", "x.yml")
    written(tmp_path, "global: {buildkit_host: tcp://y:1}\n", "y.yml")
    environ = {"HOME": str(tmp_path), "EARTHLY_CONFIG": str(tmp_path / "x.yml"), "EARTH_CONFIG": str(tmp_path / "y.yml")}
    assert read_user_config(EARTHLY, environ).builder == "tcp://x:1"
    assert read_user_config(EARTHBUILD, environ).builder == "tcp://y:1"
    with pytest.raises(UnusableError) as caught:
        read_user_config(EARTHLY, environ | {"EARTHLY_CONFIG": str(tmp_path / "z.yml")})
    summary = f"the configuration of Earthly in {tmp_path}/z.yml cannot be read: there is no such file"
    assert caught.value.problems == (Problem(summary=summary, hint="correct it: Earthly itself would refuse it", code="earthly-config"),)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("global: [\n", "it is no YAML (while parsing a flow node"),
        ("- a\n", "it is no mapping"),
        ("global: \xff\n", ""),
    ],
)
def test_one_that_cannot_be_read_is_told(tmp_path: Path, text: str, why: str) -> None:
    environ = written(tmp_path, "")
    file = tmp_path / ".earthly/config.yml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(UnusableError) as caught:
        read_user_config(EARTHLY, environ)
    assert str(caught.value).startswith(f"the configuration of Earthly in {file} cannot be read: {why}")


@pytest.mark.parametrize(("said", "tls"), [("true", True), ("yes", True), ("false", False), ("no", False), ("off", False)])
def test_what_it_says_of_tls_holds(tmp_path: Path, said: str, tls: bool) -> None:
    environ = written(tmp_path, f"global: {{tls_enabled: {said}}}\n")
    assert read_user_config(EARTHLY, environ).tls is tls
    certificates(tmp_path / ".earthly/certs")
    assert read_user_config(EARTHLY, environ).tls is tls


def test_where_it_says_nothing_certificates_mean_tls(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    certificates(tmp_path / ".earthly/certs")
    assert read_user_config(EARTHLY, environ).tls
    (tmp_path / ".earthly/certs/ca_cert.pem").unlink()
    assert not read_user_config(EARTHLY, environ).tls


def test_its_certificates_are_relative_to_the_programs_directory(tmp_path: Path) -> None:
    found = read_user_config(EARTHBUILD, written(tmp_path, "global: {tlsca: mine/ca.pem, tlskey: /k.pem}\n", ".earth/config.yml")).certificates
    assert (found.ca, found.cert, found.key) == (tmp_path / ".earth/mine/ca.pem", tmp_path / ".earth/certs/earthly_cert.pem", Path("/k.pem"))


def test_ours_goes_over_theirs_and_loses_nothing(tmp_path: Path) -> None:
    user = read_user_config(EARTHLY, written(tmp_path, MINE))
    configs = write_configs(user, tmp_path / "work", frontend=False)
    assert (configs.of(patient=False), configs.of(patient=True)) == (configs.fast, configs.patient)
    for file, waits in ((configs.fast, 0), (configs.patient, 90)):
        assert loaded(file)["global"] == {
            "buildkit_restart_timeout_s": waits,
            "buildkit_additional_config": '[registry."docker.io"]\n  mirrors = ["mirror.example.com"]\n',
            "tls_enabled": False,
            "container_frontend": "none",
        }
        # As they wrote it: `no` and 0644 mean something else to others who read YAML.
        assert "strict_host_key_checking: no, port: 0644" in file.read_text()
        assert 'password: "0123"' in file.read_text().replace("'", '"')
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "work").stat().st_mode) == 0o700


def test_without_one_ours_is_all_there_is(tmp_path: Path) -> None:
    configs = write_configs(UserConfig(directory=tmp_path), tmp_path / "work", frontend=True)
    assert configs.fast.read_text() == "global:\n  tls_enabled: false\n  buildkit_restart_timeout_s: 0\n"
    assert configs.patient.read_text() == "global:\n  tls_enabled: false\n  buildkit_restart_timeout_s: 60\n"


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("")
    with pytest.raises(UnusableError) as caught:
        write_configs(UserConfig(directory=tmp_path), tmp_path / "work", frontend=True)
    summary = f"the configuration for Earthly cannot be written to {tmp_path / 'work' / 'fast.yml'}: file exists"
    assert caught.value.problems == (Problem(summary=summary, hint="check its permissions and the space left", code="earthly-config"),)


def test_home_is_where_the_program_looks(tmp_path: Path) -> None:
    assert home({"HOME": str(tmp_path)}) == tmp_path
    assert home({"HOME": str(tmp_path), "SUDO_USER": "no-such-user"}) == tmp_path
    assert home({}).is_absolute()


@pytest.mark.skipif(os.geteuid() != 0, reason="below sudo one is root")
def test_below_sudo_home_is_that_of_who_called_it(tmp_path: Path) -> None:
    assert home({"HOME": str(tmp_path), "SUDO_USER": "root"}) == Path(pwd.getpwnam("root").pw_dir)
