"""Programs that use the real SDKs against `tests.fake_provider`, each run in their environment.

One for each way of instrumenting, named after it: `python -m tests.sdks.with_x PROVIDER OTLP` makes
the calls of `tests.sdks.calls`, each below a root span of the call's name, and sends what the SDK
recorded to `OTLP`. They import nothing of the product.
"""
