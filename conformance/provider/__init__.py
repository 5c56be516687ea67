"""The suite as a provider: the other end of the hub, so that both legs of an exchange are seen."""
