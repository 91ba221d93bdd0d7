"""Every link between our documents leads somewhere, and the index names every document."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PAGES = sorted([*_ROOT.glob("*.md"), *_ROOT.glob("docs/**/*.md"), *_ROOT.glob("sdk/*/README.md")])
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
_FENCE = re.compile(r"```.*?```", re.DOTALL)


def list_anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).strip().replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = []
    for name, anchor in _LINK.findall(page.read_text()):
        target = (page.parent / name).resolve() if name else page
        if not target.exists():
            lost.append(name)
        elif anchor and anchor not in list_anchors(target):
            lost.append(f"{name}#{anchor}")

    assert lost == []


def test_the_index_names_every_document() -> None:
    index = (_ROOT / "docs" / "README.md").read_text()
    documents = {
        str(path.relative_to(_ROOT / "docs"))
        for path in _PAGES
        if path.is_relative_to(_ROOT / "docs") and not path.is_relative_to(_ROOT / "docs/decisions")
    }

    assert {name for name in documents - {"README.md"} if f"({name})" not in index} == set()
