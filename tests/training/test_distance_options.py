"""Options of the distance training: average of weights, early stop, best weights, a model to start from."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from atmodist_core.common.errors import UserError
from atmodist_core.inference.atmodist import load_distance
from atmodist_core.training.distance.distance_start import build_distance_network, load_start_distance
from atmodist_core.training.distance.distance_training import DistanceTrainer, train_distance
from atmodist_core.training.gan.gan_training import train_gan
from atmodist_core.training.loop.ema import WeightAverage
from tests.training.mock_weather import distance_config, gan_config, replaced
from tests.training.test_resume import same_curves, same_files, stop_after


def test_the_average_follows_weights_and_running_statistics():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    average = WeightAverage(network, 0.5)
    expected = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for number in range(12):
        with torch.no_grad():
            network[0].weight.add_(1.0)
        network(torch.randn(4, 1, 5, 5))  # changes the running statistics
        average.update(network)
        decay = min(0.5, (1 + number) / (10 + number))
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                expected[name] = decay * expected[name] + (1 - decay) * tensor
    found = average.network.state_dict()
    for name in ("0.weight", "1.running_mean", "1.running_var"):
        torch.testing.assert_close(found[name], expected[name])
    assert int(found["1.num_batches_tracked"]) == 12
    assert not average.network.training and not any(p.requires_grad for p in average.network.parameters())


def test_averaged_weights_are_judged_exported_and_resumed(weather, tmp_path, monkeypatch):
    settings = {"ema_decay": 0.9, "keep": "best", "times_per_place": 4}
    whole, broken = (distance_config(tmp_path / n, **settings) for n in ("whole", "broken"))
    train_distance(whole, [weather])
    with monkeypatch.context() as patched:
        stop_after(patched, DistanceTrainer, 3)
        assert train_distance(broken, [weather]) is None
    train_distance(replaced(broken, {"resume": True}), [weather])
    same_files(tmp_path / "whole", tmp_path / "broken")
    same_curves(tmp_path / "whole", tmp_path / "broken")
    checkpoint = load_file(tmp_path / "whole" / "checkpoint.safetensors")
    best = load_file(tmp_path / "whole" / "best.safetensors")
    model = load_file(tmp_path / "whole" / "model" / "model.safetensors")
    assert all(torch.equal(model[name], best[f"network.{name}"]) for name in model)
    assert not torch.equal(checkpoint["network.encoder.stem.weight"], model["encoder.stem.weight"])
    epochs = [line.split(",") for line in (tmp_path / "whole" / "curves.csv").read_text().splitlines()]
    losses = [float(row[epochs[0].index("held_out_loss")]) for row in epochs if row[0] in ("4", "8")]
    if losses[1] < losses[0]:  # the best was the last: then the average of the end is what was exported
        assert torch.equal(checkpoint["average.encoder.stem.weight"], model["encoder.stem.weight"])


def test_training_ends_when_the_held_out_loss_stops_falling(weather, tmp_path, monkeypatch):
    losses = iter([3.0, 2.0, 2.5, 2.0, 1.0, 1.0])
    from atmodist_core.training.distance import distance_trainer

    original = distance_trainer.pretext_scores
    monkeypatch.setattr(distance_trainer, "pretext_scores", lambda *a: original(*a) | {"loss": next(losses)})
    config = distance_config(
        tmp_path, epochs=6, batches_per_epoch=1, early_stop_patience=2, keep="best", log_interval=1
    )
    folder = train_distance(config, [weather])
    rows = (tmp_path / "curves.csv").read_text().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == ["1", "2", "3", "4"]
    best = load_file(tmp_path / "best.safetensors")
    model = load_file(folder / "model.safetensors")
    assert torch.equal(best["network.encoder.stem.weight"], model["encoder.stem.weight"])
    # an ended run stays ended, and writes the same model again
    train_distance(replaced(config, {"resume": True}), [weather])
    again = load_file(folder / "model.safetensors")
    assert all(torch.equal(model[name], again[name]) for name in model)


def test_a_larger_patch_starts_from_a_smaller_one(weather, tmp_path):
    small = train_distance(distance_config(tmp_path / "small", batches_per_epoch=1), [weather])
    config = distance_config(
        tmp_path / "large", patch_size=48, classes=4, start_from=str(tmp_path / "small"), batches_per_epoch=1
    )
    start = load_start_distance(config)
    network = build_distance_network(config, start).state_dict()
    fresh = build_distance_network(config).state_dict()
    model = load_file(small / "model.safetensors")
    changed = {name for name in fresh if not torch.equal(network[name], fresh[name])}
    assert "encoder.stages.stage4.0.conv1.weight" in changed and "classifier.conv1.weight" in changed
    assert all(
        torch.equal(network[name], model[name]) for name in network if name != "classifier.dense.weight"
    )
    assert torch.equal(network["classifier.dense.weight"], fresh["classifier.dense.weight"])
    # on other weather: the fields are normalised as the encoder knows them
    louder = weather * 3.0
    louder.attrs = weather.attrs
    folder = train_distance(config, [louder])
    card = json.loads((folder / "card.json").read_text())
    assert card["schedule"]["start_model"] == "small"
    assert str(tmp_path) not in (folder / "card.json").read_text(), (
        "a card that is given away names no folders"
    )
    assert card["normalization"] == json.loads((small / "card.json").read_text())["normalization"]


def test_only_a_distance_model_of_the_same_channels_starts_one(weather, tmp_path):
    generator = train_gan(gan_config(tmp_path / "gan", epochs=0, final_epochs=0), [weather])
    config = distance_config(tmp_path / "x", start_from=str(generator))
    with pytest.raises(UserError, match="Expected a distance model after --start-from, found the downscaler"):
        train_distance(config, [weather])
    one = distance_config(tmp_path / "one", channels=("vorticity",), epochs=1, batches_per_epoch=1)
    train_distance(one, [weather])
    with pytest.raises(UserError, match="model of the channels vorticity, divergence after --start-from"):
        train_distance(replace(config, start_from=str(tmp_path / "one")), [weather])


def test_confusion_of_every_epoch_is_written(weather, tmp_path):
    train_distance(distance_config(tmp_path), [weather])
    for epoch in ("001", "002"):
        path = tmp_path / "confusion_matrices" / f"epoch_{epoch}.csv"
        counts = np.loadtxt(path, delimiter=",", dtype=int)
        assert counts.shape == (5, 5) and counts.sum() == 4  # --validation-pairs
    final = np.loadtxt(tmp_path / "confusion_matrix.csv", delimiter=",", dtype=int)
    assert final.sum() == 8
    assert load_distance(tmp_path / "model").card.kind == "distance"


def test_out_of_range_options_are_refused(weather, tmp_path):
    for change, words in (
        ({"ema_decay": 1.0}, "--ema-decay from 0 to below 1, found 1"),
        ({"early_stop_patience": -1}, "--early-stop-patience of 0 or more epochs, found -1"),
    ):
        with pytest.raises(UserError, match=words):
            train_distance(distance_config(tmp_path, **change), [weather])


def test_any_fields_of_any_levels_and_any_number_of_lags(weather, tmp_path):
    """Two levels as four channels, 15 lags, with AdamW: trained, saved, loaded and used by name."""
    two_levels = weather.rename(vorticity="vorticity_850", divergence="divergence_850")
    two_levels["vorticity_500"] = 2.0 * weather["vorticity"].roll(longitude=7)
    two_levels["divergence_500"] = weather["divergence"].roll(longitude=9)
    channels = ("vorticity_850", "divergence_850", "vorticity_500", "divergence_500")
    config = distance_config(
        tmp_path / "levels",
        channels=channels,
        classes=15,
        optimizer="adamw",
        learning_rate=1e-3,
        epochs=1,
        batches_per_epoch=1,
    )
    network = load_distance(train_distance(config, [two_levels]))
    card = network.card
    assert card.channels == channels == card.normalization.channels
    assert card.architecture["encoder"]["channels"] == 4 and card.architecture["classifier"]["classes"] == 15
    # trained with mirrored patches: the mean of a vorticity, of whichever level, is zero
    assert card.normalization.mean[0] == card.normalization.mean[2] == 0.0 != card.normalization.mean[1]
    assert card.normalization.std[2] == pytest.approx(2 * card.normalization.std[0], rel=1e-2)
    first, later = (two_levels.isel(time=[number]) for number in (0, 4))
    distance = network.distance(first, later).item()
    assert distance > 0.0 == network.distance(first, first).item()
    louder = later.assign(vorticity_500=-later["vorticity_500"])
    assert network.distance(first, louder).item() != distance  # every channel counts
    assert network.predict_lag(first, later).sizes["lag"] == 15
    with pytest.raises(UserError, match="vorticity_850"):
        network.distance(weather.isel(time=[0]), weather.isel(time=[1]))


@pytest.mark.parametrize("classes", [15, 23, 31])
def test_the_published_numbers_of_lags(classes, tmp_path):
    network = build_distance_network(distance_config(tmp_path, classes=classes))
    assert network.classifier.config.lags_hours[-1] == {15: 45, 23: 69, 31: 93}[classes]
    assert network.classifier.dense.out_features == classes
