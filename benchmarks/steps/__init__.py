"""What a step costs, and a replay, however many steps a run has."""
