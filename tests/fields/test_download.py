"""Downloads from local archives of the real layouts: what arrives, what is resumed, and servers that fail."""

import errno
import shutil

import numpy as np
import pytest

from atmodist_core.common.errors import Cancelled, UserError
from atmodist_core.fields import open_fields
from atmodist_core.fields.download import writing
from atmodist_core.fields.download.archive import plan_download
from atmodist_core.fields.download.request import DownloadRequest
from atmodist_core.fields.download.writing import partial_store, write_download
from tests.fields import layouts
from tests.fields.analytic_flow import largest_error
from tests.fields.archive_server import Fault, serve, stand_in

pytest.importorskip("aiohttp")

COEFFICIENTS = DownloadRequest(start="2020-01-01", days=0.5)
BOX = DownloadRequest(start="2020-01-01", days=0.5, level=850, box=(80, -60, -50, 70))


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """A folder with every layout, to be copied."""
    folder = tmp_path_factory.mktemp("archives")
    stand_in(folder)
    return folder


@pytest.fixture
def archive(stores, tmp_path):
    """A server with every layout."""
    folder = shutil.copytree(stores, tmp_path / "served")
    with serve(folder) as running:
        yield running


@pytest.fixture
def out(tmp_path):
    """Where the download goes."""
    return tmp_path / "data" / "era5"


def download(archive, request, out, **options):
    return write_download(plan_download(request, archive.address), out, **options)


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_coefficients_are_those_of_the_archive(archive, out):
    """The fields equal the flow that the archive holds; the size is that of the chunks on the server."""
    plan = plan_download(COEFFICIENTS, archive.address)
    store = archive.folder / COEFFICIENTS.store.path
    first = (store / "vo" / "0.1.0").stat().st_size
    assert plan.measured and plan.chunks == 8 and plan.chunk_bytes == pytest.approx(first, rel=0.5)
    assert plan.kept_bytes == 8 * 4 * 22 * 23
    assert "4 times from 2020-01-01T00:00 to 2020-01-01T09:00 UTC" in plan.sentence()
    write_download(plan, out)
    fields = open_fields(out)
    assert fields.attrs["level"] == "hybrid 120" and "Hersbach" in fields.attrs["notes"]
    assert list(fields.time.values) == list(layouts.TIMES)
    assert largest_error(fields, start=layouts.TIMES[0]) < 5e-7
    assert not partial_store(out).exists()
    assert sorted(p.rsplit("/", 1)[1] for p in archive.chunks() if "/vo/" in p) == [
        f"{n}.1.0" for n in range(4)
    ]


def test_a_box_of_winds_across_greenwich(archive, out):
    """Rows from north to south, columns from west to east, the requested level, and no other point."""
    download(archive, BOX, out)
    import xarray as xr

    stored = xr.open_zarr(out, consolidated=False)
    assert stored["latitude"].values.tolist() == list(range(80, -51, -10))
    assert stored["longitude"].values.tolist() == list(range(-60, 71, 10))
    source = xr.open_zarr(archive.folder / BOX.store.path)["u_component_of_wind"]
    wanted = source.sel(level=850, time=stored["time"], latitude=stored["latitude"])
    wanted = wanted.sel(longitude=stored["longitude"] % 360)
    np.testing.assert_array_equal(stored["u_component_of_wind"][:, 0].values, wanted.values)
    fields = open_fields(out)
    assert fields.attrs["level"] == "850 hPa" and fields.attrs["grid"] == "limited-area"


def test_the_globe_with_several_times_in_a_chunk(archive, out):
    """WeatherBench2: south to north, longitude before latitude, two times a chunk: no chunk is fetched twice."""
    request = DownloadRequest(source="weatherbench2-coarse", start="2020-01-01", days=0.5)
    plan = plan_download(request, archive.address)
    assert plan.chunks == 4
    write_download(plan, out)
    assert len(archive.chunks()) == len(set(archive.chunks())) == 4
    assert largest_error(open_fields(out), start=layouts.TIMES[0]) < 3e-6  # a grid of 32 rows


def test_every_second_time(archive, out):
    request = DownloadRequest(start="2020-01-01", days=0.5, every_hours=6)
    assert list(open_fields(download(archive, request, out)).time.values) == list(layouts.TIMES[::2])


@pytest.mark.parametrize("request_", [COEFFICIENTS, BOX], ids=["coefficients", "box"])
def test_an_interrupted_download_continues_to_the_same_bytes(archive, out, tmp_path, request_):
    whole = download(archive, request_, tmp_path / "whole")
    archive.requests.clear()
    stops = iter([False, False, False, True])
    with pytest.raises(Cancelled):
        download(archive, request_, out, connections=1, cancel=lambda: next(stops, True))
    assert not out.exists() and partial_store(out).is_dir()
    kept = list(partial_store(out).rglob("0*"))
    assert kept
    # What a kill leaves: a torn temporary file, and a chunk that a power failure cut.
    chunk = next(p for p in partial_store(out).rglob("c/0/0/*") if p.is_file() or p.is_dir())
    file = chunk if chunk.is_file() else next(p for p in chunk.rglob("*") if p.is_file())
    file.with_name("0.abc.partial").write_bytes(b"torn")
    file.write_bytes(file.read_bytes()[:10])
    messages = []
    download(archive, request_, out, progress=lambda share, message: messages.append((share, message)))
    assert contents(out) == contents(whole)
    assert messages[-1][0] == 1.0 and messages[-1][1].startswith("4 of 4 times, ")
    archive.requests.clear()
    download(archive, request_, out)  # complete: nothing is fetched
    assert len(archive.chunks()) == 0


def test_what_has_arrived_is_not_fetched_again(archive, out):
    archive.faults.append(Fault("/d/3.", 503))
    with pytest.raises(UserError, match=r"d at 2020-01-01T09:00 could not be fetched in 1 attempts"):
        download(archive, COEFFICIENTS, out, connections=1, retries=0)
    archive.faults.clear()
    archive.requests.clear()
    download(archive, COEFFICIENTS, out)
    assert {p.rsplit("/", 1)[1] for p in archive.chunks()} == {"3.1.0"}


@pytest.mark.parametrize("kind", [503, 429, "cut", "slow"])
def test_a_server_that_fails_at_first(archive, out, kind, monkeypatch):
    monkeypatch.setattr(writing, "_LONGEST_WAIT_S", 0.01)
    archive.faults.append(Fault("/vo/1.", kind, times=2))
    assert largest_error(open_fields(download(archive, COEFFICIENTS, out)), start=layouts.TIMES[0]) < 5e-7


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (503, r"vo at 2020-01-01T03:00 could not be fetched in 2 attempts \(ClientResponseError: 503"),
        ("cut", r"vo at 2020-01-01T03:00 could not be fetched in 2 attempts"),
        (403, r"refuses anonymous access"),
        (404, r"found missing ones; the archive does not hold this time"),
    ],
)
def test_a_server_that_keeps_failing(archive, out, kind, message, monkeypatch):
    monkeypatch.setattr(writing, "_LONGEST_WAIT_S", 0.01)
    archive.faults.append(Fault("/vo/1.", kind))
    with pytest.raises(UserError, match=message):
        download(archive, COEFFICIENTS, out, retries=1)
    assert not out.exists()


def test_a_full_disk(archive, out, monkeypatch):
    """Too little room is noticed before; a disk that fills up meanwhile is an OSError, and nothing is lost."""
    plan = plan_download(COEFFICIENTS, archive.address)
    with monkeypatch.context() as patch:
        patch.setattr(writing.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
        with pytest.raises(
            UserError, match=r"Expected 0\.0 MB of free space for the download, found 0\.0 MB"
        ):
            write_download(plan, out)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", str(out))

    with monkeypatch.context() as patch:
        patch.setattr(writing._Fetch, "_report", full)
        with pytest.raises(OSError, match="No space left"):
            write_download(plan, out)
    assert largest_error(open_fields(write_download(plan, out)), start=layouts.TIMES[0]) < 5e-7


def test_damaged_values_are_refused(archive, out):
    import zarr

    array = zarr.open_array(archive.folder / BOX.store.path, path="u_component_of_wind", mode="r+")
    array[2, 2, 5, 5] = 1e6
    with pytest.raises(
        UserError, match=r"values of u_component_of_wind up to 300 m s\*\*-1, found 1e\+06 at 20"
    ):
        download(archive, BOX, out)


def test_another_layout_is_refused(archive):
    """A variable that was renamed, in other units, or over other dimensions: a newer version of the archive."""
    import zarr

    store = archive.folder / COEFFICIENTS.store.path
    group = zarr.open_group(store, mode="r+", zarr_format=2)
    group["d"].attrs["units"] = "K"
    zarr.consolidate_metadata(str(store), zarr_format=2)
    with pytest.raises(
        UserError, match=r"the variable d over .*, found the units K; the archive has another"
    ):
        plan_download(COEFFICIENTS, archive.address)
    shutil.rmtree(store / "d")
    zarr.consolidate_metadata(str(store), zarr_format=2)
    with pytest.raises(UserError, match=r"the variable d .* found only vo; the archive has another layout"):
        plan_download(COEFFICIENTS, archive.address)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"start": "2019-12-31", "days": 1},
            r"found no 2019-12-31T00:00 in the archive, which holds 2020-01",
        ),
        ({"start": "2020-01-01T09", "days": 1}, r"found no 2020-01-01T12:00 in the archive"),
        ({"start": "2020-01-01", "every_hours": 2, "days": 0.5}, r"found no 2020-01-01T02:00"),
        ({"start": "2020-01-01", "days": 0.5, "model_level": 7}, r"Expected model level 7 among .*119, 120"),
        ({"start": "2020-01-01", "days": 0.5, "level": 900}, r"Expected 900 hPa among .*500, 700, 850"),
        ({"start": "2020-01-01", "days": 0.5, "box": (10, 0, 0, 20)}, r"at least 8 x 8 points .*found 2 x 3"),
    ],
)
def test_what_the_archive_does_not_hold(archive, settings, message):
    with pytest.raises(UserError, match=message):
        plan_download(DownloadRequest(**settings), archive.address)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"source": "era6"}, "Expected --source arco-era5, weatherbench2"),
        ({}, "Expected --start with a date"),
        ({"start": "soon"}, "Expected --start with a date .* found 'soon'"),
        ({"start": "2020-01-01", "days": 0}, "Expected --days above 0"),
        ({"start": "2020-01-01", "days": 1e4}, "Expected --days above 0 and up to 366"),
        ({"start": "2020-01-01", "level": 850, "model_level": 120}, "found both"),
        ({"start": "2020-01-01", "model_level": 120, "box": (50, 0, 40, 9)}, "--box with winds"),
        ({"start": "2020-01-01", "model_level": 120, "source": "weatherbench2"}, "does not hold"),
        ({"start": "2020-01-01", "box": (40, 0, 50, 9)}, "south of a region below its north"),
        ({"start": "2020-01-01", "every_hours": 0}, "Expected --every-hours of at least 1"),
    ],
)
def test_requests_that_cannot_be(settings, message):
    with pytest.raises(UserError, match=message):
        DownloadRequest(**settings)


def test_nobody_listens():
    with pytest.raises(UserError, match=r"cannot be read \(Client"):
        plan_download(COEFFICIENTS, "http://127.0.0.1:9")


def test_other_contents_are_not_replaced(archive, out):
    download(archive, COEFFICIENTS, out)
    with pytest.raises(UserError, match=r"a new folder for --out, found .*with other contents"):
        download(archive, BOX, out)
    out.rename(partial_store(out))
    with pytest.raises(UserError, match="a part of this download, found another one"):
        download(archive, BOX, out)


def test_the_command(archive, out, capsys, monkeypatch):
    """It states the size, asks unless --yes, and names what opens the result."""
    from train.download import main

    flags = ["--start", "2020-01-01", "--days", "0.5", "--out", str(out), "--mirror", archive.address]
    with pytest.raises(UserError, match="Expected --yes where nobody can be asked"):
        main(flags)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "")
    assert main(flags) == 0 and "Nothing was downloaded" in capsys.readouterr().out and not out.exists()
    assert main([*flags, "--yes"]) == 0
    printed = capsys.readouterr()
    assert f"open_fields('{out}')" in printed.out and "Hersbach" in printed.out
    assert "4 of 4 times" in printed.err
    box = [*flags[:4], "--mirror", archive.address, "--level", "850", "--yes", "--out", str(out) + "-box"]
    assert main([*box, "--box", "80", "-60", "-50", "70"]) == 0
    assert dict(open_fields(f"{out}-box").sizes) == {"time": 4, "latitude": 14, "longitude": 14}


@pytest.mark.network
def test_the_real_archive(out):
    """One hour of coefficients of model level 120, 3 MB, from Google's public bucket."""
    plan = plan_download(DownloadRequest(start="2020-01-01", days=1 / 24))
    fields = open_fields(write_download(plan, out), region="Europe").load()
    assert 2e-5 < float(fields.vorticity.std()) < 1e-4
