"""The commands that embed a record and search it, on files."""

import csv

import numpy as np
import pytest

import atmodist_core as ad
from atmodist_core.inference.similar.embedded_record import open_embeddings
from atmodist_studio.command import run_command
from tests.networks.mock_models import globe, saved_distance


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A file of seventy times, a network, and the store that the command made of them."""
    folder = tmp_path_factory.mktemp("similar")
    saved_distance(folder / "tiny-distance", grid_spacing_deg=5.625)
    globe(rows=32, columns=64, times=70).to_netcdf(folder / "record.nc")
    made = run_command(
        [
            *("embed", "--data", str(folder / "record.nc"), "--out", str(folder / "store")),
            *("--model", str(folder / "tiny-distance"), "--no-progress"),
        ]
    )
    assert made == 0
    return folder


def test_the_store_holds_the_distances_of_all_pairs(place, monkeypatch):
    record = open_embeddings(place / "store")
    network = ad.load_distance(place / "tiny-distance")
    matrix = network.matrix(ad.open_fields(place / "record.nc")).values
    distances, hours = record.known_pairs[None]
    first, second = np.triu_indices(70, 1)
    # Activations in float16 keep three digits.
    np.testing.assert_allclose(np.sort(distances), np.sort(matrix[first, second]), rtol=5e-3)
    np.testing.assert_array_equal(np.sort(hours), np.sort(3.0 * (second - first)))
    # They are read, and not computed again.
    monkeypatch.setattr("atmodist_core.inference.similar.find_similar.sampled_pairs", None)
    assert ad.find_similar(place / "store", "2001-01-02", 1)["pairs"].item() > 0
    with pytest.raises(TypeError):
        ad.find_similar(place / "store", "2001-01-02", 1, "Europe")


def test_a_store_of_an_earlier_version_is_searched_and_completed(place, tmp_path):
    import shutil

    shutil.copytree(place / "store", tmp_path / "old")
    for name in ("pair_distance", "pair_hours"):
        shutil.rmtree(tmp_path / "old" / name)
    old = ad.find_similar(tmp_path / "old", "2001-01-02")
    assert old.identical(ad.find_similar(place / "store", "2001-01-02"))
    fields = ad.open_fields(place / "record.nc")
    ad.embed_record(fields, tmp_path / "old", model=str(place / "tiny-distance"))
    for name in ("pair_distance", "pair_hours"):
        files = [folder / name / "c" / "0" for folder in (place / "store", tmp_path / "old")]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_the_table_lists_what_the_library_finds(place, tmp_path, capsys):
    flags = ["--store", str(place / "store"), "--query", "2001-01-05T00:00", "--k", "3"]
    table = tmp_path / "table.csv"
    code = run_command(["similar", *flags, "--region", "-30,60,20,170", "--out", str(table)])
    assert code == 0
    expected = ad.find_similar(place / "store", "2001-01-05T00:00", 3, ad.Region(-30.0, 60.0, 20.0, 170.0))
    lines = capsys.readouterr().out.splitlines()[2:5]
    for line, rank in zip(lines, range(3), strict=True):
        number, when, distance, hours, share, *_ = line.split()
        one = expected.isel(rank=rank)
        assert number == str(rank + 1) and when == str(one["time"].values.astype("datetime64[m]"))
        assert distance == f"{float(one['distance']):.4f}" and float(hours) == float(one["separation"])
        assert share == f"{float(one['percentile']):.1f}"
    rows = list(csv.DictReader(table.read_text().splitlines()))
    np.testing.assert_allclose([float(row["distance"]) for row in rows], expected["distance"], rtol=1e-6)


def test_a_query_may_come_from_another_file(place, tmp_path, capsys):
    other = globe(rows=32, columns=64, times=70).isel(time=[8])
    other.assign_coords(time=[np.datetime64("1999-05-05", "ns")]).to_netcdf(tmp_path / "other.nc")
    flags = ["--store", str(place / "store"), "--query", "1999-05-05", "--k", "1"]
    flags += ["--model", str(place / "tiny-distance")]
    assert run_command(["similar", *flags, "--query-data", str(tmp_path / "other.nc")]) == 0
    assert "2001-01-02T00:00" in capsys.readouterr().out.splitlines()[2]  # the ninth time
    with pytest.raises(ad.UserError, match=r"Expected a time of .*other\.nc for --query"):
        run_command(
            ["similar", *flags[:2], "--query", "2005-01-01", "--query-data", str(tmp_path / "other.nc")]
        )


def test_mistakes_are_said(place):
    with pytest.raises(ad.UserError, match="Expected a time for --query"):
        run_command(["similar", "--store", str(place / "store")])
    with pytest.raises(ad.UserError, match="Expected a region among"):
        run_command(
            ["similar", "--store", str(place / "store"), "--query", "2001-01-02", "--region", "Atlantis"]
        )
    with pytest.raises(ad.UserError, match="one date or a first and a last"):
        run_command(["embed", "--data", str(place / "record.nc"), "--period", "2001", "2002", "2003"])
