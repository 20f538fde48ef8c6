"""What promptops ships as data: schemas, and templates of the files that people begin with."""

from importlib.resources import files

SCHEMAS = ("manifest", "project")


def schema_text(name: str) -> str:
    """A schema, byte for byte."""
    return files("promptops").joinpath("schemas", f"{name}.v1.json").read_text("utf-8")


def template(path: str, **values: str) -> str:
    """A template with `@NAME@` replaced, and nothing else: a workflow keeps its `${{ }}`."""
    text = files("promptops").joinpath("templates", *path.split("/")).read_text("utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text
