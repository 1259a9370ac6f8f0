"""Pipes, sockets, devices, loops of folders, and links that lead out of the data folder."""

import os
import socket

import h5py
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.fields import open_fields
from tests.fields import layouts
from tests.fields.mistakes import error_of, good_dataset, written


@pytest.mark.parametrize("kind", ["a named pipe", "a socket", "a device"])
@pytest.mark.parametrize("in_folder", [True, False])
def test_files_that_would_block(kind, in_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    folder = tmp_path / "data"
    folder.mkdir()
    good_dataset().to_netcdf(folder / "a.nc", engine="netcdf4")
    path = folder / "b.nc"
    if kind == "a named pipe":
        os.mkfifo(path)
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("data/b.nc")
    elif in_folder:
        pytest.skip("a link to a device leads out of the folder")
    else:
        path.symlink_to("/dev/zero")
    assert f"found {kind} at" in error_of(folder if in_folder else path)


def test_a_pipe_in_a_store(tmp_path):
    path = layouts.ecmwf_datacube(tmp_path)
    chunk = path / "u" / "c" / "0" / "0" / "0" / "0"
    chunk.unlink()
    os.mkfifo(chunk)
    with pytest.raises(UserError, match="found a pipe or device"):
        open_fields(path).isel(time=0).load()
    (path / "zarr.json").unlink()
    os.mkfifo(path / "zarr.json")
    assert error_of(path)


def test_a_loop_of_folders(tmp_path):
    good_dataset().to_netcdf(tmp_path / "a.nc", engine="netcdf4")
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "itself.nc").symlink_to(tmp_path / "itself.nc")
    assert error_of(tmp_path)
    (tmp_path / "itself.nc").unlink()
    assert open_fields(tmp_path).sizes["time"] == 2


def test_links_that_leave_a_folder(tmp_path):
    outside = written(good_dataset(), tmp_path)
    folder = tmp_path / "folder"
    folder.mkdir()
    link = folder / "link.nc"
    link.symlink_to(outside)
    assert "found the link link.nc that leads out of it" in error_of(folder)
    assert open_fields(link).sizes["time"] == 2, "a link that the user names is followed"
    assert open_fields(str(folder / "*.nc")).sizes["time"] == 2


@pytest.mark.parametrize("part", ["chunk", "metadata", "array"])
def test_links_that_leave_a_store(part, tmp_path):
    path = layouts.ecmwf_datacube(tmp_path)
    inside = {"chunk": path / "u/c/0/0/0/0", "metadata": path / "u/zarr.json", "array": path / "u"}[part]
    inside.rename(tmp_path / "outside")
    inside.symlink_to(tmp_path / "outside")
    with pytest.raises(UserError, match="that leads out of it"):
        open_fields(path).isel(time=0).load()
    whole = tmp_path / "link.zarr"
    whole.symlink_to(layouts.weatherbench2(tmp_path))
    assert open_fields(whole, level=850).sizes["time"] == 4


@pytest.mark.parametrize("how", ["external link", "virtual dataset", "external storage"])
def test_hdf5_that_reads_other_files(how, tmp_path):
    outside = tmp_path / "outside.nc"
    good_dataset().to_netcdf(outside, engine="netcdf4")
    path = tmp_path / "data.nc"
    good_dataset().drop_vars("u" if how != "external link" else "v").to_netcdf(path, engine="netcdf4")
    with h5py.File(path, "a") as file:
        if how == "external link":
            file["v"] = h5py.ExternalLink(str(outside), "/v")
        elif how == "virtual dataset":
            layout = h5py.VirtualLayout(shape=(2, 11, 11), dtype="f8")
            layout[:] = h5py.VirtualSource(str(outside), "u", shape=(2, 11, 11))
            file.create_virtual_dataset("u", layout)
        else:
            file.create_dataset("u", (2, 11, 11), "f8", external=[(str(outside), 0, 2 * 11 * 11 * 8)])
    text = error_of(path)
    assert "refers to another file, which is not followed" in text


def test_a_virtual_dataset_of_the_same_file_is_no_link(tmp_path):
    from atmodist_core.fields.open.netcdf_integrity import refuse_links_of_hdf5

    path = written(good_dataset(), tmp_path)
    with h5py.File(path, "a") as file:
        layout = h5py.VirtualLayout(shape=(2, 11, 11), dtype="f8")
        layout[:] = h5py.VirtualSource(".", "u", shape=(2, 11, 11))
        file.create_virtual_dataset("copy", layout)
    refuse_links_of_hdf5(str(path), "data.nc")
