"""A deck as LibreOffice shows it: PDF, and a PNG of each slide. Needs LibreOffice on this machine.

The deck is converted in a folder of its own with a fresh profile, without a window and with a time limit. A deck with
macros, or that links to files outside itself, is refused before LibreOffice sees it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from seedx_sdk.errors import needs_extra
from seedx_sdk.files import check_output_path, output_file, write_file
from seedx_tools.decks.ooxml.package import open_deck
from seedx_tools.decks.results import Deck
from seedx_tools.errors import ToolFailed

TIMEOUT_SECONDS = 180.0
"""A deck of sixty slides takes well under a minute; a hung LibreOffice is stopped."""

_PLACES = {
    "darwin": ("/Applications/LibreOffice.app/Contents/MacOS/soffice",),
    "win32": (r"C:\Program Files\LibreOffice\program\soffice.exe",),
}
HOW_TO_INSTALL = (
    "install LibreOffice: 'sudo apt-get install libreoffice-impress' on Debian and Ubuntu, 'brew install --cask "
    "libreoffice' on macOS, or from libreoffice.org"
)
_WIDTH_PX = 1280


def find_office() -> Path | None:
    """Return LibreOffice's program, or None if it is not installed."""
    found = shutil.which("soffice") or shutil.which("libreoffice")
    places = [Path(found)] if found else [Path(place) for place in _PLACES.get(sys.platform, ())]
    return next((place for place in places if place.is_file()), None)


def deck_to_pdf(path: str | os.PathLike[str], pdf: str | os.PathLike[str]) -> Path:
    """Write a deck as PDF, a page for each slide, and return its path.

    Raises:
        TemplateError: The file is no deck that may be opened, or links to files outside itself.
        OutputPathError: The PDF cannot be written.
        ToolFailed: LibreOffice is not installed, or could not convert the deck.
    """
    target = check_output_path(pdf, (".pdf",))
    office = find_office()
    if office is None:
        raise ToolFailed(f"a PDF needs LibreOffice, which is not on this machine; {HOW_TO_INSTALL}")
    open_deck(path, allow_links=False)  # LibreOffice would fetch what it links to
    with tempfile.TemporaryDirectory(prefix="seedx-office-") as folder:
        work = Path(folder)
        shutil.copyfile(path, work / "deck.pptx")
        command = [
            str(office),
            f"-env:UserInstallation={(work / 'profile').as_uri()}",
            "--headless",
            "--norestore",
            "--convert-to",
            "pdf",
            "--outdir",
            str(work),
            str(work / "deck.pptx"),
        ]
        try:
            status, said = _run(command)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ToolFailed(f"LibreOffice did not convert '{path}' ({error}); open it there to see why") from error
        made = work / "deck.pdf"
        if status or not made.is_file():
            raise ToolFailed(f"LibreOffice could not convert '{path}' (exit status {status}): {said}")
        return write_file(target, made.read_bytes())


def _run(command: list[str]) -> tuple[int, str]:
    """Run a command; return its exit status and the end of what it said. Nothing it started outlives the time limit."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=sys.platform != "win32"
    ) as process:
        try:
            said, _ = process.communicate(timeout=TIMEOUT_SECONDS)
        except BaseException:
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)  # soffice is a script: the converter is its child
            raise
    return process.returncode, said.decode(errors="replace").strip()[-300:]


def deck_to_png(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> list[Path]:
    """Write slide-01.png, slide-02.png ... as LibreOffice shows the slides, 1280 pixels wide, and return their paths.

    Raises:
        MissingExtraError: pypdfium2 is not installed (the extra `previews`).
        TemplateError, OutputPathError, ToolFailed: As deck_to_pdf.
    """
    with needs_extra("previews"):
        import pypdfium2
    with tempfile.TemporaryDirectory(prefix="seedx-office-") as work:
        pdf = pypdfium2.PdfDocument(deck_to_pdf(path, Path(work) / "deck.pdf"))
        try:
            pictures: list[Image.Image] = [
                page.render(scale=_WIDTH_PX / page.get_width()).to_pil().convert("RGB") for page in pdf
            ]
        finally:
            pdf.close()
    paths = []
    for number, picture in enumerate(pictures, start=1):
        target = Path(folder) / f"slide-{number:02d}.png"
        with output_file(target) as partial:
            picture.save(partial, "PNG")
        paths.append(target)
    return paths


def save_previews(deck: Deck, folder: str | os.PathLike[str]) -> str:
    """Write a PNG of each slide into a folder, as LibreOffice shows it where that can be asked, else as we draw it.

    Returns:
        What drew them.

    Raises:
        OutputPathError: A preview cannot be written there.
        ToolFailed: LibreOffice is there and could not convert the deck.
    """
    if find_office() is not None and find_spec("pypdfium2") is not None:
        deck_to_png(deck.path, folder)
        return "LibreOffice"
    deck.save_previews(folder)
    return deck.preview_by
