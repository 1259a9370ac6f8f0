"""train/score.py as it is called."""

import json
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import atmodist_core.inference.atmodist
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import scores
from atmodist_core.fields import coarsen, open_fields
from atmodist_core.inference.downscaler import load_downscaler
from tests.evaluation.mock_fields import globe
from train import score


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    file = tmp_path_factory.mktemp("score") / "weather.nc"
    globe(32, times=5, truncation=15).to_netcdf(file, engine="netcdf4")
    return file


class FakeDistance:
    def distance(self, a, b):
        return xr.DataArray(np.full(a.sizes["time"], 0.25), dims="time")


def test_table_and_numbers(source, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(atmodist_core.inference.atmodist, "load_distance", lambda *_, **__: FakeDistance())
    out = tmp_path / "table.md"
    code = score.main(
        ["--data", str(source), "--models", "bilinear", "bicubic", "--every", "2", "--out", str(out)]
    )
    assert code == 0
    table, numbers = out.read_text(), json.loads(out.with_suffix(".json").read_text())
    printed = capsys.readouterr().out
    assert table in printed and json.loads(printed[printed.index("\n{") :]) == numbers
    assert "3 times, 2001-01-01T00:00 to 2001-01-01T12:00" in table
    assert "energy ratio at wavelengths below 5004 km (spherical harmonics)" in table
    truth = open_fields(source).isel(time=[0, 2, 4]).compute()
    expected = scores(load_downscaler("bicubic")(coarsen(truth, 4)), truth, factor=4)
    for name in ("rmse", "energy_ratio", "wasserstein", "kurtosis", "block_mean_error"):
        found = numbers["scores"]["bicubic"][name]
        assert found["divergence"] == pytest.approx(float(expected[name].sel(field="divergence")), rel=1e-5)
    assert numbers["scores"]["bilinear"]["atmodist"] == 0.25
    assert numbers["settings"]["every"] == 2 and numbers["period"]["times"] == 3
    assert {file.name for file in tmp_path.iterdir()} == {"table.md", "table.json"}


def test_period_and_region(source, capsys):
    arguments = ["--data", str(source), "--models", "bilinear", "--distance", "none", "--region", "Pacific"]
    assert score.main([*arguments, "--period", "2001-01-01T03", "2001-01-01T06"]) == 0
    printed = capsys.readouterr().out
    assert "Pacific: 2 times, 2001-01-01T03:00 to 2001-01-01T06:00" in printed
    assert "discrete cosine transform" in printed and "AtmoDist |" not in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--every", "0"], "--every 1 or more"),
        (["--period", "2001", "2002", "2003"], "one or two dates"),
        (["--period", "1999"], "time"),
        (["--period", "yesterday"], "yesterday"),
        (["--models", "srgan-5x"], "srgan-5x"),
        (["--models", "bicubic", "bicubic"], "different models"),
        (["--distance", "no-such-network"], "no-such-network"),
        (["--region", "Atlantis"], "Atlantis"),
        (["--factor", "1"], "factor"),
        (["--out", "/no/such/folder/table.md"], "existing folder"),
        (["--data", "/no/such/file.nc"], "no/such/file.nc"),
        (["--modles", "bicubic"], "--models"),
        (["--precision", "float16"], "precision"),
    ],
)
def test_mistakes(source, arguments, words):
    defaults = {"--data": [str(source)], "--models": ["bicubic"], "--distance": ["none"]}
    given = [*arguments]
    for flag, value in defaults.items():
        if flag not in arguments:
            given += [flag, *value]
    with pytest.raises(UserError, match=words):
        score.main(given)


def test_a_mistake_is_one_sentence_and_exit_code_2(repository):
    done = subprocess.run(
        [sys.executable, "train/score.py", "--data", "missing.nc"],
        cwd=repository,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("error: ") and "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
