"""The templates that people and models read: rendered strictly, a missing variable is an error."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

PACKAGE = Path(__file__).resolve().parent.parent


def template_directory() -> Path:
    """Return where the templates are: in the package (a wheel), else at the root of the checkout (editable)."""
    packaged = PACKAGE / "templates"
    return packaged if packaged.is_dir() else PACKAGE.parent.parent / "templates"


class Templates:
    """Renders the templates below a directory."""

    def __init__(self, directory: Path) -> None:
        # Prompts and Markdown are no HTML: escaping would change what a model or a person reads.
        self._environment = Environment(  # noqa: S701 -- see above
            loader=FileSystemLoader(directory),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )

    def render(self, name: str, /, **values: object) -> str:
        """Return the rendered text. Raises `jinja2.UndefinedError` for a variable that is not given."""
        return self._environment.get_template(name).render(**values)
