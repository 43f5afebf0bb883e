"""What the grammar cannot see: names, flow, variables, schemas.

One module per subject. Each reads what the walk found (`found`) and the nodes, never the model,
so that it also works on a document with mistakes.
"""
