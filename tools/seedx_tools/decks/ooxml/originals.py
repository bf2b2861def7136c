"""Keep the slides that are not touched as they are in the file, byte for byte."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from pptx.opc.packuri import PackURI
from pptx.oxml import parse_xml
from pptx.presentation import Presentation as PresentationObject

from seedx_sdk.files import output_file


def slide_xml(deck: PresentationObject, path: str | os.PathLike[str]) -> dict[int, bytes]:
    """Return the XML of each slide in the file by slide id; part names change when a deck is opened."""
    name = deck.part.partname
    with zipfile.ZipFile(path) as package:
        relations = parse_xml(package.read(name.rels_uri.lstrip("/")))
        targets = {relation.get("Id"): relation.get("Target") for relation in relations}
        return {
            int(entry.id): package.read(PackURI.from_rel_ref(name.baseURI, targets[entry.rId]).lstrip("/"))
            for entry in deck.slides._sldIdLst
        }


def save_keeping(deck: PresentationObject, target: Path, originals: Mapping[int, bytes]) -> None:
    """Save a deck; slides whose XML is given by their id get it in place of what python-pptx serializes.

    Raises:
        OutputPathError: If it cannot be written.
    """
    # python-pptx renames the slide parts when slides are accessed, so these names are the saved ones
    names = {
        str(slide.part.partname).lstrip("/"): originals[slide.slide_id]
        for slide in deck.slides
        if slide.slide_id in originals
    }
    data = io.BytesIO()
    deck.save(data)
    with output_file(target) as partial, zipfile.ZipFile(data) as old:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as new:
            for part in old.infolist():
                new.writestr(part.filename, names.get(part.filename, old.read(part)))
