"""Real metric names of real stacks, as data: PromQL per golden signal, one file per stack.

In an expression `$scope` stands for label matchers (possibly none, each followed by a comma),
`$window` for the window, as in `300s`, and `$by` for the labels to split by (possibly none).
"""
