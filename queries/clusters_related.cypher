// summary: Other clusters that share an identifier with this one.
// parameter: cluster string — id of the cluster
// parameter: hub_limit integer = 200 — leave out whatever more accounts than this share
// parameter: limit integer = 50 — most rows to return
// columns: cluster, typology, action, shared, labels, accounts, cost_usd
MATCH (:Cluster {id: $cluster})<-[:IN_CLUSTER]-(a:Account)
MATCH (a)-[:USED_DEVICE|PAID_WITH|HAS_PHONE|HAS_EMAIL|HAS_IDENTIFIER|USED_IP]->(i)
WHERE i.accounts <= $hub_limit
WITH DISTINCT i
MATCH (i)<-[:USED_DEVICE|PAID_WITH|HAS_PHONE|HAS_EMAIL|HAS_IDENTIFIER|USED_IP]-(:Account)-[:IN_CLUSTER]->(c:Cluster)
WHERE c.id <> $cluster
WITH DISTINCT c, i
WITH c, labels(i)[0] AS label, count(*) AS each
ORDER BY label
RETURN c.id AS cluster, c.typology AS typology, c.action AS action,
       sum(each) AS shared, collect(label) AS labels, c.accounts AS accounts,
       c.cost_usd AS cost_usd
ORDER BY shared DESC, cluster
LIMIT $limit
