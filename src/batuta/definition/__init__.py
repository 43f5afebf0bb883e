"""PURE: text -> checked workflow; every rejection has a code, a position and a hint."""
