// summary: People who pay and yet sit in a suspicious cluster: look before you ban.
// parameter: paid_usd float = 1 — least US dollars paid and not disputed
// parameter: limit integer = 200 — most rows to return
// columns: account, cluster, role, action, score, paid_usd, disputed_usd, usage_usd
MATCH (a:Account)-[r:IN_CLUSTER]->(c:Cluster)
WHERE c.action <> 'none' AND a.paid_usd - coalesce(a.disputed_usd, 0) >= $paid_usd
RETURN a.id AS account, c.id AS cluster, r.role AS role, a.action AS action,
       a.score AS score, a.paid_usd AS paid_usd, a.disputed_usd AS disputed_usd,
       a.usage_usd AS usage_usd
ORDER BY paid_usd DESC, account, cluster
LIMIT $limit
