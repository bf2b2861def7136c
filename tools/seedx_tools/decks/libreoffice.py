"""Convert decks to PDF and PNG with LibreOffice, if it is installed.

Each conversion runs headless in a temporary directory with a fresh profile and a time limit. Decks with macros or with
links to files outside themselves are rejected before LibreOffice opens them.
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
"""A deck of sixty slides takes well under a minute; a hung LibreOffice is killed."""

_PATHS = {
    "darwin": ("/Applications/LibreOffice.app/Contents/MacOS/soffice",),
    "win32": (r"C:\Program Files\LibreOffice\program\soffice.exe",),
}
HOW_TO_INSTALL = (
    "install LibreOffice: 'sudo apt-get install libreoffice-impress' on Debian and Ubuntu, 'brew install --cask "
    "libreoffice' on macOS, or from libreoffice.org"
)
_WIDTH_PX = 1280


def find_office() -> Path | None:
    """Return the path of the LibreOffice executable, or None if it is not installed."""
    found = shutil.which("soffice") or shutil.which("libreoffice")
    candidates = [Path(found)] if found else [Path(path) for path in _PATHS.get(sys.platform, ())]
    return next((path for path in candidates if path.is_file()), None)


def deck_to_pdf(path: str | os.PathLike[str], pdf: str | os.PathLike[str]) -> Path:
    """Write a deck as a PDF with one page per slide, and return its path.

    Raises:
        TemplateError: If the file is not a deck that can be opened safely, or links to files outside itself.
        OutputPathError: If the PDF cannot be written.
        ToolFailed: If LibreOffice is not installed or cannot convert the deck.
    """
    target = check_output_path(pdf, (".pdf",))
    office = find_office()
    if office is None:
        raise ToolFailed(f"saving a PDF requires LibreOffice, which is not installed; {HOW_TO_INSTALL}")
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
            status, output = _run(command)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ToolFailed(
                f"LibreOffice did not convert '{path}' ({error}); open the deck there to see why"
            ) from error
        made = work / "deck.pdf"
        if status or not made.is_file():
            raise ToolFailed(f"LibreOffice could not convert '{path}' (exit status {status}): {output}")
        return write_file(target, made.read_bytes())


def _run(command: list[str]) -> tuple[int, str]:
    """Run a command; return its exit status and the end of its output. No child process outlives the time limit."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=sys.platform != "win32"
    ) as process:
        try:
            output, _ = process.communicate(timeout=TIMEOUT_SECONDS)
        except BaseException:
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)  # soffice is a script: the converter is its child
            raise
    return process.returncode, output.decode(errors="replace").strip()[-300:]


def deck_to_png(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> list[Path]:
    """Write slide-01.png, slide-02.png ... as LibreOffice renders them, 1280 pixels wide, and return their paths.

    Raises:
        MissingExtraError: If pypdfium2 is not installed (the extra `previews`).
        TemplateError: As for deck_to_pdf.
        OutputPathError: As for deck_to_pdf.
        ToolFailed: As for deck_to_pdf.
    """
    with needs_extra("previews"):
        import pypdfium2
    with tempfile.TemporaryDirectory(prefix="seedx-office-") as work:
        pdf = pypdfium2.PdfDocument(deck_to_pdf(path, Path(work) / "deck.pdf"))
        try:
            images: list[Image.Image] = [
                page.render(scale=_WIDTH_PX / page.get_width()).to_pil().convert("RGB") for page in pdf
            ]
        finally:
            pdf.close()
    paths = []
    for number, image in enumerate(images, start=1):
        target = Path(folder) / f"slide-{number:02d}.png"
        with output_file(target) as partial:
            image.save(partial, "PNG")
        paths.append(target)
    return paths


def save_previews(deck: Deck, folder: str | os.PathLike[str]) -> str:
    """Write a PNG of each slide, rendered by LibreOffice if it is installed, else by seedx_tools.decks.preview.

    Returns:
        The name of the renderer.

    Raises:
        OutputPathError: If a preview cannot be written there.
        ToolFailed: If LibreOffice is installed but cannot convert the deck.
    """
    if find_office() is not None and find_spec("pypdfium2") is not None:
        deck_to_png(deck.path, folder)
        return "LibreOffice"
    deck.save_previews(folder)
    return deck.preview_by
