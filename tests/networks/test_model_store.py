"""Model cards and weights: round trips, atomic saving, and refusal of everything else."""

import dataclasses
import json
import math
import os

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from atmodist_core.common import atomic_write
from atmodist_core.common.errors import AtmodistWarning, UserError
from atmodist_core.models import store
from atmodist_core.models.card import ModelCard, find_model, list_models, model_folders, read_card
from atmodist_core.models.store import (
    load_model_tensors,
    load_network,
    save_card,
    save_distance,
    save_downscaler,
    save_model,
)
from atmodist_core.networks import DistanceNetwork, Generator
from tests.networks.mock_models import (
    CHANNELS,
    TINY_GENERATOR,
    card,
    saved_distance,
    saved_downscaler,
    tiny_distance_network,
    wavy_weights,
)


def rewrite_card(folder, **changes):
    values = json.loads((folder / "card.json").read_text())
    for key, value in changes.items():
        if value is KeyError:
            del values[key]
        else:
            values[key] = value
    (folder / "card.json").write_text(json.dumps(values))


def test_a_saved_downscaler_gives_the_same_output(tmp_path):
    generator = wavy_weights(Generator(TINY_GENERATOR)).eval()
    saved = save_downscaler(tmp_path / "tiny", generator, card(scores={"rmse": np.float32(0.25)}))
    loaded_card, loaded = load_network(tmp_path / "tiny")
    x = torch.randn(1, 2, 7, 9)
    with torch.no_grad():
        assert torch.equal(loaded(x), generator(x))
    assert loaded_card.parameters == sum(p.numel() for p in generator.parameters())
    assert loaded_card.architecture == {"generator": TINY_GENERATOR.to_dict()}
    assert loaded_card.scores == {"rmse": 0.25}
    assert loaded_card.created == saved.created and loaded_card.channels == CHANNELS
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())
    assert sorted(os.listdir(tmp_path / "tiny")) == ["card.json", "model.safetensors"]


def test_a_saved_distance_gives_the_same_output(tmp_path):
    network = wavy_weights(tiny_distance_network()).eval()
    save_distance(
        tmp_path / "tiny", network, card("tiny-distance", "distance", distance_scale={"stage2": 0.5})
    )
    loaded_card, loaded = load_network(tmp_path / "tiny")
    assert isinstance(loaded, DistanceNetwork) and loaded_card.distance_scale == {"stage2": 0.5}
    a, b = torch.randn(2, 1, 2, 32, 32)
    with torch.no_grad():
        assert torch.equal(loaded(a, b), network(a, b))


def test_weights_start_where_memory_is_aligned(tmp_path):
    """Where a tensor of the file starts depends on the length of its header, and last bits of products can depend on that."""
    for length in range(16):
        network = tiny_distance_network()
        save_distance(
            tmp_path / "tiny", network, card("d" * (1 + length), "distance", distance_scale={"stage2": 0.5})
        )
        _, tensors = load_model_tensors(tmp_path / "tiny")
        assert all(tensor.data_ptr() % 64 == 0 for tensor in tensors.values())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_weights_are_widened(tmp_path, dtype):
    folder = saved_downscaler(tmp_path / "tiny")
    tensors = load_file(folder / "model.safetensors")
    save_file({name: tensor.to(dtype) for name, tensor in tensors.items()}, folder / "model.safetensors")
    rewrite_card(folder, weights_sha256="")
    _, loaded = load_model_tensors(folder)
    assert all(tensor.dtype == torch.float32 for tensor in loaded.values())
    for name, tensor in tensors.items():
        torch.testing.assert_close(loaded[name], tensor, rtol=1e-2, atol=1e-6)


def test_card_round_trip():
    made = card(
        period="a", data="b", level="sigma 0.883", loss={"content": "mse"}, schedule={"epochs": 3}, seed=7
    )
    assert ModelCard.from_dict(json.loads(made.to_json())) == made


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"flavour": "sweet"}, "unknown key 'flavour'"),
        ({"seed": KeyError}, "no key 'seed'"),
        ({"seed": "1"}, "'seed'"),
        ({"seed": True}, "'seed'"),
        ({"kind": "oracle"}, "'kind'.*distance, .*downscaler"),
        ({"name": "../other"}, "'name'"),
        ({"factor": 0}, "'factor'"),
        ({"factor": 8}, "factor 4"),
        ({"grid_spacing_deg": -1.0}, "'grid_spacing_deg'"),
        ({"grid_spacing_deg": None}, "'grid_spacing_deg'"),
        ({"channels": "vorticity"}, "'channels'"),
        ({"channels": ["divergence", "vorticity"]}, "'normalization'"),
        ({"normalization": None}, "'normalization'"),
        ({"normalization": {"type": "signed-log"}}, "missing"),
        ({"scores": []}, "'scores'"),
        ({"distance_scale": {"stage2": -1}}, "'distance_scale'"),
        ({"architecture": {}}, "generator"),
        ({"architecture": {"encoder": {}}}, "generator"),
        ({"architecture": {"generator": {"filters": 4, "blocks": 2, "layers": 3}}}, "unknown key 'layers'"),
        ({"architecture": {"generator": {"filters": 4, "blocks": 3}}}, "missing"),
        ({"architecture": {"generator": {"filters": 4, "blocks": 1}}}, "unknown"),
        ({"architecture": {"generator": {"filters": 8, "blocks": 2}}}, "shape"),
        ({"created": "yesterday"}, "one saving"),
    ],
)
def test_a_wrong_card_is_refused_naming_the_key(tmp_path, changes, named):
    folder = saved_downscaler(tmp_path / "tiny")
    rewrite_card(folder, **changes)
    with pytest.raises(UserError, match=named) as caught:
        load_model_tensors(folder)
    assert "\n" not in str(caught.value)


def test_cards_hold_plain_finite_values():
    with pytest.raises(UserError, match="JSON cannot hold"):
        card(scores={"rmse": math.nan}).to_json()
    with pytest.raises(UserError, match="JSON cannot hold"):
        card(scores={"rmse": object()}).to_json()


@pytest.mark.parametrize("name", ["model.pt", "model.pth", "weights.pkl", "last.ckpt"])
def test_files_that_can_run_code_are_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(UserError, match="can run code"):
        find_model(tmp_path / name)


def test_a_pickle_under_the_right_name_is_refused(tmp_path):
    folder = saved_downscaler(tmp_path / "tiny")
    (folder / "model.safetensors").write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(UserError, match="safetensors file"):
        load_network(folder)


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    generator = Generator(TINY_GENERATOR)
    with torch.no_grad():
        generator.tail.bias[0] = math.nan
    with pytest.raises(UserError, match="diverged"):
        save_downscaler(tmp_path / "tiny", generator, card())
    assert not (tmp_path / "tiny").exists()


def test_a_kill_while_saving_leaves_the_old_model(tmp_path, monkeypatch):
    folder = saved_downscaler(tmp_path / "tiny", seed=1)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    def killed(*_, **__):
        raise KeyboardInterrupt

    for module, place in ((store, "save_tensors"), (store, "file_sha256"), (atomic_write, "_flush")):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(module, place, killed)
            saved_downscaler(folder, seed=2)
        assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_kill_between_the_renames_is_noticed(tmp_path, monkeypatch):
    folder = saved_downscaler(tmp_path / "tiny", seed=1)
    replace, calls = os.replace, []

    def killed_at_second(*paths):
        calls.append(paths)
        if len(calls) == 2:
            raise KeyboardInterrupt
        replace(*paths)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(atomic_write.os, "replace", killed_at_second)
        saved_downscaler(folder, seed=2)
    with pytest.raises(UserError, match="one saving"):
        load_network(folder)
    saved_downscaler(folder, seed=3)
    assert load_network(folder)[0].seed == 3


def test_tensors_must_fit_the_card(tmp_path):
    tensors = Generator(TINY_GENERATOR).state_dict()
    described = card(architecture={"generator": TINY_GENERATOR.to_dict()})
    with pytest.raises(UserError, match="the unknown 'more'"):
        save_model(tmp_path / "a", {**tensors, "more": torch.zeros(1)}, described)
    tensors.pop("tail.bias")
    with pytest.raises(UserError, match=r"'tail.bias' missing"):
        save_model(tmp_path / "a", tensors, described)


def test_scores_are_added_to_a_saved_card(tmp_path):
    folder = saved_downscaler(tmp_path / "tiny")
    saved = read_card(folder)
    save_card(folder, dataclasses.replace(saved, scores={"rmse": 1.0}))
    assert load_network(folder)[0].scores == {"rmse": 1.0}
    with pytest.raises(UserError, match="created"):
        save_card(folder, card())


def test_models_are_found_by_name(tmp_path, monkeypatch):
    mine, shipped = tmp_path / "mine", tmp_path / "shipped"
    saved_downscaler(mine / "a", name="sr-b")
    saved_downscaler(shipped / "a", name="sr-a", seed=1)
    saved_distance(shipped / "d")
    monkeypatch.setenv("ATMODIST_MODELS", os.pathsep.join([str(mine), str(shipped)]))
    monkeypatch.setenv("ATMODIST_ASSETS", str(tmp_path / "absent"))
    assert [model.name for model in list_models()] == ["sr-a", "sr-b", "tiny-distance"]
    assert find_model("sr-a") == shipped / "a"
    assert find_model(mine / "a") == find_model(mine / "a" / "model.safetensors") == mine / "a"
    with pytest.raises(UserError, match="sr-a, sr-b, tiny-distance"):
        find_model("sr-c")


def test_broken_folders_are_skipped_with_a_sentence_each(tmp_path):
    saved_downscaler(tmp_path / "a", name="good")
    saved_downscaler(tmp_path / "b", name="good", seed=9)
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "card.json").write_text("{")
    saved_downscaler(tmp_path / "weightless", name="other")
    (tmp_path / "weightless" / "model.safetensors").unlink()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "file.txt").write_text("not a model")
    problems = []
    found = list_models([tmp_path, tmp_path / "absent"], problems=problems)
    assert [(model.name, model.seed) for model in found] == [("good", 0)]
    assert len(problems) == 5
    for folder in ("b", "empty", "torn", "weightless", "absent"):
        assert any(str(tmp_path / folder) in sentence for sentence in problems), folder
    with pytest.warns(AtmodistWarning):
        list_models([tmp_path / "absent"])


def test_the_shipped_models_come_last(tmp_path, monkeypatch):
    saved_downscaler(tmp_path / "assets" / "models" / "a", name="shipped")
    saved_downscaler(tmp_path / "mine" / "a", name="mine")
    monkeypatch.setenv("ATMODIST_ASSETS", str(tmp_path / "assets"))
    monkeypatch.setenv("ATMODIST_MODELS", str(tmp_path / "mine"))
    assert model_folders() == [tmp_path / "mine", tmp_path / "assets" / "models"]
    assert [model.name for model in list_models()] == ["mine", "shipped"]


def test_no_models_at_all(tmp_path):
    assert list_models([tmp_path]) == []
