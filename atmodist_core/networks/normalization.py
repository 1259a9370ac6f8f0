"""Normalisation of fields, channel by channel, and its inverse: a signed logarithm for those with heavy tails."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import torch
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.channels import is_standardized

Array = TypeVar("Array", np.ndarray, torch.Tensor)

ALPHA = 0.2
"""Strength of the logarithm in the published code."""


@dataclass(frozen=True)
class SignedLogNormalization:
    """Normalise fields channel by channel, and undo it.

    ``z = (x - mean) / std``; ``y = sign(z) log(1 + alpha |z|)``; the result is ``(y - mean_y) / std_y``. For the channels in
    ``linear``, whose tails are not heavy (temperature, wind ...), ``y = z``.
    Networks see only normalised fields (dimensionless); everything shown or scored is in physical units.

    Parameters
    ----------
    channels : sequence of str
        Names of the fields, in the order of the channel axis.
    mean, std : sequence of float
        Moments of each physical field, in its units.
    alpha : float
        Strength of the logarithm.
    mean_y, std_y : sequence of float
        Moments of ``y`` (dimensionless).
    linear : sequence of str
        The channels without a logarithm.

    Raises
    ------
    UserError
        When the moments do not fit the channels, or a standard deviation or alpha is not positive.
    """

    channels: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    alpha: float
    mean_y: tuple[float, ...]
    std_y: tuple[float, ...]
    linear: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", tuple(str(name) for name in self.channels))
        for name in ("mean", "std", "mean_y", "std_y"):
            values = tuple(float(value) for value in getattr(self, name))
            object.__setattr__(self, name, values)
            if len(values) != len(self.channels):
                raise UserError(
                    f"Expected one value of {name} for each of the {len(self.channels)} channels "
                    f"({', '.join(self.channels)}), found {len(values)}: give one per channel."
                )
            positive = name.startswith("std")
            if not all(math.isfinite(value) and (value > 0 or not positive) for value in values):
                wanted = "positive and finite" if positive else "finite"
                raise UserError(
                    f"Expected every {name} of the normalisation to be {wanted}, found {list(values)}: "
                    "measure the moments on fields that vary and hold no missing values."
                )
        object.__setattr__(self, "linear", tuple(name for name in self.channels if name in self.linear))
        if not (self.alpha > 0 and math.isfinite(self.alpha)):
            raise UserError(
                f"Expected alpha of the normalisation to be positive, found {self.alpha}: the paper's value "
                "is 0.2."
            )

    def normalize(self, x: Array, channel_axis: int = -3) -> Array:
        """Return normalised fields (dimensionless) of the shape and type of the physical fields ``x``.

        ``channel_axis`` is the axis of the channels, by default that of ``(..., channel, latitude,
        longitude)``.
        """
        mean, std, mean_y, std_y = self._shaped(x, channel_axis)
        library: Any = torch if isinstance(x, torch.Tensor) else np
        z = (x - mean) / std
        y = library.sign(z) * library.log1p(self.alpha * abs(z))
        if self.linear:
            y = library.where(self._is_linear(x, channel_axis), z, y)
        return (y - mean_y) / std_y

    def denormalize(self, x: Array, channel_axis: int = -3) -> Array:
        """Return physical fields from normalised ones; the exact inverse of :meth:`normalize`."""
        mean, std, mean_y, std_y = self._shaped(x, channel_axis)
        library: Any = torch if isinstance(x, torch.Tensor) else np
        y = x * std_y + mean_y
        if not self.linear:
            return library.sign(y) * (library.expm1(abs(y)) / self.alpha) * std + mean
        return self._standardized(y, self._is_linear(x, channel_axis)) * std + mean

    def standardize(self, x: Array, channel_axis: int = -3) -> Array:
        """Return ``z = (x - mean) / std`` of the physical fields from normalised ones (dimensionless)."""
        _, _, mean_y, std_y = self._shaped(x, channel_axis)
        library: Any = torch if isinstance(x, torch.Tensor) else np
        y = x * std_y + mean_y
        if not self.linear:
            return library.sign(y) * library.expm1(abs(y)) / self.alpha
        return self._standardized(y, self._is_linear(x, channel_axis))

    def _standardized(self, y: Any, linear: Any) -> Any:
        """Physical fields in standard deviations from the mean, of fields with channels that are linear."""
        library: Any = torch if isinstance(y, torch.Tensor) else np
        # The exponential of a linear channel would overflow, and its gradient with it.
        curved = library.where(linear, library.zeros_like(y), y)
        return library.where(linear, y, library.sign(curved) * library.expm1(abs(curved)) / self.alpha)

    def _is_linear(self, x: Any, channel_axis: int) -> Any:
        """Which channels have no logarithm, in a shape that fits the fields."""
        shape = [1] * x.ndim
        shape[channel_axis] = len(self.channels)
        if isinstance(x, torch.Tensor):
            return _linear_on(self, x.device).reshape(shape)
        return np.array([name in self.linear for name in self.channels]).reshape(shape)

    def _shaped(self, x: Any, channel_axis: int) -> list[Any]:
        if x.shape[channel_axis] != len(self.channels):
            raise ValueError(
                f"Expected {len(self.channels)} channels ({', '.join(self.channels)}) along axis "
                f"{channel_axis}, found an array of shape {tuple(x.shape)}: stack the fields in this order."
            )
        shape = [1] * x.ndim
        shape[channel_axis] = len(self.channels)
        if isinstance(x, torch.Tensor):
            return [values.reshape(shape) for values in _moments_on(self, x.dtype, x.device)]
        moments = (self.mean, self.std, self.mean_y, self.std_y)
        return [np.asarray(values, dtype=x.dtype).reshape(shape) for values in moments]

    @classmethod
    def from_fields(
        cls,
        fields: xr.Dataset,
        *,
        channels: Sequence[str] = ("vorticity", "divergence"),
        alpha: float = ALPHA,
    ) -> SignedLogNormalization:
        """Measure the moments of a canonical dataset; lazy fields are read in their chunks.

        Every grid point counts alike, as in the authors' code; select latitudes first to leave the poles out.
        A variable that is missing, holds missing values, or is constant is a UserError. Channels are linear or not by
        their field (:func:`~atmodist_core.fields.canonical.channels.is_standardized`).
        """
        missing = [name for name in channels if name not in fields]
        if missing:
            raise UserError(
                f"Expected the variables {', '.join(channels)} to measure a normalisation, found "
                f"{', '.join(map(str, fields.data_vars)) or 'none'}: add {missing[0]!r} or name other "
                "channels."
            )
        moments = []
        for name in channels:
            values = fields[name].astype(np.float64)
            mean, std = (float(moment) for moment in (values.mean(skipna=False), values.std(skipna=False)))
            if not math.isfinite(std):
                raise UserError(
                    f"Expected no missing values in {name} to measure a normalisation, found some: fill or drop them."
                )
            if is_standardized(name):
                moments.append((mean, std, 0.0, 1.0))
                continue
            z = (values - mean) / (std or 1.0)
            y = np.sign(z) * np.log1p(alpha * np.abs(z))
            moments.append((mean, std, float(y.mean()), float(y.std())))
        means, stds, means_y, stds_y = zip(*moments, strict=True)
        linear = tuple(name for name in channels if is_standardized(name))
        return cls(tuple(channels), means, stds, alpha, means_y, stds_y, linear)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        values = dataclasses.asdict(self)
        if not self.linear:
            del values["linear"]  # as cards without such channels always were
        return {
            "type": "signed-log",
            **{k: list(v) if isinstance(v, tuple) else v for k, v in values.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SignedLogNormalization:
        """Build a normalisation from plain values; a wrong key, type or value is a UserError."""
        wanted = {"type", *(field.name for field in dataclasses.fields(cls))} - {"linear"}
        given = set(values) - {"linear"} if isinstance(values, Mapping) else set()
        if given != wanted:
            wrong = sorted(wanted - given) or sorted(given - wanted)
            what = "missing" if wanted - given else "unknown"
            raise UserError(
                f"Expected for the normalisation exactly the keys {', '.join(sorted(wanted))}, found "
                f"{wrong[0]!r} {what}: correct the model card."
            )
        if values["type"] != "signed-log":
            raise UserError(
                f"Expected a normalisation of type 'signed-log', found {values['type']!r}: this version "
                "knows no other."
            )
        for key in ("channels", "linear"):
            names = values.get(key, [])
            if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
                raise UserError(
                    f"Expected {key!r} of the normalisation to be a list of names, found {names!r}: correct "
                    "the model card."
                )
        unknown = [name for name in values.get("linear", []) if name not in values["channels"]]
        if unknown:
            raise UserError(
                f"Expected 'linear' of the normalisation to name channels ({', '.join(values['channels'])}), found "
                f"{unknown[0]!r}: correct the model card."
            )
        for key in ("mean", "std", "mean_y", "std_y", "alpha"):
            numbers = [values[key]] if key == "alpha" else values[key]
            if not isinstance(numbers, list | tuple) or not all(map(_is_number, numbers)):
                raise UserError(
                    f"Expected {key!r} of the normalisation to hold numbers, found {values[key]!r}: correct "
                    "the model card."
                )
        return cls(**{key: value for key, value in values.items() if key != "type"})


@lru_cache(maxsize=64)
def _moments_on(
    normalization: SignedLogNormalization, dtype: torch.dtype, device: torch.device
) -> tuple[torch.Tensor, ...]:
    """The moments as tensors, copied to a device once: a copy at every step would make a GPU wait."""
    with torch.inference_mode(False):
        return tuple(
            torch.tensor(getattr(normalization, name), dtype=dtype, device=device)
            for name in ("mean", "std", "mean_y", "std_y")
        )


@lru_cache(maxsize=64)
def _linear_on(normalization: SignedLogNormalization, device: torch.device) -> torch.Tensor:
    """Which channels are linear, on a device."""
    with torch.inference_mode(False):
        return torch.tensor([name in normalization.linear for name in normalization.channels], device=device)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


PAPER_ERA5 = SignedLogNormalization(
    channels=("vorticity", "divergence"),
    mean=(2.0548e-7, 1.9464e-8),
    std=(5.0819e-5, 2.8569e-5),
    alpha=ALPHA,
    mean_y=(3.2483e-4, 8.8215e-4),
    std_y=(0.16044, 0.15795),
)
"""The authors' moments of ERA5 at model level 120, 1979-1998 [s-1]; their files hold divergence first."""
