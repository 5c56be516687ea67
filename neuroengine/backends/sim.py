"""The backend that answers with the mock hub's simulated model: for trying all of a service without a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neuroengine.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from neuroengine.protocol.jobs import Request


def simulated_model() -> Callable[[Request], Iterator[str]]:
    """A callback that gives out the simulated model's tokens; every sampling field counts, as it does at a mock hub.

    Raises:
        ConfigurationError: the mock hub's packages are not installed.
    """
    try:
        from mockserver.model import Sampling, SimulatedModel
    except ImportError as error:
        raise ConfigurationError(
            f"the simulated model needs the package {error.name!r}; run: pip install 'neuroengine[mock]'"
        ) from None
    model = SimulatedModel()

    def answer(request: Request) -> Iterator[str]:
        return model.tokens(request.message, Sampling(**request.sampling))

    return answer
