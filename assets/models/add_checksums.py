"""Record the SHA-256 of the weights on the card of every model in this folder.

python assets/models/add_checksums.py

Saving a model records it already; this is for cards written by earlier versions.
"""

import dataclasses
from pathlib import Path

from atmodist_core.common.atomic_write import replacing
from atmodist_core.models.card import CARD_FILE, TENSOR_FILE
from atmodist_core.models.store import file_sha256, load_network


def main() -> None:
    """Load every model, which checks its weights, and rewrite the cards without a checksum."""
    for path in sorted(Path(__file__).parent.glob(f"*/{CARD_FILE}")):
        card, _ = load_network(path.parent)
        if not card.weights_sha256:
            card = dataclasses.replace(card, weights_sha256=file_sha256(path.parent / TENSOR_FILE))
            with replacing(path) as partial:
                partial.write_text(card.to_json(), encoding="utf-8")
        print(f"{card.name}: {card.weights_sha256}")


if __name__ == "__main__":
    main()
