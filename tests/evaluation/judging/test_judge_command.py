"""train/judge.py as it is called."""

import json

import pytest
import xarray as xr

from atmodist_core.common.errors import UserError
from tests.evaluation.judging.test_judging_run import weather
from train import judge


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return weather(tmp_path_factory.mktemp("judge"), "weather.nc", 0)


def arguments(source, out, *more):
    return [
        *("--data", str(source), "--models", "bilinear", "smooth=bicubic", "--replicates", "30"),
        *("--candidates", "smooth", "--reference", "bilinear", "--every", "4", "--cities-every", "5"),
        *("--out", str(out), *more),
    ]


def test_tables_numbers_and_document(source, tmp_path, capsys):
    document = tmp_path / "experiments.md"
    document.write_text("<!-- begin table toy-targets: x -->\n<!-- end -->\n<!-- begin table other: x -->\n")
    out = tmp_path / "out"
    more = ("--name", "toy", "--markdown", str(document))
    assert judge.main(arguments(source, out, *more)) == 0
    printed = capsys.readouterr().out
    assert "3 times, 2 at cities, 2001-01-01T00:00 to 2001-01-10T00:00" in printed
    assert "smooth against bilinear" in printed
    text, numbers = (out / "toy.md").read_text(), json.loads((out / "toy.json").read_text())
    assert printed.strip() in text
    assert numbers["command"].startswith("python train/judge.py --data") and numbers["times"] == 3
    own, low, high = numbers["models"]["smooth"]["band_power_ratio"]["vorticity"]
    assert low <= own <= high < 1
    assert numbers["models"]["smooth"]["ratio_to_reference"]["rmse"]["vorticity"][2] < 1
    head, _, row = next(
        part for part in text.split("\n\n") if part.startswith("| model | power ratio |")
    ).splitlines()[:3]
    cells = dict(zip(head.split(" | "), row.split(" | "), strict=True))
    values = [numbers["models"]["bilinear"]["band_power_ratio"][field][0] for field in numbers["fields"]]
    found = [float(value) for value in cells["power ratio"].split(" / ")]
    assert found == pytest.approx(values, rel=6e-3) and "RMSE" in head
    filled = document.read_text()
    assert "smooth against bilinear" in filled and "--name toy" in filled.splitlines()[0]
    # A second call computes nothing and says the same.
    before = {path: path.stat().st_mtime_ns for path in (out / "statistics").rglob("*.nc")}
    assert judge.main(arguments(source, out, *more)) == 0
    assert capsys.readouterr().out == printed and document.read_text() == filled
    assert before == {path: path.stat().st_mtime_ns for path in (out / "statistics").rglob("*.nc")}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--every", "0"], "--every 1 or more"),
        (["--period", "2001", "2002", "2003"], "one or two dates"),
        (["--period", "1999"], "time"),
        (["--models", "bicubic", "bicubic"], "bicubic twice"),
        (["--models", "truth=bicubic"], "'truth'"),
        (["--models", "srgan-5x"], "srgan-5x"),
        (["--block-days", "0"], "--block-days"),
        (["--reference", "a", "b"], "one --reference"),
        (["--markdown", "missing.md"], "missing.md"),
        (["--data", "/no/such/file.nc"], "no/such/file.nc"),
        (["--distance", "no-such-network"], "no-such-network"),
        (["--modles", "bicubic"], "--models"),
    ],
)
def test_mistakes(source, tmp_path, flags, words):
    given = arguments(source, tmp_path)
    if flags[0] in given:
        start = given.index(flags[0])
        stop = next((n for n in range(start + 1, len(given)) if given[n].startswith("--")), len(given))
        del given[start:stop]
    with pytest.raises(UserError, match=words):
        judge.main([*given, *flags])


def test_results_may_be_cut_off_at_the_truncation_of_the_data(source, tmp_path, capsys):
    out = tmp_path / "out"
    with pytest.raises(UserError, match="that state a truncation"):
        judge.main(arguments(source, out, "--truncate"))
    stating = tmp_path / "stating.nc"
    with xr.open_dataset(source, engine="netcdf4") as fields:
        for name in fields.data_vars:
            fields[name].attrs["truncation"] = 21
        fields.to_netcdf(stating, engine="netcdf4")
    powers = []
    for more in ([], ["--truncate"]):
        assert judge.main(arguments(stating, out, "--no-targets", *more)) == 0
        numbers = json.loads((out / "judged.json").read_text())["models"]
        powers.append([numbers[name]["spurious_power"]["vorticity"][0] for name in ("bilinear", "smooth")])
    assert min(powers[0]) > 1e-4 and powers[1] == [0.0, 0.0]
    assert "cut off at the truncation" in (out / "judged.md").read_text()
