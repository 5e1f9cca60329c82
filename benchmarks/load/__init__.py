"""How long after its event a run goes on, under load, and what load is borne."""
