"""Filling gaps for users: fields with missing points in, the same fields with values there out."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from atmodist_core.common.errors import AtmodistWarning, Cancelled, UserError
from atmodist_core.fields.canonical.field_arrays import FieldArrays
from atmodist_core.fields.canonical.notes import add_note
from atmodist_core.fields.derive import derive_from_canonical_wind
from atmodist_core.fields.grid.boundaries import Boundaries
from atmodist_core.fields.grid.gap_interpolation import GAP_INTERPOLATIONS
from atmodist_core.fields.grid.grid_noise import GridNoise
from atmodist_core.fields.grid.validity import Mask
from atmodist_core.inference.devices import Precision, resolve_device, resolve_precision
from atmodist_core.inference.gaps.gap_methods import GapFilling, InterpolatedGapFilling, NetworkGapFilling
from atmodist_core.inference.member_numbers import check_member_numbers
from atmodist_core.models.applicability import applicability_sentence
from atmodist_core.models.card import ModelCard, read_card_of
from atmodist_core.models.hub import local_model
from atmodist_core.models.interpolation import interpolation_card
from atmodist_core.models.store import load_network
from atmodist_core.networks.gap_network import GapNetwork

_LIMITS = "Has no small scales inside gaps."


class GapFiller:
    """Fill missing points of fields: made by :func:`load_gap_filler`, then called like a function.

    Attributes
    ----------
    card : ModelCard
        Of the model.
    name : str
        Of the model.
    precision : str
        ``float32`` or ``bfloat16``.
    is_ensemble : bool
        Whether it draws members.
    """

    def __init__(self, card: ModelCard, filling: GapFilling, precision: Precision = "float32") -> None:
        self.card, self.name, self.precision = card, card.name, precision
        self.is_ensemble = filling.takes_noise
        self._filling = filling
        self._warned: set[str] = set()

    def __repr__(self) -> str:
        return f"GapFiller({self.name!r}, precision={self.precision!r})"

    def __call__(
        self,
        fields: xr.Dataset,
        *,
        members: int | None = None,
        seed: int = 0,
        within: float | None = None,
        progress: Callable[[float, str], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> xr.Dataset:
        """Fill the gaps of fields; see :func:`fill_gaps`."""
        fields = _with_derived(fields, self.card.channels)
        arrays = FieldArrays.of(fields, self.card.channels, self.name)
        check_member_numbers(
            self.name,
            members,
            seed,
            is_ensemble=self.is_ensemble,
            advice="such as gaps-atmodist-ensemble",
        )
        _check_within(within)
        boundaries = Boundaries.of(arrays.latitude, arrays.longitude)
        times, count = arrays.time_count, 1 if members is None else members
        given = [arrays.dataset[name].values for name in arrays.channels]
        missing = np.stack([~np.isfinite(values) for values in given])
        filled = [np.repeat(values[None], count, axis=0) for values in given]

        def check() -> None:
            if cancel is not None and cancel():
                raise Cancelled(f"Filling gaps with {self.name} was cancelled.")

        farthest = 0.0
        for done, (time, member) in enumerate(itertools.product(range(times), range(count))):
            check()
            if progress is not None:
                progress(done / (times * count), f"{self.name}: time {time + 1} of {times}")
            gaps = missing[:, time]
            if not gaps.any():
                continue
            if member == 0:
                apart = _points_from_values(np.asarray(gaps.any(axis=0)), boundaries, time)
                if within is not None:
                    gaps &= apart <= within
                farthest = max(farthest, float(apart[gaps.any(axis=0)].max(initial=0.0)))
            seen = np.stack([values[time].astype(np.float32) for values in given])
            noise = None
            if self.is_ensemble:
                noise = GridNoise(
                    arrays.latitude,
                    arrays.longitude,
                    boundaries,
                    seed=seed,
                    member=member,
                    moment=arrays.moment(time),
                )
            found = self._filling.fill(seen, boundaries, arrays.latitude, noise, check)
            for values, new, where in zip(filled, found, gaps, strict=True):
                values[member, time][where] = new[where]
        result = self._dataset(fields, arrays, filled, np.asarray(missing.any(axis=0)), members)
        self._describe(result, arrays, farthest, seed if self.is_ensemble else None)
        return result

    def _dataset(
        self,
        fields: xr.Dataset,
        arrays: FieldArrays,
        values: list[np.ndarray],
        missing: NDArray[np.bool_],
        members: int | None,
    ) -> xr.Dataset:
        """The dataset that was given, with filled fields and the mask; axes as they were, members first."""
        result = fields.copy()
        axes = ("time", "latitude", "longitude")
        for name, filled in zip(arrays.channels, values, strict=True):
            source = fields[name]
            array = xr.DataArray(filled, dims=("member", *axes))
            if not arrays.had_time:
                array = array.isel(time=0)
            array = array.transpose("member", *source.dims)
            array = array.isel(member=0) if members is None else array
            result[name] = (array.dims, array.values, source.attrs)
        mask = xr.DataArray(missing.astype(np.int8), dims=axes)
        mask = mask if arrays.had_time else mask.isel(time=0)
        flags = {"flag_values": np.array([0, 1], np.int8), "flag_meanings": "given filled"}
        result["filled"] = (
            mask.dims,
            mask.values,
            {"long_name": "points where a field was filled", "units": "1"} | flags,
        )
        if members is not None:
            result = result.assign_coords(member=np.arange(members))
        return result

    def _describe(self, result: xr.Dataset, arrays: FieldArrays, farthest: float, seed: int | None) -> None:
        """Say in attributes and notes what was done, and warn where the model suits less."""
        count = int(result["filled"].sum())
        result.attrs |= {
            "gaps_filled_by": self.name,
            "model_version": f"{self.card.code_version}, saved {self.card.created}",
            "gap_filling_precision": self.precision,
        }
        if seed is not None:
            result.attrs["gap_filling_seed"] = seed
        if not count:
            add_note(result, "There were no gaps to fill.")
            return
        share = count / result["filled"].size
        add_note(
            result,
            f"{count} missing points ({share:.1%}) were filled by {self.name}; the variable filled tells where.",
        )
        sentences = [applicability_sentence(self.card, arrays)]
        patch = self.card.schedule.get("patch_size")
        if isinstance(patch, int) and farthest > patch / 2:
            sentences.append(
                f"Gaps reach {farthest:.0f} points from the nearest value; {self.name} was trained on gaps that reach at most"
                f" {patch // 2}, so read their inner parts with care."
            )
        for sentence in filter(None, sentences):
            add_note(result, sentence)
            if sentence not in self._warned:
                self._warned.add(sentence)
                warnings.warn(sentence, AtmodistWarning, stacklevel=3)


def _check_within(within: float | None) -> None:
    if within is not None and (not isinstance(within, int | float) or not within >= 1):
        raise UserError(f"Expected within of 1 point or more, found {within!r}: give 20, or leave it out.")


def _with_derived(fields: xr.Dataset, channels: tuple[str, ...]) -> xr.Dataset:
    """Return the fields with vorticity and divergence of their wind, where the model wants those and only wind is there."""
    wanted = {"vorticity", "divergence"}
    is_wind = isinstance(fields, xr.Dataset) and {"u", "v"} <= set(fields.data_vars)
    if not is_wind or not set(channels) <= wanted or set(channels) & set(fields.data_vars) or not channels:
        return fields
    has_gaps = bool(fields[["u", "v"]].isnull().any().to_array().any())
    notes: list[str] = []
    derived = derive_from_canonical_wind(fields["u"], fields["v"], notes.append, has_gaps=has_gaps)
    derived.attrs = {**fields.attrs, **derived.attrs}
    add_note(
        derived,
        "Vorticity and divergence were derived from the wind, then their gaps filled; the wind was not.",
    )
    return derived


def _points_from_values(missing: Mask, boundaries: Boundaries, time: int) -> NDArray[np.float64]:
    """Return how far [points] each point is from the nearest given one; a time without any is refused."""
    if missing.all():
        raise UserError(
            f"Expected fields with values, found only missing ones at time number {time}: choose another region or period."
        )
    columns = missing.shape[1]
    around = np.concatenate([missing] * 3, axis=1) if boundaries.wraps else missing
    apart = np.asarray(distance_transform_edt(around))
    return apart[:, columns : 2 * columns] if boundaries.wraps else apart


def load_gap_filler(
    name_or_path: str | Path,
    *,
    device: Any = None,
    precision: Literal["float32", "bfloat16", "auto"] = "float32",
    tile: int | None = None,
) -> GapFiller:
    """Load what fills gaps.

    Parameters
    ----------
    name_or_path : str or path
        ``"harmonic"`` or ``"nearest"`` (see :func:`~atmodist_core.fields.grid.gap_interpolation.interpolated_gaps`), the name
        of a model of :func:`atmodist_core.list_models` of the kind ``"gap filler"``, a model's folder, or a web address.
    device : str or torch.device, optional
        Where a network computes; default: a GPU where there is one, else the CPU.
    precision : {"float32", "bfloat16", "auto"}
        As for :func:`atmodist_core.load_downscaler`.
    tile : int, optional
        Longest side of the tiles that a field is worked through in [points]; default: as large as the memory allows. It changes
        values by rounding errors only.

    Returns
    -------
    GapFiller

    Raises
    ------
    UserError
        When there is no such model, it fills no gaps, or its files are broken.
    """
    if str(name_or_path) in GAP_INTERPOLATIONS:
        method = str(name_or_path)
        return GapFiller(interpolation_card(method, 1, limits=_LIMITS), InterpolatedGapFilling(method))
    folder = local_model(name_or_path)
    card = read_card_of("gap filler", folder)
    chosen = resolve_device(device)
    resolved = resolve_precision(precision, chosen)
    card, network = load_network(folder)
    assert card.normalization is not None, "a gap filler's card has a normalisation"
    filling = NetworkGapFilling(cast(GapNetwork, network), card.normalization, chosen, resolved, tile)
    return GapFiller(card, filling, resolved)


def fill_gaps(
    fields: xr.Dataset,
    model: str | Path | GapFiller = "gaps-mse",
    members: int | None = None,
    seed: int = 0,
    *,
    within: float | None = None,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> xr.Dataset:
    """Fill missing points of vorticity and divergence.

    Values that are given stay as they are, to the bit. A full circle of longitudes is continued around it, and poles are crossed,
    so that there are no seams.

    Parameters
    ----------
    fields : xarray.Dataset
        Canonical fields with NaN in their gaps, which may differ from time to time; or wind with gaps (``u``, ``v``), of which
        vorticity and divergence are derived first.
    model : str, path or GapFiller
        As for :func:`load_gap_filler`.
    members : int, optional
        Of an ensemble model: how many fillings to draw, along an axis ``member``. By default one, without that axis.
    seed : int
        Of the noise of an ensemble model; it depends on seed, member, time and place alone.
    within : float, optional
        Fill only points at most so many grid points from a given one, as between the swaths of a satellite; others stay missing.
    progress, cancel : callable, optional
        As for a :class:`~atmodist_core.inference.downscaler.Downscaler`.

    Returns
    -------
    xarray.Dataset
        The fields with values in their gaps, and ``filled``: 1 where any of the model's fields was missing, else 0. Attributes and ``notes``
        say which model filled how much, and what makes it less than suited.

    Raises
    ------
    UserError
        When the fields do not fit: axes out of order or uneven, no value at a time, members of a model that has none.
    Cancelled
        When ``cancel`` returned True.

    Warns
    -----
    AtmodistWarning
        Where spacing, level or amplitude differ from the training, or gaps are wider.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> fields = ad.open_demo().isel(time=[0], latitude=slice(60, 140), longitude=slice(0, 80)).load()
    >>> gap = fields.where((fields.longitude < 10) | (fields.longitude > 16))
    >>> filled = ad.fill_gaps(gap, "harmonic")
    >>> int(filled.vorticity.isnull().sum()), int(filled["filled"].sum())
    (0, 1040)
    """
    filler = model if isinstance(model, GapFiller) else load_gap_filler(model)
    return filler(fields, members=members, seed=seed, within=within, progress=progress, cancel=cancel)
