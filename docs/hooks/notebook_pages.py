"""A notebook as it is committed -> Markdown and pictures; nothing is executed."""

from __future__ import annotations

import re
from pathlib import Path

NOTE = {
    True: "*The notebook `{path}` with the outputs that are stored in it; nothing was executed for this page.*",
    False: "*The notebook `{path}`, which is stored without outputs: this page shows its code alone.*",
}
# What pandas says of how its tables look: here they look as all others.
_STYLE = re.compile(r'<style scoped>.*?</style>\n?| border="1" class="dataframe"| style="text-align: right;"', re.DOTALL)


def as_markdown(path: Path, name: str) -> tuple[str, dict[str, bytes]]:
    """Renders a notebook.

    Args:
        path: The file.
        name: Its path in the repository, which the page tells.

    Returns:
        Markdown, and the pictures by their paths beside the page.
    """
    import nbformat
    from nbconvert import MarkdownExporter

    notebook = nbformat.read(path, as_version=4)
    executed = any(cell.get("outputs") for cell in notebook.cells)
    text, resources = MarkdownExporter().from_notebook_node(notebook, {"output_files_dir": f"{path.stem}_files", "unique_key": path.stem})
    heading, _, rest = text.lstrip().partition("\n")
    text = f"{heading}\n\n{NOTE[executed].format(path=name)}\n{_STYLE.sub('', rest)}"
    return text, dict(resources["outputs"])
