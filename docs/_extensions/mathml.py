"""Equations as MathML, which every browser draws by itself: no script and no font has to be loaded."""

from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml


def _mathml(node: nodes.Node, as_block: bool) -> str:
    try:
        return tex2mathml(node.astext(), as_block=as_block)
    except MathError as error:
        # An equation that cannot be converted must stop the build, not show its source to a reader.
        raise ValueError(f"{node.source}, line {node.line}: {error} in: {node.astext()}") from error


def _inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(_mathml(node, False))
    raise nodes.SkipNode


def _block(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="equation">{_mathml(node, True)}</div>\n')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
