"""Rules as code: other people's files read into our values, and written back. Pure.

yamltree   YAML with the line of every value, bounded
complaints what is wrong, and where
promfile   Prometheus rule files; promreading reads them
templates  labels and annotations rendered as Prometheus does; gotemplate/ is Go's part of it
slo        objectives and burn rates as values, and Sloth's rules for them
sloth      Sloth specs
openslo    OpenSLO specs
promtest   promtool's unit-test files; notation is that of their series
taken      rules of any origin, ready to become drafts
changes    what differs between two sets of rules, in words
"""
