// summary: The clusters that cost the most, suspicious ones only.
// parameter: limit integer = 50 — most rows to return
// columns: cluster, typology, action, score, accounts, paying_members, cost_usd, at_risk_usd_per_hour, first_seen, last_seen, summary
MATCH (c:Cluster)
WHERE c.action <> 'none'
RETURN c.id AS cluster, c.typology AS typology, c.action AS action,
       c.score AS score, c.accounts AS accounts,
       c.paying_members AS paying_members, c.cost_usd AS cost_usd,
       c.at_risk_usd_per_hour AS at_risk_usd_per_hour,
       c.first_seen AS first_seen, c.last_seen AS last_seen, c.summary AS summary
ORDER BY cost_usd DESC, cluster
LIMIT $limit
