"""The blocks of the page on integrations run, in order, as one program."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "integrations.md"


@pytest.mark.slow
def test_the_page(tmp_path):
    pytest.importorskip("torchmetrics", reason="needs the package torchmetrics")
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    assert len(blocks) == 5
    names: dict = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert float(names["values"].mean()) > 0
