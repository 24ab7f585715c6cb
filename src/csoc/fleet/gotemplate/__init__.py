"""Go's text/template, cut into tokens and parsed into a tree; nothing is run here.

There is one parser. `fleet.argocd.gotemplate` runs the trees of ApplicationSets; `gen3.chart_keys` reads those of
charts, whose templates only Helm's own engine runs.
"""
