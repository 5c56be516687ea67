"""How long a test waits for what must come: only a test that fails waits so long, and a busy machine takes its time."""

DEADLINE_S = 60.0
