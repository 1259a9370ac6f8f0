"""The networks of the project in Keras, layer by layer, to be filled with the project's own weights.

Written from the description of the method; a layer is named as its weights are in the project's state dictionary.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

LEAK = 0.2
EPSILON = 1.001e-5


def _convolution(x: Any, filters: int, kernel: int, name: str, stride: int = 1, bias: bool = True) -> Any:
    return layers.Conv2D(filters, kernel, stride, padding="same", use_bias=bias, name=name)(x)


def _norm(x: Any, name: str) -> Any:
    return layers.BatchNormalization(momentum=0.99, epsilon=EPSILON, name=name)(x)


def _leaky(x: Any) -> Any:
    return layers.LeakyReLU(negative_slope=LEAK)(x)


class Shuffle(layers.Layer):
    """Four channels to four points."""

    def call(self, x: Any) -> Any:
        """Return twice the height and width."""
        return tf.nn.depth_to_space(x, 2)


def generator() -> keras.Model:
    """4x generator: two fields in, two fields out, any size."""
    inputs = keras.Input((None, None, 2))
    x = shallow = _leaky(_convolution(inputs, 64, 9, "head"))
    for number in range(16):
        y = _leaky(_convolution(x, 64, 3, f"blocks.{number}.conv1"))
        x = layers.Add()([x, _convolution(y, 64, 3, f"blocks.{number}.conv2")])
    x = layers.Add()([shallow, _convolution(x, 64, 3, "trunk")])
    for number in range(2):
        x = _leaky(Shuffle()(_convolution(x, 256, 3, f"upsampling.{number}.conv")))
    x = _convolution(x, 2, 9, "tail")
    return keras.Model(inputs, layers.Activation("linear", dtype="float32")(x))


def _encoder_layers(x: Any) -> Any:
    x = layers.ReLU()(_norm(_convolution(x, 16, 8, "encoder.stem", stride=2), "encoder.stem_norm"))
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    channels = 16
    for stage, filters in enumerate((16, 32, 64, 128), start=1):
        for number in range(6):
            name, stride = f"encoder.stages.stage{stage}.{number}", 2 if number == 0 and stage > 1 else 1
            shortcut = x
            if channels != filters:
                shortcut = _convolution(x, filters, 1, f"{name}.projection", stride, bias=False)
            y = _norm(_convolution(x, filters, 3, f"{name}.conv1", stride, bias=False), f"{name}.norm1")
            y = _norm(
                _convolution(layers.ReLU()(y), filters, 3, f"{name}.conv2", bias=False), f"{name}.norm2"
            )
            x, channels = layers.ReLU()(layers.Add()([y, shortcut])), filters
    return x


def encoder() -> keras.Model:
    """Two fields of any size to activations at a 32nd of it."""
    inputs = keras.Input((None, None, 2))
    x = _encoder_layers(inputs)
    return keras.Model(inputs, layers.Activation("linear", dtype="float32")(x))


def distance() -> keras.Model:
    """Patches of 160 x 160, first all earlier and then all later ones, to one logit for each of 23 lags."""
    inputs = keras.Input((160, 160, 2))
    trunk = keras.Model(inputs, _encoder_layers(inputs), name="trunk")
    earlier, later = keras.Input((160, 160, 2)), keras.Input((160, 160, 2))
    both = Halves()(trunk(Together()([earlier, later])))
    x = layers.ReLU()(_norm(_convolution(both, 128, 3, "classifier.conv1", stride=2), "classifier.norm1"))
    x = layers.ReLU()(_norm(_convolution(x, 128, 3, "classifier.conv2"), "classifier.norm2"))
    # The rows of the dense kernel count channel, row, column, as the project does.
    x = layers.Flatten()(layers.Permute((3, 1, 2))(x))
    return keras.Model(
        [earlier, later], layers.Dense(23, use_bias=False, name="classifier.dense", dtype="float32")(x)
    )


class Together(layers.Layer):
    """Two batches as one, so that batch normalisation sees both."""

    def call(self, pair: Any) -> Any:
        """Join along the batch."""
        return tf.concat(pair, axis=0)


class Halves(layers.Layer):
    """One batch as two, side by side."""

    def call(self, x: Any) -> Any:
        """Join along the channels."""
        return tf.concat(tf.split(x, 2, axis=0), axis=-1)


def discriminator() -> keras.Model:
    """Patches of 96 x 96 to one logit."""
    inputs = x = keras.Input((96, 96, 2))
    for number, filters in enumerate((32, 32, 64, 64, 128, 128, 256, 256)):
        x = _leaky(_convolution(x, filters, 3, f"convolutions.{number}", stride=1 + number % 2))
    x = _leaky(layers.Dense(1024, name="dense1")(layers.Flatten()(layers.Permute((3, 1, 2))(x))))
    return keras.Model(inputs, layers.Dense(1, name="dense2", dtype="float32")(x))


def _leaves(model: keras.Model) -> list[Any]:
    found = []
    for layer in model.layers:
        found += _leaves(layer) if isinstance(layer, keras.Model) else [layer] if layer.weights else []
    return found


def fill(model: keras.Model, weights: dict[str, np.ndarray]) -> None:
    """Copy the project's weights, kernels ``(out, in, height, width)``, into a model; all places must be filled."""
    left = dict(weights)
    for layer in _leaves(model):
        taken = {k: left.pop(f"{layer.name}.{k}", None) for k in ("weight", "bias")}
        taken |= {k: left.pop(f"{layer.name}.{k}", None) for k in ("running_mean", "running_var")}
        kernel = taken["weight"]
        assert kernel is not None, layer.name
        if kernel.ndim == 4:
            if layer.name.startswith("upsampling"):
                # A shuffle takes points first here, and channels first in the project.
                order = np.arange(len(kernel)).reshape(-1, 4).T.ravel()
                kernel, taken["bias"] = kernel[order], taken["bias"][order]
            kernel = kernel.transpose(2, 3, 1, 0)
        elif kernel.ndim == 2:
            kernel = kernel.T
        layer.set_weights([kernel, *(taken[k] for k in list(taken)[1:] if taken[k] is not None)])
    assert not left, sorted(left)
