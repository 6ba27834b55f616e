// summary: Suspected accounts that no cluster holds.
// parameter: limit integer = 100 — most rows to return
// columns: account, action, typology, score, cost_usd, reasons
MATCH (a:Account)
WHERE a.action <> 'none' AND NOT EXISTS { (a)-[:IN_CLUSTER]->(:Cluster) }
RETURN a.id AS account, a.action AS action, a.typology AS typology,
       a.score AS score, a.cost_usd AS cost_usd, a.reasons AS reasons
ORDER BY cost_usd DESC, account
LIMIT $limit
