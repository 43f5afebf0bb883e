"""The DSL 1.0.3 as tables: which properties exist where, and of what shape.

Owns the grammar, in the words of `shapes`, one module per part of the reference. Does not own the
walk over a document (`survey`) nor what names refer to (`checks`). Source: the DSL reference and
its schema, 1.0.3; accepted beyond it, because newer texts of the same version have them:
`schedule.read`, `catch.then`, `emit` without `source`, relative addresses, `for.in` as an array,
`evaluate`, `detail` in an error filter, `run.script.arguments` as a mapping. Stricter than the
schema: it leaves some objects open by accident (the root, `emit.event`, `correlate.*`,
`catch.errors`, authentication policies, mcp's `with`); here an unknown property is a mistake
everywhere, except where the DSL says that names are free.
"""
