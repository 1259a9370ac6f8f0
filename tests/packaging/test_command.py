"""The console command: names, help, and what it refuses."""

import socket

import pytest

from atmodist_core.common.assets import asset_folder
from atmodist_core.common.errors import UserError
from atmodist_studio import serve
from atmodist_studio.command import command_files, run_command


def test_without_arguments_every_command_is_listed_with_a_line(capsys):
    assert run_command([]) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    assert [line.split()[0] for line in lines] == list(command_files())
    assert all(len(line.split()) > 3 for line in lines)


@pytest.mark.parametrize(
    ("name", "nearest"), [("evalute", "evaluate"), ("ap", "app"), ("simulat", "simulate")]
)
def test_a_wrong_name_suggests_the_nearest(name, nearest):
    with pytest.raises(UserError, match=rf"'{name}'; did you mean {nearest}\?"):
        run_command([name])


@pytest.mark.parametrize("name", [name for name in command_files()])
def test_every_command_has_help_under_its_own_name(name, capsys):
    with pytest.raises(SystemExit) as ended:
        run_command([name, "--help"])
    assert ended.value.code == 0
    assert f"usage: atmodist {name}" in capsys.readouterr().out


def test_a_mistake_in_a_flag_is_one_sentence():
    with pytest.raises(UserError, match="--dat; did you mean --data"):
        run_command(["evaluate", "--dat", "demo"])


def test_the_page_is_served_with_the_flags(monkeypatch, tmp_path):
    served = []
    monkeypatch.setattr(serve, "_serve", lambda command, rest: served.append((command, rest)) or 0)
    monkeypatch.setenv("ATMODIST_DATA", "before")
    monkeypatch.delenv("ATMODIST_MODELS", raising=False)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = ["--port", str(port), "--address", "127.0.0.1", "--data", str(tmp_path)]
    assert run_command(["app", *flags, "--", "--prefix", "studio"]) == 0
    ((command, rest),) = served
    assert (command.port, rest) == (port, ["--prefix", "studio"])
    assert serve.os.environ["ATMODIST_DATA"] == str(tmp_path)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--data", "nowhere"], "Expected a folder for --data, found none at nowhere"),
        (["--models", __file__], "Expected a folder for --models"),
        (["--port", "70000"], "--port from 1 to 65535, found 70000"),
        (["--address", "no-such-host.invalid"], "Expected a free port"),
    ],
)
def test_the_page_refuses_in_one_sentence(flags, words):
    with pytest.raises(UserError, match=words):
        run_command(["app", *flags])


def test_the_page_refuses_a_port_in_use():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        with pytest.raises(UserError, match=f"none at 127.0.0.1:{port}"):
            run_command(["app", "--address", "127.0.0.1", "--port", port])


def test_assets_lie_where_the_environment_says(monkeypatch, tmp_path):
    (tmp_path / "models").mkdir()
    monkeypatch.setenv("ATMODIST_ASSETS", str(tmp_path))
    assert asset_folder("models") == tmp_path / "models"
    with pytest.raises(UserError, match="set ATMODIST_ASSETS"):
        asset_folder("demo")


def test_downloads_are_allowed_by_a_flag_alone(monkeypatch, tmp_path):
    monkeypatch.setattr(serve, "_serve", lambda command, rest: 0)
    monkeypatch.setattr(serve, "_check_port", lambda command: None)
    monkeypatch.setenv("ATMODIST_DATA", "")
    monkeypatch.setenv("ATMODIST_DOWNLOADS_GB", "5")
    with pytest.raises(UserError, match="Expected --data with --allow-downloads"):
        run_command(["app", "--allow-downloads"])
    folder = ["--data", str(tmp_path)]
    assert run_command(["app", *folder]) == 0 and "ATMODIST_DOWNLOADS_GB" not in serve.os.environ
    assert run_command(["app", *folder, "--allow-downloads", "--downloads-gb", "3"]) == 0
    assert serve.os.environ["ATMODIST_DOWNLOADS_GB"] == "3.0"
    with pytest.raises(UserError, match="Expected --downloads-gb above 0"):
        run_command(["app", *folder, "--allow-downloads", "--downloads-gb", "0"])
