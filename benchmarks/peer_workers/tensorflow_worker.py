"""TensorFlow and sup3r as a worker of ``benchmarks/peers.py``; not meant to be run by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from turns import serve, use_cores

THREADS = use_cores()

import keras
import numpy as np
import tensorflow as tf
import tensorflow_networks as networks

tf.config.threading.set_intra_op_parallelism_threads(THREADS)
tf.config.threading.set_inter_op_parallelism_threads(1)

Prepared = tuple[Callable[[], Any], dict[str, Any]]


def arrays(path: Path) -> dict[str, np.ndarray]:
    """What the project's worker wrote, fields with channels last."""
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def last(fields: np.ndarray) -> np.ndarray:
    """Channels last."""
    return np.ascontiguousarray(np.moveaxis(fields, 1, -1))


def model_of(message: dict[str, Any], folder: Path) -> keras.Model:
    """The network of a message, with the project's weights."""
    bf16 = message["precision"] == "bfloat16"
    keras.mixed_precision.set_global_policy("mixed_bfloat16" if bf16 else "float32")
    model = getattr(networks, message["network"])()
    networks.fill(model, arrays(folder / f"{message['network']}.npz"))
    return model


def parameters(weights: list[Any]) -> int:
    """Numbers that are trained."""
    return sum(int(np.prod(weight.shape)) for weight in weights)


def inference(message: dict[str, Any], folder: Path) -> Prepared:
    """A call from arrays to an array, through a compiled graph."""
    model = model_of(message, folder)
    inputs = [last(x) for x in arrays(folder / f"{message['task']}.npz").values()]
    run = tf.function(lambda *x: model(x if len(x) > 1 else x[0], training=False), jit_compile=message["xla"])
    tensors = [tf.constant(x) for x in inputs]

    def call() -> np.ndarray:
        return run(*tensors).numpy()

    out = call()
    np.save(folder / f"{message['name']}.npy", np.moveaxis(out, -1, 1) if out.ndim == 4 else out)
    return call, {"parameters": parameters(model.trainable_weights)}


def training(message: dict[str, Any], folder: Path) -> Prepared:
    """A step of the same optimiser on the same batch as the project's worker."""
    model = model_of(message, folder)
    given = arrays(folder / f"{message['task']}.npz")
    if message["network"] == "generator":
        optimizer: Any = keras.optimizers.Adam(1e-4, epsilon=1e-8)
        x, target = tf.constant(last(given["coarse"])), tf.constant(last(given["fine"]))

        def loss_of() -> Any:
            return tf.reduce_mean(tf.square(model(x, training=True) - target))
    else:
        optimizer = keras.optimizers.SGD(0.01, momentum=0.9, global_clipnorm=5.0)
        pair = [tf.constant(last(given["earlier"])), tf.constant(last(given["later"]))]
        labels = tf.constant(given["labels"])

        def loss_of() -> Any:
            logits = model(pair, training=True)
            return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))

    optimizer.build(model.trainable_variables)

    @tf.function(jit_compile=message["xla"])
    def step() -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of()
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    losses = [float(step()) for _ in range(3)]
    return lambda: float(step()), {"losses": losses, "parameters": parameters(model.trainable_weights)}


def sup3r(message: dict[str, Any], folder: Path) -> Prepared:
    """sup3r's own generator, called as it calls it.

    The package has spatial generators for 2x and 10x, made of steps; the 4x one here is its 10x one (2 x 5) with the
    second step replaced by a second one of 2.
    """
    from sup3r.models import Sup3rGan

    keras.mixed_precision.set_global_policy("float32")
    configurations = files("sup3r") / "configs" / "spatial"
    layers = json.loads((configurations / "gen_10x_2f.json").read_text())["hidden_layers"]
    for layer in layers:
        layer.update({"spatial_mult": 2} if layer.get("spatial_mult") == 5 else {})
        layer.update({"filters": 256} if layer.get("filters") == 1600 else {})
    names = ["vorticity", "divergence"]
    features = {"lr_features": names, "hr_out_features": names, "hr_exo_features": []}
    model = Sup3rGan(layers, str(configurations / "disc.json"), meta=features)
    given = arrays(folder / f"{message['task']}.npz")
    coarse = last(given["coarse"])
    fine = model.generate(coarse, norm_in=False, un_norm_out=False)
    assert fine.shape == (*coarse.shape[:1], 4 * coarse.shape[1], 4 * coarse.shape[2], 2), fine.shape
    answer = {"parameters": parameters(model.generator.weights), "version": version("NREL-sup3r")}
    if "fine" not in given:
        tensor = tf.constant(coarse)
        return lambda: model._tf_generate(tensor).numpy(), answer
    truth, coarse = tf.constant(last(given["fine"])), tf.constant(coarse)
    call = lambda: model.run_gradient_descent(coarse, truth, train_gen=True, train_disc=False)  # noqa: E731
    call()
    return call, answer


def prepare(message: dict[str, Any], folder: Path) -> Prepared:
    """What ``turns.serve`` asks for."""
    if message["name"] == "version":
        return lambda: None, {"version": tf.__version__}
    kind = {"sup3r": sup3r, "training": training, "inference": inference}
    return kind[message["kind"]](message, folder)


if __name__ == "__main__":
    serve(prepare)
