// summary: Clusters whose members were seen on one address.
// parameter: ip string — id of the address, a keyed hash
// parameter: limit integer = 50 — most rows to return
// columns: cluster, typology, action, members_on_ip, accounts, cost_usd, first_seen, last_seen
MATCH (:IP {id: $ip})<-[r:USED_IP]-(a:Account)-[:IN_CLUSTER]->(c:Cluster)
WITH c, count(DISTINCT a) AS members_on_ip, min(r.first_seen) AS first_seen,
     max(r.last_seen) AS last_seen
RETURN c.id AS cluster, c.typology AS typology, c.action AS action,
       members_on_ip, c.accounts AS accounts, c.cost_usd AS cost_usd,
       first_seen, last_seen
ORDER BY members_on_ip DESC, cluster
LIMIT $limit
