"""The file of an evaluation: netCDF with a group for each kind of result."""

from __future__ import annotations

import os
from pathlib import Path

import xarray as xr

from atmodist_core.common.errors import UserError

EVALUATION_VERSION = 2
"""Raise it when the layout of the file changes."""


def write_evaluation(tree: xr.DataTree, path: Path) -> None:
    """Write an evaluation to a ``.nc`` file in one step, so that no reader finds half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    packed = {"zlib": True, "complevel": 4, "shuffle": True}
    encoding = {
        node.path: {
            str(name): dict(packed)
            for name, field in node.data_vars.items()
            if field.dtype.kind in "fi" and field.ndim
        }
        for node in tree.subtree
    }
    try:
        tree.to_netcdf(scratch, engine="netcdf4", encoding=encoding)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def open_evaluation(path: Path | str) -> xr.DataTree:
    """Read an evaluation.

    Parameters
    ----------
    path : Path or str
        File that ``train/evaluate.py`` wrote.

    Returns
    -------
    xarray.DataTree
        In memory. Groups: ``spectra`` (``regional_spectra`` of a limited area), ``semivariogram``, ``scores``,
        ``values``, ``extremes``, and, if computed, ``series``, ``maps``, ``latitudes``, ``cities``, ``verdicts``,
        ``ensembles``, ``city_samples``, ``distance``. Every variable has ``units``, ``long_name`` and ``definition``.

    Raises
    ------
    UserError
        If there is no such file, it is no evaluation, or was written by another version.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(
            f"Expected an evaluation file at {path}, found none; make one with train/evaluate.py."
        )
    try:
        with xr.open_datatree(path, engine="netcdf4") as opened:
            tree = opened.load()
    except (OSError, ValueError) as error:
        raise UserError(
            f"Expected an evaluation file written by train/evaluate.py, found {path.name}, which cannot be read as "
            f"NetCDF; give the file evaluation.nc of an evaluation."
        ) from error
    version = tree.attrs.get("evaluation_version")
    if version is None:
        raise UserError(
            f"Expected an evaluation file written by train/evaluate.py, found {path.name}, a NetCDF file without "
            f"evaluation_version; give the file evaluation.nc of an evaluation."
        )
    if int(version) != EVALUATION_VERSION:
        raise UserError(
            f"Expected an evaluation of version {EVALUATION_VERSION}, found version {int(version)} in {path.name}; "
            f"run train/evaluate.py again to make it."
        )
    return tree
