"""``python -m atmodist_studio`` is the command ``atmodist``, e.g. for ``torchrun -m atmodist_studio distance``."""

from atmodist_studio.command import main

if __name__ == "__main__":
    main()
