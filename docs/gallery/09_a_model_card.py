"""
Read and write model cards
==========================

A model is a folder with weights (safetensors), a card (JSON) and learning curves. The card contains everything that is needed to use and evaluate the
model. Nothing is unpickled, so loading a model never runs its code.
"""

# %%
# The shipped models:
import tempfile
from pathlib import Path

import atmodist_core as ad

for card in ad.list_models():
    print(
        f"{card.name:28s} {card.kind:12s} {card.parameters:>9,d} parameters, {card.grid_spacing_deg} degrees"
    )

# %%
# A card states the training data, the loss and the limits of a model.
card = ad.load_downscaler("srgan-4x-atmodist").card
print("data:  ", card.data)
print(
    "loss:  ",
    {key: card.loss[key] for key in ("content", "content_weight", "mse_weight", "adversarial_weight")},
)
print("limits:", card.limits)
assert card.loss["content"] == "atmodist" and card.limits and card.licence

# %%
# Save a model of your own, here an untrained generator: its last layer is zero, so it returns the bicubic interpolation of the normalised field. It
# is loaded by the path of its folder.
import torch
import xarray as xr

from atmodist_core.models.store import save_downscaler
from atmodist_core.networks import Generator, GeneratorConfig

torch.manual_seed(0)
generator = Generator(GeneratorConfig(blocks=1, filters=8, residual=True))
with torch.no_grad():
    list(generator.parameters())[-1].zero_()
    list(generator.parameters())[-2].zero_()
mine = ad.ModelCard(
    name="srgan-4x-untrained",
    kind="downscaler",
    architecture={},  # filled in from the network when it is saved
    channels=card.channels,
    normalization=card.normalization,
    grid_spacing_deg=card.grid_spacing_deg,
    factor=4,
    data="none",
    level=card.level,
    limits="Untrained: an example of saving a model.",
)
folder = tempfile.TemporaryDirectory()
place = Path(folder.name) / mine.name
saved = save_downscaler(place, generator, mine)
print(sorted(file.name for file in place.iterdir()), saved.parameters, "parameters")

# %%
# Use it like any other model.
truth = ad.REGIONS["Europe"].select(ad.open_demo().isel(time=[124])).load()
coarse = ad.coarsen(truth, factor=4)
untrained = ad.load_downscaler(place)(coarse)
bicubic = ad.load_downscaler("bicubic")(coarse)
trained = ad.load_downscaler("srgan-4x-atmodist")(coarse)
alike = float(xr.corr(untrained.vorticity, bicubic.vorticity))
print("correlation with bicubic interpolation", round(alike, 4))
assert alike > 0.99

# %%
# A card with an unknown key is refused, so that misspelt settings are not ignored.
values = saved.to_dict() | {"gird_spacing_deg": 0.5}
try:
    ad.ModelCard.from_dict(values)
except ad.UserError as mistake:
    print(mistake)
else:
    raise AssertionError("an unknown key was not refused")

# %%
from atmodist_core.figures import field_maps

figure = field_maps(
    {
        "bicubic": bicubic.vorticity,
        "srgan-4x-untrained": untrained.vorticity,
        "srgan-4x-atmodist": trained.vorticity,
        "truth": truth.vorticity,
    },
    columns=2,
    title="Vorticity, simulated",
)
folder.cleanup()
