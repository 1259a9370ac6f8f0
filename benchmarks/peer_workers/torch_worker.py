"""The project's networks as a worker of ``benchmarks/peers.py``; not meant to be run by hand."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from turns import serve, use_cores

THREADS = use_cores()

import numpy as np
import torch
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from atmodist_core.inference.embedding import fold_normalization
from atmodist_core.networks import (
    Discriminator,
    DistanceNetwork,
    Encoder,
    Generator,
    LagClassifier,
    parameter_count,
)

torch.set_num_threads(THREADS)
Prepared = tuple[Callable[[], Any], dict[str, Any]]


def network_of(name: str) -> torch.nn.Module:
    """A network with the same random weights each time; those of batch normalisation unlike 0 and 1."""
    torch.manual_seed(0)
    distance = DistanceNetwork(Encoder(), LagClassifier())
    networks = {"generator": Generator(), "discriminator": Discriminator(), "distance": distance}
    for module in distance.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor, mean in ((module.running_mean, 0.0), (module.running_var, 1.0)):
                assert tensor is not None
                tensor.copy_(mean + 0.2 * torch.rand_like(tensor))
    # The encoder keeps the names that its weights have within the distance network.
    return torch.nn.ModuleDict({"encoder": distance.encoder}) if name == "encoder" else networks[name]


def write(path: Path, **fields: np.ndarray) -> None:
    """Inputs, or weights, for every worker."""
    np.savez(path, **fields)  # type: ignore[arg-type]


def inputs_of(message: dict[str, Any]) -> dict[str, np.ndarray]:
    """Random normalised input of a task."""
    random, batch, size = np.random.default_rng(0), message["batch"], message["size"]

    def noise(*shape: int) -> np.ndarray:
        return random.standard_normal((batch, 2, *shape), dtype=np.float32)

    if message["network"] == "generator":
        fine = {"fine": noise(4 * size[0], 4 * size[1])} if message["kind"] == "training" else {}
        return {"coarse": noise(*size), **fine}
    if message["network"] == "distance":
        labels = random.integers(0, 23, batch)
        return {"earlier": noise(*size), "later": noise(*size), "labels": labels}
    return {"fields": noise(*size)}


def inference(message: dict[str, Any], folder: Path) -> Prepared:
    """A call from arrays to an array, with the engine and precision of the message, as the library runs it."""
    network = network_of(message["network"]).eval().requires_grad_(False)
    given, parameters = inputs_of(message), parameter_count(network)
    given.pop("labels", None)
    write(folder / f"{message['network']}.npz", **{k: v.numpy() for k, v in learned(network).items()})
    write(folder / f"{message['task']}.npz", **given)
    tensors = [torch.from_numpy(x) for x in given.values()]
    if message["engine"] == "openvino":
        run = openvino_call(network, message["precision"])
    else:
        dtype = getattr(torch, message["precision"])
        if message["network"] == "encoder":
            fold_normalization(network["encoder"])
        moved = network.to(dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        forward = moved["encoder"] if message["network"] == "encoder" else moved

        def run(*fields: torch.Tensor) -> torch.Tensor:
            there = (x.to(dtype=dtype, memory_format=torch.channels_last) for x in fields)
            return forward(*there).float()

    @torch.inference_mode()
    def call() -> np.ndarray:
        return run(*tensors).numpy()

    np.save(folder / f"{message['name']}.npy", call())
    return call, {"parameters": parameters}


def openvino_call(network: torch.nn.Module, precision: Any) -> Callable[..., torch.Tensor]:
    """The same network as an OpenVINO graph."""
    from atmodist_core.inference.openvino_networks import OpenvinoEncoder, OpenvinoGenerator

    if isinstance(network, Generator):
        graphs = OpenvinoGenerator(network, precision)
        return lambda coarse: graphs.refine(graphs.coarse_features(coarse), coarse)
    assert isinstance(network, torch.nn.ModuleDict)
    return OpenvinoEncoder(network["encoder"], precision)


def learned(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Weights and running statistics."""
    state = network.state_dict()
    return {k: v.clone() for k, v in state.items() if not k.endswith("num_batches_tracked")}


def training(message: dict[str, Any], folder: Path) -> Prepared:
    """A step on a batch that stays the same, as the trainers do it: channels last, bfloat16 by autocast."""
    network, given = network_of(message["network"]).train(), inputs_of(message)
    write(folder / f"{message['network']}.npz", **{k: v.numpy() for k, v in learned(network).items()})
    write(folder / f"{message['task']}.npz", **given)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    fields = {
        k: torch.from_numpy(v).contiguous(memory_format=torch.channels_last)
        for k, v in given.items()
        if k != "labels"
    }
    is_generator = message["network"] == "generator"
    labels = None if is_generator else torch.from_numpy(given["labels"])
    optimizer: torch.optim.Optimizer = (
        torch.optim.Adam(network.parameters(), lr=1e-4)
        if is_generator
        else torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    )

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=message["precision"] == "bfloat16"):
            names = ("coarse",) if is_generator else ("earlier", "later")
            out = network(*(fields[name] for name in names)).float()
        if labels is None:
            loss = functional.mse_loss(out, fields["fine"])
        else:
            loss = functional.cross_entropy(out, labels)
        loss.backward()
        if not is_generator:
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        return float(loss.detach())

    losses = [step() for _ in range(3)]
    return step, {"losses": losses, "parameters": parameter_count(network)}


def prepare(message: dict[str, Any], folder: Path) -> Prepared:
    """What ``turns.serve`` asks for."""
    if message["name"] == "version":
        found = find_spec("openvino")
        if found is None:
            return lambda: None, {"version": torch.__version__, "openvino": None}
        import openvino

        return lambda: None, {"version": torch.__version__, "openvino": openvino.__version__.split("-")[0]}
    return (training if message["kind"] == "training" else inference)(message, folder)


if __name__ == "__main__":
    serve(prepare)
