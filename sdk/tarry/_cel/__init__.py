"""The expression language: Google's CEL, over JSON events.

``syntax`` turns text into ``nodes``, ``checks`` refuses invalid expressions, and ``evaluator`` computes a tree's value.
The grammar is cel-python's. The semantics are the standard's (github.com/google/cel-spec). cel-python's own evaluator
differs from it where the contract relies on it: equality between types, errors inside ``filter`` and ``exists_one``,
``has`` of a value that is not a map, and times without a date, which it takes as today.
"""
