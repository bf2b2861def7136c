"""The `seedx` command. Exit codes: 0 done, 1 it could not be done (one line on stderr says why), 2 wrong usage."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core
import typer.main
from PIL import Image

from seedx_sdk.cli.chat import converse
from seedx_sdk.cli.console import (
    GuidanceOption,
    HeightOption,
    JsonOption,
    ModelOption,
    SeedOption,
    Step,
    StepsOption,
    WidthOption,
    errors,
    open_client,
    print_json,
    print_warnings,
    progress,
    read_text,
)
from seedx_sdk.cli.weights import convert, export, extract_lora, print_directory
from seedx_sdk.errors import MissingExtraError, SeedXError
from seedx_sdk.files import check_output_path, write_file
from seedx_sdk.imaging import IMAGE_SUFFIXES, save_image
from seedx_sdk.regions import Region
from seedx_sdk.types import EditedImage, GeneratedImage, ImageProgress, TryOnImage

__all__ = ["app", "main"]

PLUGIN_GROUP = "seedx.commands"
"""Entry points in which packages declare further commands: a function or a typer app, and the extra that it needs."""


class _Commands(typer.core.TyperGroup):
    """Our commands and, loaded when asked for, those of installed packages; our errors become one line."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; exit code 1 and one line on stderr if it raised one of our errors."""
        try:
            return super().invoke(ctx)
        except SeedXError as error:
            text = " ".join(str(error).split())
            errors().print(f"error: {text}", style="red", markup=False)
            raise typer.Exit(1) from error

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return [*super().list_commands(ctx), *metadata.entry_points(group=PLUGIN_GROUP).names]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of that name, or None."""
        found = metadata.entry_points(group=PLUGIN_GROUP, name=cmd_name)
        return _load(found[cmd_name]) if found else super().get_command(ctx, cmd_name)


def _load(entry: metadata.EntryPoint) -> Any:
    try:
        command = entry.load()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("seedx_"):
            raise
        command = _refusal(entry.extras[0] if entry.extras else "local", error.name)
    if not isinstance(command, typer.Typer):
        alone = typer.Typer(add_completion=False)
        alone.command(entry.name)(command)
        command = alone
    loaded = typer.main.get_command(command)
    loaded.name = entry.name
    return loaded


def _refusal(extra: str, package: str) -> Callable[[], None]:
    def refuse() -> None:
        """Not available: an optional package is missing."""
        raise MissingExtraError(extra, package)

    return refuse


app = typer.Typer(
    cls=_Commands,
    name="seedx",
    help="SEED-X: describe, detect, generate and edit images, make slides, tell stories. Works offline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)

ImageGuidanceOption = Annotated[
    float | None, typer.Option("--image-guidance-scale", help="How closely to keep to the given image.")
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Take also an image unlike all that the model was trained on.")
]
ImageArgument = Annotated[str, typer.Argument(metavar="IMAGE", help="An image file.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"seedx {metadata.version('seedx-sdk')}")
        raise typer.Exit


@app.callback()
def _seedx(
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def describe(
    ctx: typer.Context,
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="One or several image files.")],
    question: Annotated[str | None, typer.Option("--question", "-q", help="What to answer; '-' is stdin.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Also write the text to this file.")] = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
    model: ModelOption = None,
) -> None:
    """Caption images or answer a question about them."""
    if output is not None:
        check_output_path(output)
    with progress("reading the image"):
        asked = None if question is None else read_text(question, "question")
        result = open_client(ctx, model).describe(images, asked, seed=seed)
    if output is not None:
        write_file(output, f"{result.text}\n".encode())
    print_warnings(result.warnings)
    if json:
        print_json(result)
    else:
        typer.echo(result.text)


@app.command()
def detect(
    ctx: typer.Context,
    image: ImageArgument,
    phrase: Annotated[str, typer.Argument(help="What to find: 'the red house', 'all houses'; '-' is stdin.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Save the image with boxes here.")] = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
    model: ModelOption = None,
) -> None:
    """Find things in an image: one line per box, x0 y0 x1 y1 in pixels and the label."""
    if output is not None:
        check_output_path(output, IMAGE_SUFFIXES)
    with progress("reading the image"):
        result = open_client(ctx, model).detect(image, read_text(phrase, "phrase"), seed=seed)
    if output is not None:
        save_image(result.annotated, output)
    print_warnings(result.warnings)
    if json:
        print_json(result, [] if output is None else [(result.annotated, output)])
        return
    for box in result.boxes:
        typer.echo("{} {} {} {}".format(*box.pixels) + f"\t{box.label}")
    if not result.boxes:
        errors().print("nothing found")


@app.command()
def generate(
    ctx: typer.Context,
    prompt: Annotated[str, typer.Argument(help="What to draw; '-' is stdin.")],
    image: Annotated[list[str] | None, typer.Option("--image", "-i", help="Reference image (repeatable).")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to save [generate.png].")] = None,
    width: WidthOption = None,
    height: HeightOption = None,
    num_inference_steps: StepsOption = None,
    guidance_scale: GuidanceOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
    model: ModelOption = None,
) -> None:
    """Generate an image."""
    path = _image_path(output, "generate")
    with progress("drawing") as step:
        result = open_client(ctx, model).generate(
            read_text(prompt, "prompt"),
            image or (),
            width=width,
            height=height,
            num_inference_steps=num_inference_steps,
            guidance_scale=guidance_scale,
            seed=seed,
            on_progress=_drawing(step),
        )
    _finish_image(result, path, json)


@app.command()
def edit(
    ctx: typer.Context,
    image: ImageArgument,
    instruction: Annotated[str, typer.Argument(help="What to change; '-' is stdin.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to save [edit.png].")] = None,
    width: WidthOption = None,
    height: HeightOption = None,
    num_inference_steps: StepsOption = None,
    guidance_scale: GuidanceOption = None,
    image_guidance_scale: ImageGuidanceOption = None,
    force: ForceOption = False,
    seed: SeedOption = 0,
    json: JsonOption = False,
    model: ModelOption = None,
) -> None:
    """Edit an image according to an instruction."""
    path = _image_path(output, "edit")
    with progress("drawing") as step:
        result = open_client(ctx, model).edit(
            image,
            read_text(instruction, "instruction"),
            width=width,
            height=height,
            num_inference_steps=num_inference_steps,
            guidance_scale=guidance_scale,
            image_guidance_scale=image_guidance_scale,
            force=force,
            seed=seed,
            on_progress=_drawing(step),
        )
    _finish_image(result, path, json)


@app.command("try-on")
def try_on(
    ctx: typer.Context,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="An image file of the person to dress.")],
    garment: Annotated[str, typer.Argument(metavar="GARMENT", help="An image file of the garment alone.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to save [try-on.png].")] = None,
    region: Annotated[
        str | None,
        typer.Option("--region", metavar="X0,Y0,X1,Y1", help="Pixels of PERSON to redraw (default: found by detect)."),
    ] = None,
    phrase: Annotated[str, typer.Option("--phrase", help="What is to be found there: 'the shirt'.")] = "the clothes",
    width: WidthOption = None,
    height: HeightOption = None,
    num_inference_steps: StepsOption = None,
    guidance_scale: GuidanceOption = None,
    image_guidance_scale: ImageGuidanceOption = None,
    force: ForceOption = False,
    seed: SeedOption = 0,
    json: JsonOption = False,
    model: ModelOption = None,
) -> None:
    """Dress a person in a garment; the model needs a try_on specialist."""
    path, corners = _image_path(output, "try-on"), None if region is None else _corners(region)
    with progress("drawing") as step:
        result = open_client(ctx, model).try_on(
            person,
            garment,
            region=corners,
            phrase=phrase,
            width=width,
            height=height,
            num_inference_steps=num_inference_steps,
            guidance_scale=guidance_scale,
            image_guidance_scale=image_guidance_scale,
            force=force,
            seed=seed,
            on_progress=_drawing(step),
        )
    _finish_image(result, path, json)


@app.command()
def chat(
    ctx: typer.Context,
    message: Annotated[
        str | None, typer.Argument(help="Send this message and exit; without it, each line of stdin is one turn.")
    ] = None,
    image: Annotated[list[str] | None, typer.Option("--image", "-i", help="An image to talk about.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory for generated images.")] = Path(),
    width: WidthOption = None,
    height: HeightOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
    model: ModelOption = None,
) -> None:
    """Chat with the model about images. In a conversation, '/image FILE' adds an image and '/quit' ends."""
    check_output_path(output / "image.png")
    lines = [message] if message is not None else sys.stdin
    converse(
        open_client(ctx, model), lines, image or [], directory=output, width=width, height=height, seed=seed, json=json
    )


app.command()(convert)
app.command()(extract_lora)
app.command()(export)


@app.command()
def info(
    ctx: typer.Context,
    directory: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A checkpoint directory to look into, without loading it.")
    ] = None,
    json: JsonOption = False,
    model: ModelOption = None,
) -> None:
    """Show the model and what it accepts; with DIR, what a checkpoint directory holds, can do and needs."""
    if directory is not None:
        if model is not None:
            raise typer.BadParameter("DIR and --model are two ways to name a directory; give one of them")
        return print_directory(directory, json)
    with progress("loading"):
        facts = open_client(ctx, model).info
    if json:
        typer.echo(facts.model_dump_json())
        return
    for name, value in facts.model_dump().items():
        typer.echo(f"{name}: {value}")


def _corners(text: str) -> Region:
    try:
        x0, y0, x1, y1 = (int(number) for number in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not four whole numbers, X0,Y0,X1,Y1", param_hint="--region") from None
    return x0, y0, x1, y1


def _drawing(step: Step) -> Callable[[ImageProgress], None]:
    return lambda event: step(event.step, event.total, "drawing")


def _image_path(output: Path | None, name: str) -> Path:
    """Return where the image goes: the given path, or an unused name in this directory."""
    path, number = output or Path(f"{name}.png"), 2
    while output is None and path.exists():
        path, number = Path(f"{name}-{number}.png"), number + 1
    return check_output_path(path, IMAGE_SUFFIXES)


def _finish_image(result: GeneratedImage | EditedImage | TryOnImage, path: Path, json: bool) -> None:
    saved = [] if result.image is None else [(result.image, save_image(result.image, path))]
    print_warnings(result.warnings)
    if json:
        print_json(result, saved)
    elif saved:
        typer.echo(path)
    else:
        typer.echo(result.text)


def main() -> None:
    """Run the command line."""
    # open_image rejects such an image with an error of its own
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    app()
