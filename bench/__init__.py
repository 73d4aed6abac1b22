"""What Wakeful costs, measured beside its peers in one run: `python -m bench --help`.

rules    rule evaluation, against Prometheus' own ruler
ingest   the OTLP door, and the queries of the trace store
pages    a page of eight charts, and fifty viewers of it

Times are good to about 30 % on a shared machine; ratios are better.
"""
