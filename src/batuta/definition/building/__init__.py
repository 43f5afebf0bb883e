"""From a document without mistakes to the model.

Owns the translation of plain JSON into `model`, with every name in it resolved. Does not check: it
runs only when the checks found no error, so a `KeyError` here is a hole in the checks, not a
problem of the document.
"""
