"""Downscaling for users: coarse fields in, fine fields out, by a trained network or by interpolation."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import xarray as xr

from atmodist_core.common.errors import AtmodistWarning, Cancelled, UserError
from atmodist_core.fields.amplitude import relative_amplitude
from atmodist_core.fields.canonical.field_arrays import FieldArrays
from atmodist_core.fields.canonical.notes import add_note
from atmodist_core.fields.grid.boundaries import Boundaries
from atmodist_core.fields.grid.fine_grid import FineGrid
from atmodist_core.fields.grid.grid_noise import GridNoise
from atmodist_core.fields.grid.interpolation import KERNELS, Interpolation
from atmodist_core.fields.grid.regions import Region, as_region, cells_of
from atmodist_core.fields.sharpness import wanted_sharpness
from atmodist_core.inference.member_numbers import check_member_numbers
from atmodist_core.inference.tiling import MAKESHIFT_MARGIN, Enlarger, enlarge, plan_tiles
from atmodist_core.models.applicability import applicability_sentence
from atmodist_core.models.card import ModelCard
from atmodist_core.models.interpolation import interpolation_card

DEFAULT_FACTOR = 4
"""Default factor of interpolation."""


class Downscaler:
    """Turn coarse fields into fine ones: made by :func:`load_downscaler`, then called like a function.

    Attributes
    ----------
    card : ModelCard
        Of the model.
    name : str
        Of the model.
    factor : int
        Fine cells per coarse cell along each axis.
    precision : str
        ``float32`` or ``bfloat16``.
    engine : str
        What runs it: ``torch`` or ``openvino`` for networks, ``numpy`` for interpolation.
    is_ensemble : bool
        Whether it draws members.
    """

    def __init__(
        self,
        card: ModelCard,
        enlarger: Enlarger,
        precision: Literal["float32", "bfloat16"],
        engine: Literal["torch", "openvino", "numpy"] = "torch",
    ) -> None:
        self.card = card
        self.name = card.name
        self.factor = enlarger.factor
        self.precision = precision
        self.engine = engine
        self.is_ensemble = enlarger.takes_noise
        self._enlarger = enlarger
        self._warned: set[str] = set()

    def __repr__(self) -> str:
        return f"Downscaler({self.name!r}, factor={self.factor}, precision={self.precision!r})"

    def __call__(
        self,
        coarse: xr.Dataset,
        *,
        region: Region | str | None = None,
        margin: int | None = None,
        tile: int | None = None,
        members: int | None = None,
        seed: int = 0,
        first_member: int = 0,
        like: xr.Dataset | None = None,
        progress: Callable[[float, str], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> xr.Dataset:
        """Downscale fields.

        Beyond the edges of the coarse grid the field is continued as
        :class:`~atmodist_core.fields.grid.boundaries.Boundaries` says: a full circle of longitudes wraps
        exactly, across a pole the far side follows turned by half the circle, and a limited area is mirrored.
        Results within ``receptive radius`` coarse cells of a limited area's edge rest in part on that mirror
        image, in practice the outermost few. Where the area has gaps, fine cells of a missing coarse cell are missing,
        and for its neighbours alone the network sees the value of the nearest valid cell.

        The fields are worked through time by time in tiles, each computed with enough surroundings (40
        coarse cells for the published generator) that the result equals that of one pass. Besides input and
        result this takes less than 1 GiB of memory whatever the size of the grid; the result itself takes
        4 bytes for each field, time and fine cell.

        Parameters
        ----------
        coarse : xarray.Dataset
            Canonical fields, e.g. of :func:`atmodist_core.coarsen`: the card's channels in physical units.
            Without a time axis the result has none either.
        region : Region or str, optional
            Compute only the coarse cells whose centres lie in it. Everything around it in ``coarse`` is
            taken into account, so the result is that part of the result for all of ``coarse``.
        margin : int, optional
            Coarse cells around each tile or region that are taken into account; default: as many as matter.
            Fewer are quicker and not exact.
        tile : int, optional
            Longest side of a tile [coarse cells]; default: as large as the memory allows.
        members : int, optional
            Of an ensemble model: how many fields to draw, along an axis ``member``. By default one, without that
            axis, as of a model without noise.
        seed : int
            Of the noise of an ensemble model: the same members for the same seed, others for another. The noise
            depends on seed, member, time and place alone, not on tiles, region or the other members; see
            :mod:`atmodist_core.fields.grid.grid_noise`.
        first_member : int
            Number of the first member that is drawn: members 4 to 7 are those that eight members from 0 have there.
        like : xarray.Dataset, optional
            Fine fields of the archive that the result should be as sharp as (:func:`atmodist_core.sharpness`), for models that can be told;
            by default the fields that :func:`atmodist_core.coarsen` made the coarse ones of, else the training data.
        progress : callable, optional
            Called with the fraction done (0 to 1) and a message.
        cancel : callable, optional
            Returns True to stop; called several times a second.

        Returns
        -------
        xarray.Dataset
            Fine fields, float32, in the units of the input, over (member,) time, latitude, longitude: ``factor``
            cells in each coarse cell, around its centre. Rows that would lie beyond a pole (where a coarse
            row is centred on it) are left out, and a full circle of longitudes is given within [0, 360).
            The attributes name model, version and precision, and ``notes`` tells how edges were treated and
            what makes the model less than suited.

        Raises
        ------
        UserError
            When the input does not fit: fields or axes missing, out of order or with gaps; when members are
            asked of a model that has none.
        Cancelled
            When ``cancel`` returned True.

        Warns
        -----
        AtmodistWarning
            Once for each sentence of :meth:`applicability`.
        """
        arrays = FieldArrays.of(coarse, self.card.channels, self.name)
        latitude, longitude = arrays.latitude, arrays.longitude
        boundaries = Boundaries.of(latitude, longitude)
        row_range, column_range = cells_of(as_region(region), latitude, longitude)
        margin = self._margin(margin)
        tiles = plan_tiles(
            row_range,
            column_range,
            boundaries,
            margin=margin,
            tile=tile,
            largest_window=self._enlarger.largest_window,
        )
        grid = FineGrid.of(latitude, longitude, self.factor, row_range, column_range)

        def check() -> None:
            if cancel is not None and cancel():
                raise Cancelled(f"Downscaling with {self.name} was cancelled.")

        advice = "whose card says noise_channels"
        check_member_numbers(
            self.name, members, seed, first_member, is_ensemble=self.is_ensemble, advice=advice
        )
        conditions, told = self._conditions(arrays, like)
        times, count = arrays.time_count, 1 if members is None else members
        size = (grid.latitude.size, grid.longitude.size)
        fine = np.empty((len(arrays.channels), count, times, *size), dtype=np.float32)
        gaps = 0
        for done, (time, member) in enumerate(itertools.product(range(times), range(count))):
            check()

            def advance(fraction: float, done: int = done, time: int = time, member: int = member) -> None:
                if progress is not None:
                    which = "" if members is None else f", member {member + 1} of {count}"
                    progress(
                        (done + fraction) / (times * count), f"{self.name}: time {time + 1} of {times}{which}"
                    )

            if member == 0:
                fields, valid = arrays.read_filled(time)
                missing = ~valid[slice(*row_range)][:, np.arange(*column_range) % longitude.size]
                missing = np.repeat(np.repeat(missing, self.factor, axis=0), self.factor, axis=1)
                gaps = max(gaps, int(np.count_nonzero(~valid)))
                seen = np.where(valid, fields, np.float32(np.nan))
                amplitude = relative_amplitude(seen, latitude, self.card.amplitude.values())
                fields = fields / amplitude
            block = enlarge(
                np.concatenate([fields, conditions]),
                self._enlarger,
                boundaries,
                tiles,
                latitude,
                noise=_noise(arrays, boundaries, seed, first_member + member, time)
                if self.is_ensemble
                else None,
                progress=advance,
                check=check,
            )
            block[:, missing] = np.nan
            fine[:, member, time] = np.roll(block[:, grid.rows] * amplitude, grid.roll, axis=-1)
        result = self._dataset(arrays, grid, fine)
        if self.is_ensemble:
            result.attrs["downscaling_seed"] = seed
        numbers = np.arange(first_member, first_member + count)
        result = result.isel(member=0) if members is None else result.assign_coords(member=numbers)
        self._add_notes(result, arrays, boundaries, margin, gaps)
        if told:
            add_note(result, told)
        return result if arrays.had_time else result.isel(time=0)

    def applicability(self, coarse: xr.Dataset) -> str | None:
        """Say in one sentence how the input differs from the training fields; None where it does not.

        Compared are the grid spacing (more than 10 % off), the level, and the standard deviation of every
        field.
        """
        return applicability_sentence(self.card, FieldArrays.of(coarse, self.card.channels, self.name))

    def _conditions(self, arrays: FieldArrays, like: xr.Dataset | None) -> tuple[np.ndarray, str]:
        """What the network is told of the wanted fields, ``(channel, latitude, longitude)``, and a note of it."""
        count = self._enlarger.condition_channels
        shape = (count, arrays.latitude.size, arrays.longitude.size)
        if not count:
            return np.empty(shape, np.float32), ""
        usual = self.card.sharpness
        numbers, told = wanted_sharpness(arrays.dataset, arrays.channels, self.factor, usual, like)
        return np.broadcast_to(numbers.reshape(count, 1, 1), shape), f"{self.name} was told {told}"

    def _margin(self, margin: int | None) -> int:
        radius = self._enlarger.radius
        if margin is None or self.card.kind == "interpolation":
            return radius
        if not isinstance(margin, int) or margin < 0:
            raise UserError(
                f"Expected a margin of 0 or more coarse cells, found {margin!r}: give 8, or leave it out "
                "for an exact result."
            )
        return min(margin, radius)

    def _dataset(self, arrays: FieldArrays, grid: FineGrid, fine: np.ndarray) -> xr.Dataset:
        source = arrays.dataset
        dimensions = ("member", "time", "latitude", "longitude")
        result = xr.Dataset(
            {
                name: (dimensions, values, dict(source[name].attrs))
                for name, values in zip(arrays.channels, fine, strict=True)
            },
            coords={
                "latitude": (
                    "latitude",
                    grid.latitude,
                    _axis_attributes(source, "latitude", "degrees_north"),
                ),
                "longitude": (
                    "longitude",
                    grid.longitude,
                    _axis_attributes(source, "longitude", "degrees_east"),
                ),
            },
            attrs={
                **source.attrs,
                "grid": grid.name,
                "downscaled_by": self.name,
                "model_version": f"{self.card.code_version}, saved {self.card.created}",
                "downscaling_factor": self.factor,
                "downscaling_precision": self.precision,
                "downscaling_engine": self.engine,
            },
        )
        return result.assign_coords(time=source["time"]) if "time" in source.coords else result

    def _add_notes(
        self, result: xr.Dataset, arrays: FieldArrays, boundaries: Boundaries, margin: int, gaps: int
    ) -> None:
        add_note(result, f"Downscaled by {self.name} with a factor of {self.factor} along each axis.")
        if self.precision == "bfloat16":
            add_note(
                result,
                "Computed in bfloat16, which changes the fields by 1 to 2 % of their rms; use float32 for "
                "scores.",
            )
        if margin < self._enlarger.radius:
            add_note(
                result,
                f"Computed with {margin} instead of {self._enlarger.radius} coarse cells around each tile: "
                "a preview.",
            )
        if not boundaries.is_globe:
            mirrored = min(margin, MAKESHIFT_MARGIN)
            add_note(
                result,
                f"Beyond the edges of the area {mirrored} coarse cells of mirror image were added, so values "
                "near them are less certain.",
            )
        else:
            add_note(result, "Across the poles the fields were continued along the same meridian's far side.")
        if gaps:
            add_note(
                result,
                f"{gaps} coarse cells hold no values, and neither do the fine cells in them; beside them the network saw "
                "the value of the nearest valid cell, so values there are less certain.",
            )
        sentence = applicability_sentence(self.card, arrays)
        if sentence is not None:
            add_note(result, sentence)
            if sentence not in self._warned:
                self._warned.add(sentence)
                warnings.warn(sentence, AtmodistWarning, stacklevel=3)


def _noise(arrays: FieldArrays, boundaries: Boundaries, seed: int, member: int, time: int) -> GridNoise:
    """Return the noise of a member at one time."""
    moment = arrays.moment(time)
    return GridNoise(arrays.latitude, arrays.longitude, boundaries, seed=seed, member=member, moment=moment)


def _axis_attributes(source: xr.Dataset, name: str, units: str) -> dict[str, Any]:
    return {"units": units, "standard_name": name, "long_name": name, **source[name].attrs}


def load_downscaler(
    name_or_path: str | Path,
    *,
    device: Any = None,
    precision: Literal["float32", "bfloat16", "auto"] = "float32",
    factor: int | None = None,
    engine: Literal["torch", "openvino"] | None = None,
) -> Downscaler:
    """Load a downscaler.

    Parameters
    ----------
    name_or_path : str or path
        ``"bilinear"``, ``"bicubic"``, the name of a model of :func:`atmodist_core.list_models`, a
        model's folder, or a web address such as ``"https://host/model"``.
    device : str or torch.device, optional
        Where a network computes; default: a GPU where there is one, else the CPU.
    precision : {"float32", "bfloat16", "auto"}
        ``auto`` takes bfloat16 where the hardware computes with it: several times faster, and 1 to 2 % of
        the fields' rms off. Scores should use float32. Interpolation is always float32.
    factor : int, optional
        Fine cells per coarse cell of an interpolation (default 4); a network's is its own.
    engine : {"torch", "openvino"}, optional
        What runs a network; default: what ``ATMODIST_ENGINE`` in the environment names, else torch. OpenVINO
        is an optional package for the CPU; docs/performance.md has its times.

    Returns
    -------
    Downscaler

    Raises
    ------
    UserError
        When there is no such model, it is no downscaler, its files are broken, it has another factor, or the
        engine cannot be had.
    """
    if str(name_or_path) in KERNELS:
        method = Interpolation(str(name_or_path), DEFAULT_FACTOR if factor is None else factor)
        return Downscaler(interpolation_card(method.name, method.factor), method, "float32", "numpy")
    # torch is only needed for networks.
    from atmodist_core.inference.devices import resolve_engine
    from atmodist_core.inference.generator_inference import GeneratorInference
    from atmodist_core.models.card import read_card_of
    from atmodist_core.models.hub import local_model
    from atmodist_core.models.store import load_network
    from atmodist_core.networks import Generator
    from atmodist_core.networks.flow_network import FlowNetwork

    folder = local_model(name_or_path)
    card = read_card_of("downscaler", folder)
    if factor not in (None, card.factor):
        raise UserError(
            f"Expected a model for a factor of {factor}, found {card.name!r} with a factor of "
            f"{card.factor}: choose another model or leave the factor out."
        )
    runner, chosen, resolved = resolve_engine(engine, device, precision)
    card, network = load_network(folder)
    assert card.normalization is not None, "a downscaler's card has a normalisation"
    if isinstance(network, FlowNetwork):
        from atmodist_core.inference.flow_inference import FlowInference

        return Downscaler(card, FlowInference(network, card.normalization, chosen, resolved), resolved)
    inference = GeneratorInference(cast(Generator, network), card.normalization, chosen, resolved, runner)
    return Downscaler(card, inference, resolved, runner)
