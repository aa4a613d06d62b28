"""When, where and with which lots a plate was run, as its export says."""

from cytokit.runs.dates import DATE_ORDERS, RunDate, read_date
from cytokit.runs.facts import RunFacts, instrument_model, run_facts

__all__ = ["DATE_ORDERS", "RunDate", "RunFacts", "instrument_model", "read_date", "run_facts"]
