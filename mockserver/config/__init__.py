"""The configuration of `neuroengine mock`: a file in the form of `spec/mock/config.schema.json`, and flags.

reading   files, and flags laid over them
meaning   what the data says of a hub
errors    how what is wrong is said
secrets   keys from the environment and from files
watcher   tells when files change
"""

from mockserver.config.errors import ConfigError
from mockserver.config.meaning import Config, Recording, waiting
from mockserver.config.reading import read_config
from mockserver.config.watcher import Watcher
from mockserver.settings import CHANGEABLE
from mockserver.state.service_settings import DEFAULT_KEY

__all__ = ["CHANGEABLE", "DEFAULT_KEY", "Config", "ConfigError", "Recording", "Watcher", "read_config", "waiting"]
