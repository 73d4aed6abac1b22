"""Go's text/template as Prometheus uses it in labels and annotations. Pure, and bounded.

tokens     text -> tokens
nodes      what a template is made of
parsing    tokens -> a tree of nodes per defined template
values     Go's types, as far as a template meets them
literals   numbers and strings as Go writes them
printing   Go's fmt: print, printf
functions  what text/template brings: eq, index, len, html …
prometheus what Prometheus adds: humanize, query, reReplaceAll …
regex      the one file here that knows re2
execution  tree + data -> text

Source: https://pkg.go.dev/text/template and
https://prometheus.io/docs/prometheus/latest/configuration/template_reference/
"""
