"""A small LLM application, instrumented once, as the seeds teach; it feeds the demo and the tests.

No model is called: durations, tokens and failures come from a seeded random model, so that the
application can be broken and healed at will.

    people      who asks what: tenants, users, sessions, features
    prompts     the prompt registry and its roll-out
    providers   the language models and their prices
    breaks      what can go wrong, and how badly
    pipeline    gateway, guardrails, retrieval, model, tool: one request becomes a Plan
    plan        a Plan: the steps of one request, with their times and costs
    middleware  the only instrumentation: metrics, spans and log lines of a Plan
    history     seven days of the same, written at once
"""
