// summary: The picture of a cluster: who is tied to what, hubs left out.
// parameter: cluster string — id of the cluster
// parameter: hub_limit integer = 200 — leave out whatever more accounts than this share
// parameter: limit integer = 2000 — most rows to return
// columns: account, role, relationship, label, id, masked, accounts, first_seen, last_seen, count
MATCH (:Cluster {id: $cluster})<-[m:IN_CLUSTER]-(a:Account)
MATCH (a)-[r:USED_DEVICE|PAID_WITH|HAS_PHONE|HAS_EMAIL|HAS_IDENTIFIER|USED_IP]->(i)
WHERE i.accounts > 1 AND i.accounts <= $hub_limit
RETURN a.id AS account, m.role AS role, type(r) AS relationship,
       labels(i)[0] AS label, i.id AS id, i.masked AS masked,
       i.accounts AS accounts, r.first_seen AS first_seen,
       r.last_seen AS last_seen, r.count AS count
ORDER BY account, relationship, id
LIMIT $limit
