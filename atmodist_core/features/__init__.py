"""What a distance network sees: strongest patches, what excites filters, sensitivity of the distance, and metamers."""

from atmodist_core.features.excitation import exciting_change
from atmodist_core.features.metamers import metamer
from atmodist_core.features.sensitivity import sensitivity
from atmodist_core.features.shapes import change_shapes
from atmodist_core.features.strongest import (
    activation_map,
    patches_at,
    strongest_patches,
    strongest_places,
)
from atmodist_core.features.untrained import untrained

__all__ = [
    "activation_map",
    "change_shapes",
    "exciting_change",
    "metamer",
    "patches_at",
    "sensitivity",
    "strongest_patches",
    "strongest_places",
    "untrained",
]
