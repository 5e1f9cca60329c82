"""The expression language: Google's CEL, over JSON events.

``syntax`` turns text into ``nodes``, ``checks`` refuses what cannot be meant, ``evaluator`` gives a tree its
value. The grammar is cel-python's. The semantics are the standard's (github.com/google/cel-spec), which
cel-python's own evaluator leaves where the contract counts on them: equality between types, errors inside
``filter`` and ``exists_one``, ``has`` of what is no map, times without a date that mean today.
"""
