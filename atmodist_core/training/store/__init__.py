"""Writing and reading the sharded training store of ``train/prepare.py``."""
