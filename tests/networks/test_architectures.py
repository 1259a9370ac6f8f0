"""The networks against the published parameter counts, shapes, and hand-made convolutions."""

import numpy as np
import pytest
import torch

from atmodist_core.common.errors import UserError
from atmodist_core.networks import (
    Discriminator,
    DiscriminatorConfig,
    DistanceNetwork,
    Encoder,
    EncoderConfig,
    Generator,
    GeneratorConfig,
    LagClassifier,
    LagClassifierConfig,
    parameter_count,
)
from atmodist_core.networks.layers import SameConv2d, SameMaxPool2d
from tests.networks.mock_models import TINY_ENCODER, TINY_GENERATOR, tiny_distance_network, wavy_weights


@pytest.mark.parametrize(
    ("network", "count"),
    [(Encoder, 2_271_920), (LagClassifier, 469_632), (Generator, 1_534_850), (Discriminator, 10_611_201)],
)
def test_published_parameter_counts(network, count):
    with torch.device("meta"):
        assert parameter_count(network()) == count


def test_published_shapes():
    with torch.device("meta"):
        patches, fine = torch.zeros(2, 2, 160, 160), torch.zeros(2, 2, 96, 96)
        encoder = Encoder()
        assert encoder(patches).shape == (2, 128, 5, 5)
        assert DistanceNetwork(encoder, LagClassifier())(patches, patches).shape == (2, 23)
        assert Generator()(torch.zeros(2, 2, 24, 24)).shape == (2, 2, 96, 96)
        assert Discriminator()(fine).shape == (2, 1)


def test_published_multiply_adds():
    """185.1 million for a 160 x 160 field and 1.227 thousand million for 24 x 24 -> 96 x 96 points."""
    counted = []

    def count(module, _, output):
        counted.append(module.weight.numel() * output.shape[-2] * output.shape[-1])

    for network, x, wanted in (
        (Encoder, torch.zeros(1, 2, 160, 160), 185.1e6),
        (Generator, torch.zeros(1, 2, 24, 24), 1.227e9),
    ):
        counted.clear()
        with torch.device("meta"):
            made = network()
        for module in made.modules():
            if isinstance(module, torch.nn.Conv2d):
                module.register_forward_hook(count)
        made(x.to("meta"))
        assert sum(counted) == pytest.approx(wanted, rel=1e-3)


def test_layers_of_the_encoder():
    encoder = Encoder(TINY_ENCODER)
    found = encoder.features(torch.zeros(1, 2, 64, 96), ("stage1", "stage2", "stage3", "stage4"))
    assert {layer: tuple(x.shape[1:]) for layer, x in found.items()} == {
        "stage1": (4, 16, 24),
        "stage2": (6, 8, 12),
        "stage3": (8, 4, 6),
        "stage4": (10, 2, 3),
    }
    assert [encoder.config.stride(layer) for layer in encoder.config.layers] == [4, 8, 16, 32]


def test_the_encoder_stops_after_the_last_layer_asked_for():
    encoder = Encoder(TINY_ENCODER)
    encoder.stages["stage3"].register_forward_hook(lambda *_: pytest.fail("computed stage 3"))
    assert list(encoder.features(torch.zeros(1, 2, 32, 32), ("stage2",))) == ["stage2"]


@pytest.mark.parametrize("size", [(1, 1), (31, 45), (64, 33), (100, 7)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_and_any_number_of_channels(size, channels):
    with torch.device("meta"):
        encoded = Encoder(EncoderConfig(channels=channels)).eval()(torch.zeros(1, channels, *size))
        assert encoded.shape == (1, 128, -(-size[0] // 32), -(-size[1] // 32))
        fine = Generator(GeneratorConfig(channels=channels, factor=8))(torch.zeros(1, channels, *size))
        assert fine.shape == (1, channels, 8 * size[0], 8 * size[1])


@pytest.mark.parametrize("patch_size", [32, 50, 64, 96, 161])
def test_any_patch_size(patch_size):
    with torch.device("meta"):
        x = torch.zeros(1, 2, patch_size, patch_size)
        classifier = LagClassifier(LagClassifierConfig(patch_size=patch_size, classes=31))
        assert DistanceNetwork(Encoder(), classifier).eval()(x, x).shape == (1, 31)
        assert Discriminator(DiscriminatorConfig(patch_size=patch_size))(x).shape == (1, 1)


def test_leads_of_the_classes():
    assert LagClassifierConfig().lags_hours[:3] == (3, 6, 9)
    assert LagClassifierConfig().lags_hours[-1] == 69
    assert LagClassifierConfig(classes=2, lag_step_hours=6).lags_hours == (6, 12)


@pytest.mark.parametrize(("factor", "radius"), [(2, 40.0), (4, 39.5), (8, 39.25)])
def test_receptive_radius(factor, radius):
    """4 (9x9) + 33 (3x3) + 1 + 1/2 + ... per step + 4 fine points of the last 9x9."""
    assert GeneratorConfig(factor=factor).receptive_radius == radius


def test_receptive_radius_is_where_the_gradient_ends():
    generator = wavy_weights(Generator(TINY_GENERATOR))
    radius = int(np.ceil(TINY_GENERATOR.receptive_radius))
    coarse = torch.zeros(1, 2, 2 * radius + 9, 1, requires_grad=True)
    rows = slice(4 * (radius + 4), 4 * (radius + 5))
    generator(coarse)[:, :, rows].sum().backward()
    touched = coarse.grad[0, :, :, 0].abs().sum(0).nonzero()[:, 0]
    assert touched.min() == 4 and touched.max() == 2 * radius + 4


def test_receptive_radius_of_the_encoder_covers_its_gradient():
    """8 points, then 2 convolutions of 1 block at strides 4, 8, 16, 32: 8 + 8 + 16 + 32 + 64."""
    assert TINY_ENCODER.receptive_radius() == 128 and TINY_ENCODER.receptive_radius("stage1") == 16
    encoder = wavy_weights(Encoder(TINY_ENCODER)).eval()
    x = torch.randn(1, 2, 1, 512, requires_grad=True)
    encoder(x)[..., 8].abs().sum().backward()
    touched = x.grad[0].abs().sum((0, 1)).nonzero()[:, 0]
    # Activation 8 starts at point 256 and stands for 32 points.
    assert 256 - 128 <= touched.min() < 256 - 64 and 288 + 64 < touched.max() < 288 + 128


def test_strided_convolution_pads_as_tensorflow():
    """'SAME' at stride 2 on an even axis: no zero before, one after; output i sees inputs 2i, 2i+1, 2i+2."""
    x = np.array([1.0, 2.0, 4.0, 8.0])
    kernel = np.array([1.0, 10.0, 100.0])
    convolution = SameConv2d(1, 1, 3, stride=2, bias=False)
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.weight[0, 0, 1] = torch.tensor(kernel)
    found = convolution(torch.tensor(x, dtype=torch.float32).reshape(1, 1, 1, 4))
    # 1*1 + 2*10 + 4*100 = 421; 4*1 + 8*10 + 0*100 = 84
    assert found.flatten().tolist() == [421.0, 84.0]
    # On an odd axis it is symmetric: 0*1 + 1*10 + 2*100 = 210; 2*1 + 4*10 + 0*100 = 42
    assert convolution(torch.tensor([[[[1.0, 2.0, 4.0]]]])).flatten().tolist() == [210.0, 42.0]


def test_max_pooling_pads_as_tensorflow():
    x = torch.tensor([[[[1.0, 5.0, 2.0, 7.0]]]])
    assert SameMaxPool2d(3, stride=2)(x).flatten().tolist() == [5.0, 7.0]
    # Odd: one before, one after: windows (-, 1, 5), (5, 2, -).
    assert SameMaxPool2d(3, stride=2)(x[..., :3]).flatten().tolist() == [5.0, 5.0]


def test_residual_block_by_hand():
    """A block whose convolutions are zero passes on its rectified input; a projection starts where filters
    change.
    """
    encoder = Encoder(EncoderConfig(stem_filters=2, stage_filters=(2, 4), blocks_per_stage=2))
    first = encoder.stages["stage1"][0].eval()
    with torch.no_grad():
        for convolution in (first.conv1, first.conv2):
            convolution.weight.zero_()
    x = torch.randn(1, 2, 5, 5)
    assert torch.equal(first(x), x.relu())
    assert first.projection is None and encoder.stages["stage2"][1].projection is None
    projection = encoder.stages["stage2"][0].projection
    assert projection.kernel_size == (1, 1) and projection.stride == (2, 2) and projection.bias is None


def test_batch_normalisation_follows_keras():
    norms = [m for m in Encoder(TINY_ENCODER).modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms and all(m.eps == 1.001e-5 and m.momentum == 0.01 for m in norms)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in Generator(TINY_GENERATOR).modules())


GOLDEN_FIELD = torch.sin(torch.arange(2 * 32 * 32, dtype=torch.float32) * 0.13).reshape(1, 2, 32, 32)


def test_golden_output_of_the_generator():
    with torch.no_grad():
        fine = wavy_weights(Generator(TINY_GENERATOR))(GOLDEN_FIELD[..., :5, :6])
    assert fine.shape == (1, 2, 20, 24)
    found = [fine.mean(), fine.std(), fine[0, 0, 0, 0], fine[0, 1, 10, 12]]
    assert [float(value) for value in found] == pytest.approx(GOLDEN_GENERATOR, rel=2e-4, abs=1e-5)


def test_golden_output_of_the_distance_network():
    network = wavy_weights(tiny_distance_network()).eval()
    with torch.no_grad():
        logits = network(GOLDEN_FIELD, GOLDEN_FIELD.flip(-1))
        encoded = network.encoder(GOLDEN_FIELD)
    assert logits[0].tolist() == pytest.approx(GOLDEN_LOGITS, rel=2e-4, abs=1e-5)
    assert float(encoded.mean()) == pytest.approx(GOLDEN_ENCODING, rel=2e-4)


def test_evaluation_is_deterministic_and_leaves_statistics_alone():
    network = wavy_weights(tiny_distance_network()).eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    first, second = (network(GOLDEN_FIELD, -GOLDEN_FIELD) for _ in range(2))
    assert torch.equal(first, second)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    pair = GOLDEN_FIELD.repeat(2, 1, 1, 1)
    network.train()(pair, -pair)
    assert not torch.equal(before["encoder.stem_norm.running_mean"], network.encoder.stem_norm.running_mean)


def test_the_network_is_siamese():
    """Both fields go through the same encoder, and their order matters only to the classifier."""
    network = wavy_weights(tiny_distance_network()).eval()
    a, b = GOLDEN_FIELD, GOLDEN_FIELD.flip(-2)
    by_hand = network.classifier(network.encoder(a), network.encoder(b))
    torch.testing.assert_close(network(a, b), by_hand)
    assert not torch.allclose(network(a, b), network(b, a))


@pytest.mark.parametrize("made", [lambda: Encoder(TINY_ENCODER), lambda: Generator(TINY_GENERATOR)])
@torch.no_grad()
def test_channels_last_and_bfloat16(made):
    network = made().eval()
    wanted = network(GOLDEN_FIELD)
    fast = network.to(memory_format=torch.channels_last)
    x = GOLDEN_FIELD.to(memory_format=torch.channels_last)
    torch.testing.assert_close(fast(x), wanted, rtol=1e-4, atol=1e-5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = fast(x)
    assert half.dtype == torch.bfloat16
    assert float((half.float() - wanted).square().mean().sqrt() / wanted.std()) < 0.05


@pytest.mark.parametrize(
    "call",
    [
        lambda: Generator(TINY_GENERATOR)(torch.zeros(2, 24, 24)),
        lambda: Generator(TINY_GENERATOR)(torch.zeros(1, 3, 24, 24)),
        lambda: Encoder(TINY_ENCODER)(torch.zeros(1, 1, 32, 32)),
        lambda: Encoder(TINY_ENCODER).features(torch.zeros(1, 2, 32, 32), ("stage5",)),
        lambda: Discriminator(DiscriminatorConfig(patch_size=32, filters=(4, 4), dense_units=3))(
            torch.zeros(1, 2, 31, 32)
        ),
        lambda: tiny_distance_network(32)(torch.zeros(1, 2, 32, 32), torch.zeros(1, 2, 32, 33)),
        lambda: tiny_distance_network(32)(torch.zeros(1, 2, 64, 64), torch.zeros(1, 2, 64, 64)),
        lambda: DistanceNetwork(Encoder(TINY_ENCODER), LagClassifier()),
    ],
)
def test_wrong_shapes_are_refused_in_a_sentence(call):
    with pytest.raises(ValueError, match=r"^Expected .*found .*: "):
        call()


@pytest.mark.parametrize("config", [EncoderConfig, GeneratorConfig, DiscriminatorConfig, LagClassifierConfig])
def test_configurations_survive_json(config):
    import json

    made = config(channels=3) if hasattr(config(), "channels") else config(classes=15)
    assert config.from_dict(json.loads(json.dumps(made.to_dict()))) == made


@pytest.mark.parametrize(
    ("config", "values", "named"),
    [
        (EncoderConfig, {"chanels": 2}, "chanels.*did you mean 'channels'"),
        (GeneratorConfig, {"depth": 3}, "unknown key 'depth'"),
        (GeneratorConfig, {"factor": 3}, "power of two"),
        (GeneratorConfig, {"factor": 1}, "power of two"),
        (GeneratorConfig, {"factor": 4.0}, "factor"),
        (GeneratorConfig, {"blocks": True}, "blocks"),
        (EncoderConfig, {"stage_filters": [16, "32"]}, "stage_filters"),
        (EncoderConfig, {"stage_filters": []}, "stage_filters"),
        (DiscriminatorConfig, {"patch_size": 0}, "patch_size"),
        (LagClassifierConfig, [1, 2], "mapping"),
    ],
)
def test_bad_configurations_name_the_key(config, values, named):
    with pytest.raises(UserError, match=named):
        config.from_dict(values)


GOLDEN_GENERATOR = [1.8635838, 136.1807362, 3.0049114, -94.1348215]
GOLDEN_LOGITS = [-0.17226121, 0.00231570, 0.16999061, -0.16899518, -0.00428719]
GOLDEN_ENCODING = 0.10222427
