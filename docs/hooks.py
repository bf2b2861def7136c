"""Pages of the site that lie outside of docs/: README, CHANGELOG and every source file that a page links to."""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import dirname, normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
ADDED = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks.md",
    "tests/parity/README.md": "parity.md",
}
"""Pages by their file in the repository."""
_SITE = {page: source for source, page in ADDED.items()}
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<target>(?!\w+:|#)[^)#\s]+)(?P<line>#[\w-]+)?\)")
_LINE = re.compile(r'id="(__codelineno-[\d-]+)"')
_IMAGE = re.compile(r"(?<=\]\()docs/(?=images/)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside of docs/."""
    for source, added in ADDED.items():
        files.append(File.generated(config, added, content=_read(source)))
    for page in list(files.documentation_pages()):
        for link in _LINK.finditer(page.content_string):
            source = _resolve(page.src_uri, link["target"])
            listed = source.startswith("docs/") or source in ADDED or not (ROOT / source).is_file()
            if not listed and files.get_file_from_path(_page_of(source)) is None:
                language = "python" if source.endswith(".py") else "text"
                content = f'# {source}\n\n`````{language} linenums="1"\n{_read(source)}\n`````\n'
                files.append(File.generated(config, _page_of(source), content=content))
    return files


def on_page_markdown(markdown: str, *, page: Page, files: Files, **_: object) -> str:
    """Point links at pages of the site; the text of a link to a folder of the repository stays as text."""
    at = page.file.src_uri

    def rewrite(link: re.Match[str]) -> str:
        source = _resolve(at, link["target"])
        target = _page_of(source)
        if files.get_file_from_path(target) is None:
            return link["text"] if (ROOT / source).is_dir() else link[0]  # MkDocs reports what does not exist
        line = (link["line"] or "").replace("#L", "#__codelineno-0-")
        return f"[{link['text']}]({relpath(target, dirname(at) or '.')}{line})"

    return _IMAGE.sub("", _LINK.sub(rewrite, markdown))


def on_page_content(html: str, *, page: Page, **_: object) -> str:
    """Tell MkDocs, which checks links to anchors, those of the numbered lines."""
    if page.present_anchor_ids is not None:
        page.present_anchor_ids |= set(_LINE.findall(html))
    return html


def _resolve(page: str, target: str) -> str:
    """Return the path in the repository of what a page links to."""
    return normpath(f"{dirname(_SITE.get(page, f'docs/{page}'))}/{target}").lstrip("/")


def _page_of(source: str) -> str:
    """Return the page of the site that shows a file of the repository."""
    if source in ADDED:
        return ADDED[source]
    return source.removeprefix("docs/") if source.startswith("docs/") else f"source/{source}.md"


def _read(source: str) -> str:
    return (ROOT / source).read_text(encoding="utf-8")
