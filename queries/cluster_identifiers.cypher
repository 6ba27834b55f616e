// summary: What the members of a cluster share, the most shared first.
// parameter: cluster string — id of the cluster
// parameter: members integer = 2 — least members that share it
// parameter: limit integer = 200 — most rows to return
// columns: label, id, masked, class, members, accounts, links, score
MATCH (:Cluster {id: $cluster})<-[:IN_CLUSTER]-(a:Account)
MATCH (a)-[:USED_DEVICE|PAID_WITH|HAS_PHONE|HAS_EMAIL|HAS_IDENTIFIER|USED_IP]->(i)
WITH i, count(DISTINCT a) AS members
WHERE members >= $members
RETURN labels(i)[0] AS label, i.id AS id, i.masked AS masked, i.class AS class,
       members, i.accounts AS accounts, i.links AS links, i.score AS score
ORDER BY members DESC, label, id
LIMIT $limit
