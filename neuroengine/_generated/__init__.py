"""Generated from `spec/` by `tools/generate.py`; nothing here is written by hand."""
