// summary: Who came back as whom: accounts made after one of their cluster was removed.
// parameter: hub_limit integer = 200 — leave out whatever more accounts than this share
// parameter: limit integer = 200 — most rows to return
// columns: removed, removed_at, back, created_at, cluster, shared, cost_usd, action
MATCH (gone:Account)-[:IN_CLUSTER]->(c:Cluster)<-[:IN_CLUSTER]-(back:Account)
WHERE gone.removed_at IS NOT NULL AND back.created_at > gone.removed_at
OPTIONAL MATCH (gone)-[:USED_DEVICE|PAID_WITH|HAS_PHONE|HAS_EMAIL]->(i)<-[:USED_DEVICE|PAID_WITH|HAS_PHONE|HAS_EMAIL]-(back)
WHERE coalesce(i.accounts, 0) <= $hub_limit
WITH gone, back, c, count(DISTINCT i) AS shared
RETURN gone.id AS removed, gone.removed_at AS removed_at, back.id AS back,
       back.created_at AS created_at, c.id AS cluster, shared,
       back.cost_usd AS cost_usd, back.action AS action
ORDER BY shared DESC, removed_at, removed, created_at, back
LIMIT $limit
