"""
Model cards: read one, write one
================================

A model is a folder with weights (safetensors), a card (JSON) and curves. The card holds all that is needed to use it and to judge it. Nothing is ever
unpickled, so a stranger's model can do no harm beyond being wrong.
"""

# %%
# What ships:
import tempfile
from pathlib import Path

import atmodist_core as ad

for card in ad.list_models():
    print(
        f"{card.name:28s} {card.kind:12s} {card.parameters:>9,d} parameters, {card.grid_spacing_deg} degrees"
    )

# %%
# A card says what the model learned from, with which loss, and what it is not good for.
card = ad.load_downscaler("srgan-4x-atmodist").card
print("data:  ", card.data)
print(
    "loss:  ",
    {key: card.loss[key] for key in ("content", "content_weight", "mse_weight", "adversarial_weight")},
)
print("limits:", card.limits)
assert card.loss["content"] == "atmodist" and card.limits and card.licence

# %%
# A model of one's own: here a generator that has learned nothing. Its last layer is zero, so it returns what it was asked to improve, the bicubic interpolation (of the normalised field). It is
# saved with a card that says so, and loaded by the path of its folder.
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
    limits="Has learned nothing: it shows how a model is saved.",
)
folder = tempfile.TemporaryDirectory()
place = Path(folder.name) / mine.name
saved = save_downscaler(place, generator, mine)
print(sorted(file.name for file in place.iterdir()), saved.parameters, "parameters")

# %%
# It is used like any other.
truth = ad.REGIONS["Europe"].select(ad.open_demo().isel(time=[124])).load()
coarse = ad.coarsen(truth, factor=4)
untrained = ad.load_downscaler(place)(coarse)
bicubic = ad.load_downscaler("bicubic")(coarse)
trained = ad.load_downscaler("srgan-4x-atmodist")(coarse)
alike = float(xr.corr(untrained.vorticity, bicubic.vorticity))
print("correlation with bicubic interpolation", round(alike, 4))
assert alike > 0.99

# %%
# A card with a key that nobody knows is refused, so that a misspelt setting is not silently ignored.
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
