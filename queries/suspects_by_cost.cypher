// summary: Suspected accounts, the costliest first.
// parameter: limit integer = 100 — most rows to return
// columns: account, action, typology, score, cost_usd, at_risk_usd_per_hour, cluster, reasons
MATCH (a:Account)
WHERE a.action <> 'none'
OPTIONAL MATCH (a)-[:IN_CLUSTER]->(c:Cluster)
RETURN a.id AS account, a.action AS action, a.typology AS typology,
       a.score AS score, a.cost_usd AS cost_usd,
       a.at_risk_usd_per_hour AS at_risk_usd_per_hour, c.id AS cluster,
       a.reasons AS reasons
ORDER BY cost_usd DESC, account
LIMIT $limit
