// summary: Accounts that share one address, with when they were seen on it.
// parameter: ip string — id of the address, a keyed hash
// parameter: limit integer = 200 — most rows to return
// columns: account, action, score, cluster, count, cost_usd, first_seen, last_seen
MATCH (:IP {id: $ip})<-[r:USED_IP]-(a:Account)
OPTIONAL MATCH (a)-[:IN_CLUSTER]->(c:Cluster)
RETURN a.id AS account, a.action AS action, a.score AS score, c.id AS cluster,
       r.count AS count, r.cost_usd AS cost_usd, r.first_seen AS first_seen,
       r.last_seen AS last_seen
ORDER BY first_seen, account
LIMIT $limit
