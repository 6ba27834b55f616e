// summary: The members of a cluster with their grades and money.
// parameter: cluster string — id of the cluster
// parameter: limit integer = 500 — most rows to return
// columns: account, role, score, action, typology, cost_usd, paid_usd, created_at, last_seen
MATCH (a:Account)-[r:IN_CLUSTER]->(:Cluster {id: $cluster})
RETURN a.id AS account, r.role AS role, a.score AS score, a.action AS action,
       a.typology AS typology, a.cost_usd AS cost_usd, a.paid_usd AS paid_usd,
       a.created_at AS created_at, a.last_seen AS last_seen
ORDER BY score DESC, account
LIMIT $limit
