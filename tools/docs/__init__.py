"""The pages of the documentation that are made from `spec/`: Markdown, by their paths below `docs/`.

Nothing here is written to disk: the site's build asks for the pages, so that none can be stale. Like all generators
these read the spec by path and import none of the packages; what only a package knows is handed to them as `Facts`.
"""
