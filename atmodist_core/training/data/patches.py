"""Random patches, reproducible from (seed, step) alone.

The places of step ``n`` come from a counter-based generator (Philox) keyed by the seed, with ``n`` as its
counter. Nothing has to be remembered between steps: a resumed run, or another number of processes, sees the
same patches.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.channels import is_pseudo_scalar
from atmodist_core.fields.grid.cell_areas import cell_areas
from atmodist_core.fields.grid.patches import TRAINED_LATITUDES_DEG, area_shares, rows_within
from atmodist_core.fields.grid.validity import valid_patches
from atmodist_core.training.data.training_fields import Member, TrainingFields, upload

TRAINING_STREAM, VALIDATION_STREAM, MATCHING_STREAM, BASELINE_STREAM = range(4)
TRAINING_GAPS_STREAM, VALIDATION_GAPS_STREAM, SMOOTHING_STREAM = 4, 5, 6


Segment = tuple[int, int]


class Places(NamedTuple):
    """Where patches lie; every array has shape ``(batch,)``."""

    time: NDArray[np.int64]  # position along the time axis (of the earlier patch of a pair)
    label: NDArray[np.int64]  # class of the pair, 0 for one lag step
    row: NDArray[np.int64]  # of the north-west corner
    column: NDArray[np.int64]  # of the north-west corner
    mirrored: NDArray[np.bool_]  # north-south

    def part(self, rank: int, ranks: int) -> "Places":
        """The share of one process among many: every ``ranks``-th place."""
        share = slice(rank, None, ranks)
        return Places(
            self.time[share], self.label[share], self.row[share], self.column[share], self.mirrored[share]
        )


def random_generator(seed: int, stream: int, step: int) -> np.random.Generator:
    """Generator of one step; streams (training, validation ...) never meet."""
    return np.random.Generator(np.random.Philox(key=[seed, stream], counter=[0, 0, 0, step]))


def split_members(
    members: Sequence[Member], held_out_fraction: float, gap_hours: float
) -> tuple[list[Segment], list[Segment]]:
    """Training and held-out segments (start, stop) of every member, with a gap between them.

    The share ``held_out_fraction`` at the end of each is held out; the hours before it are not used at all.
    """
    training, held_out = [], []
    for member in members:
        count = member.stop - member.start
        held = round(count * held_out_fraction)
        spacing = member.typical_hours
        # Times further apart than the gap need no more of it.
        gap = int(np.ceil(gap_hours / spacing)) if held and spacing and spacing < gap_hours else 0
        if count - held - gap > 0:
            training += _unbroken(member, member.start, member.stop - held - gap)
        if held:
            held_out += _unbroken(member, member.stop - held, member.stop)
    return training, held_out


def _unbroken(member: Member, start: int, stop: int) -> list[Segment]:
    """Parts of a period of a member without missing times between them."""
    edges = [start, *(position for position in member.breaks if start < position < stop), stop]
    return list(itertools.pairwise(edges))


def lag_stride(members: Sequence[Member], lag_step_hours: float) -> int:
    """How many slices make one lag step; a UserError where it differs, is irregular or no whole number."""
    strides = set()
    for member in members:
        if member.spacing_hours is None:
            raise UserError(
                f"Expected times at a regular spacing, found that {member.irregularity}; "
                "give each unbroken period as a --data folder of its own."
            )
        stride = lag_step_hours / member.spacing_hours
        if stride < 0.999 or abs(stride - round(stride)) > 1e-3:
            raise UserError(
                f"Expected a time spacing that divides the lag step of {lag_step_hours:g} h, found "
                f"{member.spacing_hours:g} h in {member.name}; set --lag-step-hours to a multiple of it."
            )
        strides.add(round(stride))
    if len(strides) > 1:
        raise UserError(
            "Expected one time spacing in all members, found several; train on members of one spacing."
        )
    return strides.pop()


class PatchSampler:
    """Draws places of patches, single ones or pairs, inside given segments of time.

    Parameters
    ----------
    fields, segments
        Grid, and periods to draw from. Where fields have invalid points, corners are drawn among those of patches
        without any, uniformly or by area.
    patch_size
        Side of a patch [grid points].
    latitude_limit
        Centres lie within this latitude [degrees].
    mirror
        Mirror half of the patches.
    seed, stream
        Key of the random numbers.
    sampling
        ``latitude``: centres uniform in latitude, so that a patch near 60 degrees is as likely as one at the
        equator, where a degree of latitude has twice the area. ``area``: uniform over the area of the sphere,
        that is in the sine of latitude.
    """

    def __init__(
        self,
        fields: TrainingFields,
        segments: Sequence[Segment],
        *,
        patch_size: int,
        latitude_limit: float = TRAINED_LATITUDES_DEG,
        mirror: bool = False,
        seed: int = 0,
        stream: int = TRAINING_STREAM,
        sampling: str = "latitude",
    ) -> None:
        rows, columns = len(fields.latitude), len(fields.longitude)
        if patch_size > rows or patch_size > columns:
            raise UserError(
                f"Expected patches no larger than the grid of {rows} x {columns}, found --patch-size"
                f" {patch_size}; choose a smaller one."
            )
        self.rows, centres = rows_within(fields.latitude, patch_size, latitude_limit)
        if len(self.rows) == 0:
            raise UserError(
                f"Expected room for patches centred within {latitude_limit:g} degrees of the equator, found a"
                f" grid from {fields.latitude[-1]:g} to {fields.latitude[0]:g}; raise --latitude-limit."
            )
        self.columns = columns if fields.wraps else columns - patch_size + 1
        self.segments = np.asarray(segments, dtype=np.int64).reshape(-1, 2)
        self.mirror, self.seed, self.stream = mirror, seed, stream
        self._row_shares = area_shares(centres) if sampling == "area" else None
        self._corners: NDArray[np.int64] | None = None
        if fields.valid is not None:
            whole = valid_patches(fields.valid, patch_size, wraps=fields.wraps)[self.rows]
            row, column = np.nonzero(whole)
            if not row.size:
                raise UserError(
                    f"Expected room for patches of {patch_size} x {patch_size} points with values, found none; choose"
                    " a smaller --patch-size."
                )
            self._corners = np.stack([self.rows[row], column])
            if sampling == "area":
                shares = np.cumsum(cell_areas(centres)[row])
                self._row_shares = shares / shares[-1]

    def patches(self, step: int, batch: int) -> Places:
        """Places of single patches of a step."""
        return self.drawn(random_generator(self.seed, self.stream, step), batch)

    def drawn(self, random: np.random.Generator, batch: int) -> Places:
        """Places of single patches from a generator of random numbers."""
        time = self._start(random, np.zeros(batch, dtype=np.int64))
        return self._somewhere(random, time, np.zeros(batch, dtype=np.int64))

    def pairs(self, step: int, batch: int, *, classes: int, stride: int, label: int | None = None) -> Places:
        """Places of pairs of a step; the second patch lies ``(label + 1) * stride`` slices later.

        Labels are uniform in 0 .. classes - 1, unless ``label`` fixes them.
        """
        random = random_generator(self.seed, self.stream, step)
        labels = (
            random.integers(0, classes, batch) if label is None else np.full(batch, label, dtype=np.int64)
        )
        longest = int((self.segments[:, 1] - self.segments[:, 0]).max(initial=0))
        if longest <= classes * stride:
            raise UserError(
                f"Expected an unbroken period longer than {classes * stride} time steps for {classes}"
                f" classes, found {longest}; add data, lower --classes, or change --validation-fraction and"
                " --gap-hours."
            )
        time = self._start(random, (labels + 1) * stride)
        return self._somewhere(random, time, labels)

    def _start(self, random: np.random.Generator, reach: NDArray[np.int64]) -> NDArray[np.int64]:
        """Start times, uniform over all that leave ``reach`` further slices inside their segment."""
        lengths = np.maximum(
            self.segments[:, 1] - self.segments[:, 0] - reach[:, None], 0
        )  # (batch, segment)
        ends = np.cumsum(lengths, axis=1)
        if np.any(ends[:, -1:] <= 0) or ends.size == 0:
            raise UserError(
                "Expected at least one time to draw patches from, found none; add data or change "
                "--validation-fraction and --gap-hours."
            )
        chosen = random.integers(0, ends[:, -1])
        segment = np.sum(chosen[:, None] >= ends, axis=1)
        before = np.take_along_axis(ends - lengths, segment[:, None], axis=1)[:, 0]
        return np.asarray(self.segments[segment, 0] + chosen - before)

    def _somewhere(
        self, random: np.random.Generator, time: NDArray[np.int64], label: NDArray[np.int64]
    ) -> Places:
        batch = len(time)
        if self._corners is not None:
            if self._row_shares is None:
                chosen = random.integers(0, self._corners.shape[1], batch)
            else:
                chosen = np.searchsorted(self._row_shares, random.random(batch), side="right")
            row, column = self._corners[:, chosen]
            return Places(time, label, row, column, random.integers(0, 2, batch).astype(bool) & self.mirror)
        if self._row_shares is None:
            row = self.rows[random.integers(0, len(self.rows), batch)]
        else:
            row = self.rows[np.searchsorted(self._row_shares, random.random(batch), side="right")]
        column = random.integers(0, self.columns, batch)
        mirrored = random.integers(0, 2, batch).astype(bool)
        return Places(time, label, row, column, mirrored & self.mirror)


def cut(fields: TrainingFields, times: NDArray[np.int64], places: Places, size: int) -> Tensor:
    """Patches at given places and times: float32, ``(batch, channel, size, size)``, channels last in memory.

    The mirror of normalised fields is exact where vorticity's normalised mean is zero.
    """
    raw = fields.gather(times, places.row, places.column, size, places.mirrored)
    scale = fields.units
    if places.mirrored.any():
        odd = torch.tensor([is_pseudo_scalar(channel) for channel in fields.channels])
        signs = 1.0 - 2.0 * (torch.from_numpy(places.mirrored)[:, None] & odd).float()
        scale = upload(signs, fields.device)[:, None, None, :] * scale
    if fields.amplitudes is not None:
        amplitudes = fields.amplitudes[torch.from_numpy(times).to(fields.amplitudes.device)]
        scale = scale / amplitudes[:, None, None, :]
    # One product converts 16 bits to 32, puts the signs right and the units in.
    patches = upload(raw, fields.device) * scale
    if fields.offsets is not None:
        patches = patches + fields.offsets
    if fields.normalization is not None:
        patches = fields.normalization.normalize(patches, channel_axis=-1)
    return patches.permute(0, 3, 1, 2)


def cut_pairs(
    fields: TrainingFields, places: Places, size: int, stride: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Earlier and later patches ``(batch, channel, size, size)`` and the labels ``(batch,)`` of pairs."""
    times = np.concatenate([places.time, places.time + (places.label + 1) * stride])
    both = Places(*(np.concatenate([part, part]) for part in places))
    earlier, later = cut(fields, times, both, size).chunk(2)
    return earlier, later, upload(torch.from_numpy(places.label), fields.device)


def patch_row_areas(fields: TrainingFields, places: Places, size: int) -> Tensor:
    """Return relative areas of the cells in the rows of patches, shape ``(batch, size)``, mirrored where the patch is."""
    areas = fields.row_areas(places.time, places.row, size)
    areas = np.where(places.mirrored[:, None], areas[:, ::-1], areas)
    return torch.from_numpy(areas.astype(np.float32)).to(fields.device)
