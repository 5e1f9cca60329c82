"""How an event finds the waits that it resolves. Pure: no AWS, no clock.

``plan`` reads a wait's expression with the trigger event in hand, and gives match keys and residuals.
``match_key`` gives the key of an incoming event, ``residual_holds`` the answer for each candidate found under
it. Together they answer as ``evaluate_whole`` does, which knows no index.

Bounds, each an ``ExpressionError`` with its number when a wait is registered: an expression has at most 4,096
characters, parts nested 100 deep, and 16 macros, three within each other; what it takes over from the trigger
64,000 characters. Eight alternatives have keys, and what would have more is a residual. When an event comes, each
question may take 50,000 steps and compare values nested 100 deep (``cel.steps``); a pattern has 1,000 characters,
a duration 100. What goes over is no match, as a missing field is, and is counted.

Numbers compare exactly, across their kinds; nothing equals a value of another type; a missing field is an error,
hence no match. What there is beside the standard's functions stands in ``cel.functions``. The grammar is loaded,
in some 0.2 seconds, when the first expression is parsed.
"""

from tarry_backend.matching.evaluation import (
    MatchError,
    check_trigger,
    evaluate_whole,
    residual_holds,
    trigger_holds,
    value_key,
)
from tarry_backend.matching.keys import match_key
from tarry_backend.matching.match_path import match_expression
from tarry_backend.matching.wait_plan import Plan, plan
from tarry_backend.model.alternative import NAME_ONLY, Alternative, Shape

__all__ = [
    "NAME_ONLY",
    "Alternative",
    "MatchError",
    "Plan",
    "Shape",
    "check_trigger",
    "evaluate_whole",
    "match_expression",
    "match_key",
    "plan",
    "residual_holds",
    "trigger_holds",
    "value_key",
]
