"""The matching of events and waits. Pure: no AWS, no clock.

``plan`` reads a wait's ``Condition`` with the trigger event, and returns match keys and residuals. ``match_key``
returns the key of an incoming event. ``residual_holds`` decides for each candidate found under that key. Together they
give the same answer as ``evaluate_whole``, which uses no index.

Bounds, each an ``ExpressionError`` with its number when a wait is registered:
- an expression has at most 4,096 characters, parts nested 100 deep, and 16 macros, three within each other;
- its values, from the trigger event and the run, have at most 64,000 characters.

At most eight alternatives have keys; an expression with more gets a residual. When an event arrives, each question may
take 50,000 steps and compare values nested 100 deep (``tarry._cel.budget``). A pattern has at most 1,000 characters, a
duration 100. What exceeds these is no match, as a missing field is, and is counted.

Numbers compare exactly across their kinds. Nothing equals a value of another type. A missing field is an error, hence
no match. ``tarry._cel.functions`` lists the functions beyond the standard's. Parsing the first expression loads the
grammar, which takes about 0.2 seconds.
"""

from typing import TYPE_CHECKING

from tarry._lazy import lazy_names

if TYPE_CHECKING:
    from tarry._cel.match_path import match_expression
    from tarry_backend.matching.condition import Condition
    from tarry_backend.matching.conjuncts import Conjunct, Operand, trigger_conjuncts, wait_conjuncts
    from tarry_backend.matching.evaluation import (
        MatchError,
        check_run_filter,
        check_trigger,
        evaluate_whole,
        residual_holds,
        run_fits,
        seconds_of,
        trigger_holds,
        value_key,
    )
    from tarry_backend.matching.internal_events import of_own_source, reads_source
    from tarry_backend.matching.keys import match_key
    from tarry_backend.matching.wait_plan import Plan, plan
    from tarry_backend.model.alternative import NAME_ONLY, Alternative, Shape

__all__ = [
    "NAME_ONLY",
    "Alternative",
    "Condition",
    "Conjunct",
    "MatchError",
    "Operand",
    "Plan",
    "Shape",
    "check_run_filter",
    "check_trigger",
    "evaluate_whole",
    "match_expression",
    "match_key",
    "of_own_source",
    "plan",
    "reads_source",
    "residual_holds",
    "run_fits",
    "seconds_of",
    "trigger_conjuncts",
    "trigger_holds",
    "value_key",
    "wait_conjuncts",
]

if not TYPE_CHECKING:  # the evaluator is for expressions: a Lambda without any loads none of it
    __getattr__ = lazy_names(
        __name__,
        {
            "tarry._cel.match_path": ("match_expression",),
            "tarry_backend.matching.condition": ("Condition",),
            "tarry_backend.matching.conjuncts": ("Conjunct", "Operand", "trigger_conjuncts", "wait_conjuncts"),
            "tarry_backend.matching.evaluation": (
                "MatchError",
                "check_run_filter",
                "check_trigger",
                "evaluate_whole",
                "residual_holds",
                "run_fits",
                "trigger_holds",
                "seconds_of",
                "value_key",
            ),
            "tarry_backend.matching.internal_events": ("of_own_source", "reads_source"),
            "tarry_backend.matching.keys": ("match_key",),
            "tarry_backend.matching.wait_plan": ("Plan", "plan"),
            "tarry_backend.model.alternative": ("NAME_ONLY", "Alternative", "Shape"),
        },
    )
