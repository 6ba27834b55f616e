// summary: Keys that leaked and were never revoked: the clock is running.
// parameter: limit integer = 200 — most rows to return
// columns: key, owner, exposed_at, first_abuse_at, latency_seconds, cost_usd, action, last_seen
MATCH (k:ApiKey)
WHERE k.exposed_at IS NOT NULL AND k.revoked_at IS NULL
OPTIONAL MATCH (k)<-[:OWNS_KEY]-(a:Account)
RETURN k.id AS key, a.id AS owner, k.exposed_at AS exposed_at,
       k.first_abuse_at AS first_abuse_at, k.latency_seconds AS latency_seconds,
       k.cost_usd AS cost_usd, k.action AS action, k.last_seen AS last_seen
ORDER BY exposed_at, key
LIMIT $limit
