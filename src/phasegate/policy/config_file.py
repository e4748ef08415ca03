"""The configuration file, parsed: a mistake is told with line, column and the nearest valid key."""

from phasegate.errors import UserError
from phasegate.policy.config import CONFIG_PATH, Config
from phasegate.policy.strict_yaml import YamlError, parse_yaml

MAX_CONFIG_BYTES = 64 * 1024
_MEND = "`phasegate schema` prints every key with its meaning and default."
_TOLD = 4
"""How many mistakes are told at once."""


class ConfigError(UserError):
    """The configuration file cannot be used."""


def parse_config(text: str | None, *, source: str = CONFIG_PATH) -> Config:
    """Return the configuration in a YAML text; None or an empty text means all defaults. Raises `ConfigError`."""
    if text is None:
        return Config()
    try:
        return parse_yaml(text, Config, source=source, max_bytes=MAX_CONFIG_BYTES)
    except YamlError as error:
        first, *others = error.problems[:_TOLD]
        raise ConfigError(first, cause=" ".join(others), mend=_MEND) from None
