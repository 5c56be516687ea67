"""Generators: everything that is made from `spec/`. They read files by path and import nothing of the packages."""
