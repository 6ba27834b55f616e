// summary: One account at a glance: verdict, money, cluster, tenants.
// parameter: account string — id of the account
// columns: account, action, score, typology, role, cluster, tenants, plan, created_at, first_seen, last_seen, requests, usage_usd, paid_usd, disputed_usd, cost_usd, reasons
MATCH (a:Account {id: $account})
OPTIONAL MATCH (a)-[:MEMBER_OF]->(t:Tenant)
WITH a, t ORDER BY t.id
WITH a, collect(t.id) AS tenants
OPTIONAL MATCH (a)-[:IN_CLUSTER]->(c:Cluster)
RETURN a.id AS account, a.action AS action, a.score AS score,
       a.typology AS typology, a.role AS role, c.id AS cluster, tenants,
       a.plan AS plan, a.created_at AS created_at, a.first_seen AS first_seen,
       a.last_seen AS last_seen, a.requests AS requests, a.usage_usd AS usage_usd,
       a.paid_usd AS paid_usd, a.disputed_usd AS disputed_usd,
       a.cost_usd AS cost_usd, a.reasons AS reasons
ORDER BY account, cluster
