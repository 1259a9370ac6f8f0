"""Damaged weights and cards are refused in one sentence, and disable no other model."""

import dataclasses
import json
import os

import pytest
import torch
from safetensors.torch import load_file, save_file

import atmodist_core as ad
from atmodist_core.common.assets import asset_folder
from atmodist_core.common.errors import UserError
from atmodist_core.models.card import list_models, read_card
from atmodist_core.models.store import file_sha256, load_network
from atmodist_core.networks import DecoderConfig, EncoderConfig, Generator, GeneratorConfig
from tests.networks.mock_models import saved_downscaler
from tests.networks.test_model_store import rewrite_card


def flip_last_byte(path):
    with path.open("rb+") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last ^ 1]))


def test_a_flipped_bit_is_found(tmp_path):
    folder = saved_downscaler(tmp_path / "tiny")
    flip_last_byte(folder / "model.safetensors")
    with pytest.raises(UserError, match="checksum"):
        load_network(folder)


def test_intact_weights_of_another_saving_are_found(tmp_path):
    folder, other = (saved_downscaler(tmp_path / name, seed=seed) for name, seed in (("one", 1), ("two", 2)))
    created = read_card(folder).created
    tensors = load_file(other / "model.safetensors")
    save_file(tensors, folder / "model.safetensors", metadata={"created": created})
    with pytest.raises(UserError, match="SHA-256"):
        load_network(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path, value):
    """Also those of a card without a checksum, as earlier versions wrote it."""
    folder = saved_downscaler(tmp_path / "tiny")
    path = folder / "model.safetensors"
    tensors = load_file(path)
    tensors["tail.bias"][0] = value
    save_file(tensors, path)
    rewrite_card(folder, weights_sha256=KeyError)
    assert read_card(folder).weights_sha256 == ""
    with pytest.raises(UserError, match=r"finite weights.*'tail.bias'"):
        load_network(folder)


def test_a_card_without_a_checksum_still_loads(tmp_path):
    folder = saved_downscaler(tmp_path / "tiny")
    rewrite_card(folder, weights_sha256=KeyError)
    assert isinstance(load_network(folder)[1], Generator)


def test_every_shipped_card_holds_the_checksum_of_its_weights():
    for card in asset_folder("models").glob("*/card.json"):
        assert read_card(card.parent).weights_sha256 == file_sha256(card.parent / "model.safetensors")


BROKEN_CARDS = [
    "{",
    "[]",
    "null",
    "[" * 100_000,
    '{"name": "x"}',
    "\udcff",
    *({"normalization": value} for value in (5, [], "x", {"type": "signed-log", "channels": 3})),
    *({"channels": value} for value in (None, 7, {})),
    *({"grid_spacing_deg": value} for value in (float("nan"), float("inf"), 1e300)),
    *({"factor": value} for value in (10**30, -1, 1.5, None)),
    *({"name": value} for value in (None, [], "")),
    *({"distance_scale": value} for value in ([], {"stage1": None}, {"stage1": "x"})),
]


@pytest.mark.parametrize("broken", BROKEN_CARDS, ids=lambda value: repr(value)[:40])
def test_a_broken_card_disables_its_own_model_only(tmp_path, monkeypatch, broken):
    saved_downscaler(tmp_path / "good", name="good")
    bad = saved_downscaler(tmp_path / "bad", name="bad")
    if isinstance(broken, dict):
        rewrite_card(bad, **broken)
    else:
        (bad / "card.json").write_bytes(broken.encode(errors="surrogateescape"))
    problems = []
    assert [card.name for card in list_models([tmp_path], problems=problems)] == ["good"]
    assert len(problems) == 1 and str(bad) in problems[0] and len(problems[0]) < 2000
    monkeypatch.setenv("ATMODIST_MODELS", str(tmp_path))
    assert ad.load_downscaler("good").card.name == "good"
    with pytest.raises(UserError):
        ad.load_downscaler(bad)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_a_card_that_is_no_file_does_not_block(tmp_path):
    saved_downscaler(tmp_path / "good", name="good")
    (tmp_path / "fifo").mkdir()
    os.mkfifo(tmp_path / "fifo" / "card.json")
    problems = []
    assert [card.name for card in list_models([tmp_path], problems=problems)] == ["good"]
    assert "no file" in problems[0]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (GeneratorConfig, {"blocks": 10**9}),
        (GeneratorConfig, {"filters": 10**12}),
        (GeneratorConfig, {"factor": 2**40}),
        (GeneratorConfig, {"noise_channels": -1}),
        (EncoderConfig, {"stage_filters": [16] * 1000}),
        (EncoderConfig, {"blocks_per_stage": 10**6}),
        (EncoderConfig, {"stage_filters": []}),
        (DecoderConfig, {"doublings": 10**6}),
    ],
)
def test_absurd_architectures_are_refused_before_anything_is_built(kind, values):
    with pytest.raises(UserError, match=next(iter(values))):
        kind.from_dict(values)


def test_an_architecture_larger_than_its_file_is_refused_from_the_header(tmp_path, monkeypatch):
    folder = saved_downscaler(tmp_path / "tiny")
    card = json.loads((folder / "card.json").read_text())
    card["architecture"]["generator"] |= {"filters": 8192, "blocks": 256}
    (folder / "card.json").write_text(json.dumps(card))
    monkeypatch.setattr("atmodist_core.models.store.read_tensors", None)
    with pytest.raises(UserError, match="do not belong together"):
        load_network(folder)


def test_a_changed_card_keeps_the_checksum(tmp_path):
    from atmodist_core.models.store import save_card

    folder = saved_downscaler(tmp_path / "tiny")
    saved = read_card(folder)
    save_card(folder, dataclasses.replace(saved, scores={"rmse": 1.0}, weights_sha256=""))
    assert (
        read_card(folder).weights_sha256 == saved.weights_sha256 == file_sha256(folder / "model.safetensors")
    )
    assert torch.is_tensor(next(load_network(folder)[1].parameters()))
