"""Stand-ins for Slack and PagerDuty, which cannot be reached without accounts.

They speak the vendors' wire formats over real HTTP, keep state, enforce the vendors' rules, show
what they were sent on a page, and can be made to fail: see `faults`.
"""
