"""The Python of README and docs/: it is Python, and what it imports is there."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[2]
_PAGES = [_REPOSITORY / "README.md", *sorted((_REPOSITORY / "docs").glob("*.md"))]
_SNIPPETS = {
    f"{page.name}:{text.count(chr(10), 0, found.start()) + 1}": found[1]
    for page in _PAGES
    for text in [page.read_text("utf-8")]
    for found in re.finditer(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
}


@pytest.mark.parametrize("place", _SNIPPETS)
def test_a_snippet_is_python_and_its_imports_exist(place: str) -> None:
    tree = ast.parse(_SNIPPETS[place], place)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(
            ("bharnet_ros", "training")
        ):
            module = importlib.import_module(str(node.module))
            missing = [alias.name for alias in node.names if not hasattr(module, alias.name)]
            assert not missing, f"{place}: {node.module} has no {', '.join(missing)}"
