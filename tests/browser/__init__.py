"""What the documentation and the reports look like in a browser; the session `browser` runs these tests."""
