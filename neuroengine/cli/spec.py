"""`neuroengine spec`: prints or exports what the spec holds."""

from __future__ import annotations

from pathlib import Path

import click

from neuroengine import spec


@click.group(name="spec")
def command() -> None:
    """Print or export the spec: schemas, OpenAPI, registry and vectors."""


@command.command(name="list")
def list_files() -> None:
    """List the files of the spec."""
    for path in spec.paths():
        click.echo(path)


@command.command()
@click.argument("path")
def show(path: str) -> None:
    """Print one file of the spec, by the path that `list` shows."""
    if path not in spec.paths():
        raise click.UsageError(f"the spec holds no file {path!r}; run: neuroengine spec list")
    click.echo(spec.read_text(path), nl=False)


@command.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def export(folder: Path) -> None:
    """Copy all files of the spec into FOLDER."""
    count = 0
    for path in spec.paths():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(spec.read_text(path), encoding="utf-8")
        count += 1
    click.echo(f"{count} files written to {folder}")
