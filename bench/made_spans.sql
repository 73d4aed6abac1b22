-- Requests $first … $last of $count over the seven days before $end, eight spans each.
-- 200 tenants by Zipf, 8 features, 6 models, sessions of four requests, a prompt rolled out from
-- version to version, load that follows the day, an hour in which everything goes wrong.
-- u(n, salt) is a number in [0, 1), pick(n, salt, k) one of 0 … k-1: always the same one.
INSERT INTO store.spans BY NAME
WITH requests AS (
    SELECT
        n,
        format('{:016x}{:016x}', CAST(hash(n, 23) >> 1 AS BIGINT), n) AS trace_id,
        (n + u(n, 1)) / $count * 7 AS x,
        x + 0.09 * sin(2 * pi() * x) AS day,
        day BETWEEN 4.5 AND 4.542 AS incident,
        exp(7.2 + 0.5 * sqrt(-2 * ln(1 - u(n, 2))) * cos(2 * pi() * u(n, 3)))
            * if(incident, 3, 1) AS milliseconds,
        u(n, 4) < if(incident, 0.15, 0.012) AS failed,
        'tenant-' || CAST(pow(200, u(n // 4, 5)) AS INT) AS tenant,
        'feature-' || pick(n // 4, 6, 8) AS feature,
        'model-' || pick(n, 7, 6) AS model,
        'v' || (8 + CAST(day / 7 * 5 + u(n, 8) AS INT)) AS prompt_version,
        format('session-{:08x}', n // 4) AS session_id,
        200 + CAST(u(n, 9) * 2800 AS BIGINT) AS input_tokens,
        20 + CAST(u(n, 10) * 880 AS BIGINT) AS output_tokens
    FROM range($first, $last) AS t(n)
),
steps(i, name, kind, starts, lasts) AS (
    VALUES
        (0, 'POST /v1/answers', 'http', 0.0, 1.0),
        (1, 'input guardrail', 'guardrail', 0.01, 0.03),
        (2, 'retrieve', 'retrieval', 0.05, 0.15),
        (3, 'embed', 'embedding', 0.06, 0.03),
        (4, 'rerank', 'rerank', 0.12, 0.05),
        (5, 'chat', 'llm', 0.22, 0.65),
        (6, 'call tool', 'tool', 0.88, 0.06),
        (7, 'output guardrail', 'guardrail', 0.95, 0.04)
)
SELECT
    trace_id,
    format('{:016x}', n * 8 + i) AS span_id,
    CASE WHEN i = 0 THEN NULL WHEN i IN (3, 4) THEN format('{:016x}', n * 8 + 2)
        ELSE format('{:016x}', n * 8) END AS parent_id,
    name,
    kind,
    'copilot' AS service,
    $end - to_microseconds(CAST((7 - day) * 86400e6 - milliseconds * starts * 1e3 AS BIGINT))
        AS started_at,
    milliseconds * lasts AS duration_ms,
    started_at + to_microseconds(CAST(duration_ms * 1e3 AS BIGINT)) AS ended_at,
    if(failed AND i IN (0, 5), 'error', 'unset') AS status,
    if(failed AND i = 5, 'the provider did not answer', '') AS status_message,
    feature,
    tenant,
    format('user-{:06x}', n // 8) AS user_id,
    session_id,
    format('req_{:012x}', n) AS request_id,
    'production' AS environment,
    if(i = 5, 'provider-' || right(model, 1), NULL) AS provider,
    if(i IN (0, 5), model, NULL) AS model,
    'answers' AS prompt_name,
    prompt_version,
    if(i = 0, if(failed, 'error', 'success'), NULL) AS outcome,
    if(i = 5, input_tokens, NULL) AS input_tokens,
    if(i = 5, output_tokens, NULL) AS output_tokens,
    if(i = 5, (input_tokens + 4 * output_tokens) * 3e-6, NULL) AS cost_usd,
    if(i = 5, 'computed', 'none') AS cost_source,
    if(i = 5, milliseconds * 0.2, NULL) AS ttft_ms,
    if(i = 0, u(n, 11) < 0.34, NULL) AS cache_hit,
    if(i IN (1, 7), name, NULL) AS guardrail,
    if(i IN (1, 7), u(n, 12 + i) < 0.02, NULL) AS guardrail_triggered,
    if(i = 6, 'web_fetch', NULL) AS tool,
    if(i = 0 AND n % 10 = 0, 'answer', NULL) AS eval_name,
    if(i = 0 AND n % 10 = 0, 70 + 20 * u(n, 13), NULL) AS eval_score,
    if(i = 5, text_of(n, 30 + input_tokens // 30), '') AS input_text,
    if(i = 5, text_of(-n, 10 + output_tokens // 10), '') AS output_text,
    MAP {
        'k8s.pod.name': 'copilot-7d9f8c-' || pick(n, 14, 40),
        'k8s.node.name': 'ip-10-0-' || pick(n, 15, 12) || '.internal',
        'cloud.region': ['eu-central-1', 'us-east-1', 'ap-southeast-2'][1 + n % 3],
        'telemetry.sdk.version': '1.38.0',
        'gen_ai.request.temperature': '0.' || pick(n, 16, 8),
        'gen_ai.request.max_tokens': CAST(512 * (1 + pick(n, 17, 4)) AS VARCHAR),
        'user_agent.original': 'copilot-web/2.' || pick(n, 18, 20),
        'app.experiment': 'exp-' || pick(n, 19, 30),
        'app.plan': ['free', 'team', 'enterprise'][1 + pick(n, 20, 3)],
        'app.request.hash': format('{:x}', CAST(hash(n, 21) >> 1 AS BIGINT)),
        'retrieval.index': 'kb-' || pick(n, 22, 15),
        'thread.name': 'worker-' || pick(n, i, 16)
    } AS attributes
FROM requests CROSS JOIN steps
ORDER BY started_at
