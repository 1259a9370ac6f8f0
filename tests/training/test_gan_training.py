"""What the trainer of generators does in a step, with every option."""

import dataclasses
import math

import pytest
import torch
from torch.nn import functional

from atmodist_core.common.errors import UserError
from atmodist_core.common.hardware import Hardware
from atmodist_core.fields import coarsen
from atmodist_core.training.data.coarse_patches import downscaling_batch
from atmodist_core.training.data.training_data import load_training_data
from atmodist_core.training.gan.gan_start import build_gan_networks, generator_config, load_start
from atmodist_core.training.gan.gan_trainer import GanTrainer
from atmodist_core.training.gan.gan_training import train_gan
from tests.training.mock_weather import gan_config, replaced

CPU = Hardware("cpu", "float32")


def gan_trainer(weather, out, **changes):
    config = gan_config(out, **changes)
    return GanTrainer(config, load_training_data(config.data, sources=[weather]), CPU)


def test_generator_pre_training_is_plain_mse(weather, tmp_path):
    trainer = gan_trainer(weather, tmp_path)
    before = {k: v.clone() for k, v in trainer.discriminator.state_dict().items()}
    places = trainer.sampler.patches(0, 4)
    coarse, fine, *_ = downscaling_batch(trainer.data, places, trainer.config, training=True)
    assert coarse.shape == (4, 2, 4, 4) and fine.shape == (4, 2, 16, 16)
    expected = (trainer.generator(coarse).detach() - fine).square().mean()
    numbers = trainer.step(0)
    assert float(numbers["loss"]) == pytest.approx(float(expected), rel=1e-5)
    assert all(torch.equal(before[k], v) for k, v in trainer.discriminator.state_dict().items())


def test_coarse_input_is_the_mean_of_the_physical_field_or_of_the_normalised_one(weather, tmp_path):
    trainer = gan_trainer(weather, tmp_path)
    data, config = trainer.data, trainer.config
    places = trainer.sampler.patches(0, 4)
    coarse, fine, *_ = downscaling_batch(data, places, config, training=True)
    physical = data.normalization.denormalize(fine)
    back = data.normalization.denormalize(coarse)
    plain_mean = functional.avg_pool2d(physical, 4)
    # area weights change a four-row mean by little at these latitudes
    assert float((back - plain_mean).std() / plain_mean.std()) < 0.1
    pooled, *_ = downscaling_batch(
        data, places, dataclasses.replace(config, pool_normalized=True), training=True
    )
    torch.testing.assert_close(pooled, functional.avg_pool2d(fine, 4))
    assert not torch.allclose(pooled, coarse, atol=1e-3)


@pytest.mark.parametrize(
    ("balance", "low", "high", "generator_steps", "discriminator_steps"),
    [
        ("none", 1e9, 0.0, 1, 1),
        ("extra", 0.0, 1e9, 1, 1),
        ("extra", 1e9, 1e9, 2, 1),
        ("extra", 0.0, 0.0, 1, 2),
        ("skip", 1e9, 1e9, 1, 0),
        ("skip", 0.0, 0.0, 1, 2),
    ],
)
def test_generator_and_discriminator_are_kept_in_balance(
    weather, tmp_path, monkeypatch, balance, low, high, generator_steps, discriminator_steps
):
    thresholds = {"balance": balance, "balance_low": low, "balance_high": high}
    trainer = gan_trainer(weather, tmp_path, pretraining_epochs=0, **thresholds)
    counts = {"generator": 0, "discriminator": 0}
    for name in counts:
        optimizer = getattr(trainer, f"{name}_optimizer")

        def counted(*args, original=optimizer.step, name=name):
            counts[name] += 1
            return original(*args)

        monkeypatch.setattr(optimizer, "step", counted)
    numbers = trainer.step(0)
    assert counts == {"generator": generator_steps, "discriminator": discriminator_steps}
    assert float(numbers["generator_steps"]) == generator_steps
    assert float(numbers["discriminator_steps"]) == discriminator_steps


def test_the_discriminator_s_loss_is_a_mean_to_which_the_thresholds_refer(weather, tmp_path):
    trainer = gan_trainer(weather, tmp_path, pretraining_epochs=0)
    with torch.no_grad():
        for parameter in trainer.discriminator.parameters():
            parameter.zero_()  # cannot tell: log 2 on each side
    assert float(trainer.step(0)["discriminator_loss"]) == pytest.approx(0.6931, abs=1e-4)


def test_the_adversary_s_gradients_do_not_leak(weather, tmp_path):
    """A generator step leaves the discriminator alone, and the other way round."""
    trainer = gan_trainer(weather, tmp_path, pretraining_epochs=0)
    places = trainer.sampler.patches(0, 4)
    discriminator = {k: v.clone() for k, v in trainer.discriminator.state_dict().items()}
    batch = downscaling_batch(trainer.data, places, trainer.config, training=True)
    trainer._generator_step(batch, trainer._generate(batch, 0))
    assert all(torch.equal(discriminator[k], v) for k, v in trainer.discriminator.state_dict().items())
    generator = {k: v.clone() for k, v in trainer.generator.state_dict().items()}
    trainer._discriminator_step(batch.fine, trainer.generator(batch.coarse).detach())
    assert all(torch.equal(generator[k], v) for k, v in trainer.generator.state_dict().items())
    assert not torch.equal(discriminator["dense2.weight"], trainer.discriminator.dense2.weight)


def test_learning_rates_of_the_three_phases(weather, tmp_path):
    trainer = gan_trainer(
        weather,
        tmp_path,
        pretraining_schedule="constant",
        pretraining_learning_rate=3e-4,
        epochs=2,
        final_epochs=1,
    )
    assert [trainer.learning_rate(s) for s in range(8)] == [3e-4] * 2 + [1e-4] * 4 + [1e-5] * 2


def step_numbers(trainer, steps):
    return [{k: float(v) for k, v in trainer.step(step).items()} for step in steps]


def test_terms_of_the_loss_add_up(weather, tmp_path):
    weights = {"l1_weight": 0.3, "spectrum_weight": 0.02, "distribution_weight": 0.05}
    trainer = gan_trainer(weather, tmp_path, pretraining_epochs=0, content="l1", **weights)
    (numbers,) = step_numbers(trainer, [0])
    assert numbers["content"] == pytest.approx(numbers["l1"], rel=1e-6)
    expected = 0.9 * numbers["content"] + 0.1 * numbers["mse"] + 0.004 * numbers["adversarial"]
    expected += 0.3 * numbers["l1"] + 0.02 * numbers["spectrum"] + 0.05 * numbers["distribution"]
    assert numbers["loss"] == pytest.approx(expected, rel=1e-5)
    assert min(numbers["spectrum"], numbers["distribution"]) > 0


def test_r1_is_computed_at_its_interval_and_counts_as_often(weather, tmp_path):
    changes = {"pretraining_epochs": 0, "balance": "none", "r1_weight": 10.0, "r1_interval": 3, "epochs": 4}
    trainer = gan_trainer(weather, tmp_path, **changes)
    assert [n["r1"] > 0 for n in step_numbers(trainer, range(5))] == [True, False, False, True, False]


def test_r1_holds_the_discriminator_back(weather, tmp_path):
    """Twelve steps at a high rate: without the penalty the logits part, with it they hardly do."""
    gaps = []
    for weight in (0.0, 3000.0):
        changes = {"r1_weight": weight, "r1_interval": 1, "discriminator_learning_rate": 2e-3}
        changes |= {"adversarial_form": "relativistic", "balance": "none", "learning_rate": 1e-6}
        trainer = gan_trainer(weather, tmp_path, pretraining_epochs=0, epochs=10, **changes)
        last = step_numbers(trainer, range(12))[-1]
        gaps.append(last["real_logit"] - last["generated_logit"])
    assert gaps[0] > 1.0 and abs(gaps[1]) < 0.2 * gaps[0]


def test_each_network_has_its_own_rate(weather, tmp_path):
    trainer = gan_trainer(weather, tmp_path, discriminator_learning_rate=4e-4, learning_rate=1e-4)
    trainer.step(2)
    rates = [trainer.generator_optimizer, trainer.discriminator_optimizer]
    assert [o.param_groups[0]["lr"] for o in rates] == [1e-4, pytest.approx(4e-4)]
    trainer.step(5)  # the last epoch at a tenth
    assert [o.param_groups[0]["lr"] for o in rates] == [1e-5, pytest.approx(4e-5)]


def test_other_schedules_of_the_adversarial_phase(weather, tmp_path):
    cosine = gan_trainer(weather, tmp_path, schedule="cosine", epochs=4, final_epochs=1)
    rates = [cosine.learning_rate(step) for step in range(2, 12)]
    assert rates[0] == 1e-4 and rates[-1] == pytest.approx(1e-5) and rates == sorted(rates, reverse=True)
    cycle = gan_trainer(weather, tmp_path, schedule="one-cycle", epochs=4, final_epochs=1)
    rates = [cycle.learning_rate(step) for step in range(2, 12)]
    assert max(rates) == 1e-4 == rates[1] and rates[-1] < 1e-7


def test_gradients_are_clipped(weather, tmp_path):
    trainer = gan_trainer(weather, tmp_path, clip_norm=1e-3)
    trainer.step(0)
    norm = math.sqrt(sum(float(p.grad.square().sum()) for p in trainer.generator.parameters()))
    assert norm == pytest.approx(1e-3, rel=1e-3)


def test_instance_noise_fades_and_is_reproducible(weather, tmp_path):
    trainer = gan_trainer(weather, tmp_path, pretraining_epochs=0, instance_noise=0.5)
    fine = torch.zeros(4, 2, 16, 16)
    spreads = [float(trainer._seen(fine, step, 3).std()) for step in range(5)]
    assert spreads[0] == pytest.approx(0.5, rel=0.1) and spreads[2] == pytest.approx(0.25, rel=0.1)
    assert spreads[4] == 0.0  # at the end
    assert torch.equal(trainer._seen(fine, 1, 3), trainer._seen(fine, 1, 3))
    assert not torch.equal(trainer._seen(fine, 1, 3), trainer._seen(fine, 1, 4))


def test_spectral_norm_bounds_every_kernel(weather, tmp_path):
    trainer = gan_trainer(weather, tmp_path, pretraining_epochs=0, spectral_norm=True)
    for step in range(2):
        trainer.step(step)
    largest = torch.linalg.matrix_norm(trainer.discriminator.dense1.weight.detach(), 2)
    assert float(largest) == pytest.approx(1.0, abs=0.15)  # an estimate by power iteration


OUTPUT = {"output_filter": "low-pass", "conserve_block_mean": True, "patch_size": 32}


def test_training_sees_conserved_means_as_the_downscaler_gives_them(weather, tmp_path):
    from atmodist_core.networks.output_layers import block_means

    trainer = gan_trainer(weather, tmp_path, **OUTPUT)
    places = trainer.sampler.patches(0, 4)
    batch = downscaling_batch(trainer.data, places, trainer.config, training=True)
    normalization = trainer.data.normalization
    fine = normalization.denormalize(trainer._generate(batch, 0).detach())
    coarse = normalization.denormalize(batch.coarse)
    means = block_means(fine.double(), batch.area, 4).float()
    assert float((means - coarse).abs().max() / coarse.std()) < 1e-4
    numbers = step_numbers(trainer, range(6))
    assert all(math.isfinite(value) for row in numbers for value in row.values())


def test_a_trained_model_keeps_its_layers_noise_average_and_half_precision(weather, tmp_path):
    from atmodist_core import load_downscaler

    changes = OUTPUT | {"upsampling": "resize", "residual": True, "noise_channels": 2, "ema_decay": 0.9}
    changes |= {"fine_noise_channels": 3}
    folder = train_gan(gan_config(tmp_path / "run", export_type="float16", **changes), [weather])
    downscaler = load_downscaler(folder)
    assert downscaler.card.architecture["generator"] == {
        **{"channels": 2, "factor": 4, "filters": 8, "blocks": 1, "upsampling": "resize", "residual": True},
        **{"noise_channels": 2, "fine_noise_channels": 3, "condition_channels": 0},
        **{"output_filter": "low-pass", "filter_cutoff": 0.5, "conserve_block_mean": True},
    }
    coarse = coarsen(weather.isel(time=slice(0, 1)), 4)
    back = coarsen(downscaler(coarse, seed=1), 4)
    for name in ("vorticity", "divergence"):
        error = back[name].values - coarse[name].values
        assert abs(error).max() < 1e-4 * float(coarse[name].std())


def test_judged_are_the_averaged_weights(weather, tmp_path):
    trainer = gan_trainer(weather, tmp_path, ema_decay=0.5)
    first = trainer.generator.tail.weight.detach().clone()
    trainer.step(0)
    moved = trainer.generator.tail.weight.detach()
    averaged = trainer.evaluated_generator.tail.weight
    torch.testing.assert_close(averaged, 0.1 * first + 0.9 * moved)  # early on it forgets faster
    assert trainer.evaluated_generator is not trainer.generator


@pytest.fixture(scope="module")
def start_model(weather, tmp_path_factory):
    config = gan_config(tmp_path_factory.mktemp("start") / "run", epochs=0, final_epochs=0)
    return train_gan(config, [weather])


def test_start_from_a_generator_without_the_new_layers(weather, tmp_path, start_model):
    """Cards of before have none of the new keys; the layers have no weights; noise is not yet heard."""
    import json

    card = start_model / "card.json"
    values = json.loads(card.read_text())
    old = {k: values["architecture"]["generator"][k] for k in ("channels", "factor", "filters", "blocks")}
    values["architecture"]["generator"] = old
    card.write_text(json.dumps(values))
    noise = {"noise_channels": 3, "fine_noise_channels": 2}
    config = gan_config(tmp_path, start_from=str(start_model), **noise, **OUTPUT)
    start = load_start(config, generator_config(config))
    generator, _ = build_gan_networks(config, start)
    plain, _ = build_gan_networks(
        gan_config(tmp_path), load_start(config, generator_config(gan_config(tmp_path)))
    )
    coarse = torch.randn(1, 2, 6, 6)
    with torch.no_grad():
        fine_noise = [torch.randn(1, 2, n * 6, n * 6) for n in (2, 4)]
        deaf = generator(torch.cat((coarse, torch.randn(1, 3, 6, 6)), dim=1), *fine_noise)
        torch.testing.assert_close(deaf, plain(coarse))
    trained = train_gan(replaced(config, {"out": tmp_path / "run"}), [weather])
    later = json.loads((trained / "card.json").read_text())
    assert later["schedule"]["start_model"] == values["name"]
    assert later["normalization"] == values["normalization"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"upsampling": "resize"}, "--upsampling resize after --start-from, found .* with subpixel"),
        ({"residual": True}, "--residual True after --start-from"),
        ({"filters": 4}, "--filters 4 after --start-from, found .* with 8"),
        ({"residual_blocks": 3}, "--residual-blocks 3 after --start-from, found .* with 1"),
        ({"channels": ("divergence", "vorticity")}, "channels divergence, vorticity after --start-from"),
    ],
)
def test_an_unfit_start_is_refused(tmp_path, start_model, changes, words):
    config = gan_config(tmp_path, start_from=str(start_model), **changes)
    with pytest.raises(UserError, match=words):
        load_start(config, generator_config(config))


def test_adapting_to_other_data_keeps_the_normalisation_and_tells_the_spacing(weather, tmp_path, start_model):
    import json

    coarser = coarsen(weather, 2)
    config = gan_config(tmp_path / "a", start_from=str(start_model), epochs=1, final_epochs=0)
    cards = {}
    for name, keep in (("a", True), ("b", False)):
        changes = {"out": tmp_path / name, "keep_normalization": keep}
        cards[name] = json.loads((train_gan(replaced(config, changes), [coarser]) / "card.json").read_text())
    before = json.loads((start_model / "card.json").read_text())
    assert cards["a"]["normalization"] == before["normalization"] != cards["b"]["normalization"]
    assert cards["a"]["grid_spacing_deg"] == pytest.approx(2 * before["grid_spacing_deg"])
    assert cards["a"]["schedule"]["keep_normalization"] is True


def test_resumed_with_every_option_equals_uninterrupted(weather, tmp_path, monkeypatch):
    from tests.training.test_resume import same_curves, same_files, stop_after

    changes = OUTPUT | {"noise_channels": 1, "ema_decay": 0.9, "adversarial_form": "relativistic"}
    changes |= {"balance": "none", "r1_weight": 5.0, "r1_interval": 2, "instance_noise": 0.2}
    changes |= {"spectral_norm": True, "spectrum_weight": 0.1, "distribution_weight": 0.1, "clip_norm": 1.0}
    whole, broken = (gan_config(tmp_path / n, **changes) for n in ("whole", "broken"))
    train_gan(whole, [weather])
    with monkeypatch.context() as patched:
        stop_after(patched, GanTrainer, 4)
        assert train_gan(broken, [weather]) is None
    train_gan(replaced(broken, {"resume": True}), [weather])
    same_files(tmp_path / "whole", tmp_path / "broken")
    same_curves(tmp_path / "whole", tmp_path / "broken")


def test_compiling_is_an_option_of_all_three(weather, tmp_path, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: compiled.append(type(self).__name__))
    gan_trainer(weather, tmp_path, compile=True)
    assert compiled == ["Generator", "Discriminator", "MeanSquaredErrorLoss"]
