"""The networks of AtmoDist: encoder, lag classifier, autoencoder, generator and discriminator."""

from atmodist_core.networks.autoencoder import Autoencoder, Decoder, DecoderConfig
from atmodist_core.networks.discriminator import Discriminator, DiscriminatorConfig
from atmodist_core.networks.distance_network import DistanceNetwork, LagClassifier, LagClassifierConfig
from atmodist_core.networks.encoder import Encoder, EncoderConfig
from atmodist_core.networks.generator import Generator, GeneratorConfig
from atmodist_core.networks.layers import parameter_count
from atmodist_core.networks.output_layers import PhysicalOutput

__all__ = [
    "Autoencoder",
    "Decoder",
    "DecoderConfig",
    "Discriminator",
    "DiscriminatorConfig",
    "DistanceNetwork",
    "Encoder",
    "EncoderConfig",
    "Generator",
    "GeneratorConfig",
    "LagClassifier",
    "LagClassifierConfig",
    "PhysicalOutput",
    "parameter_count",
]
