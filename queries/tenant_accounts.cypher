// summary: The accounts of a tenant, the costliest first.
// parameter: tenant string — id of the tenant
// parameter: limit integer = 500 — most rows to return
// columns: account, action, score, usage_usd, cost_usd, cluster, first_seen, last_seen
MATCH (:Tenant {id: $tenant})<-[r:MEMBER_OF]-(a:Account)
OPTIONAL MATCH (a)-[:IN_CLUSTER]->(c:Cluster)
RETURN a.id AS account, a.action AS action, a.score AS score,
       a.usage_usd AS usage_usd, a.cost_usd AS cost_usd, c.id AS cluster,
       r.first_seen AS first_seen, r.last_seen AS last_seen
ORDER BY usage_usd DESC, account, cluster
LIMIT $limit
