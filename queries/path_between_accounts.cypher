// summary: The shortest ways from one account to another, however busy what lies between.
// parameter: from_account string — id of one account
// parameter: to_account string — id of the other
// parameter: limit integer = 10 — most rows to return
// columns: hops, busiest, ids, labels, relationships
MATCH p = allShortestPaths(
  (a:Account {id: $from_account})-[:USED_DEVICE|PAID_WITH|HAS_PHONE|HAS_EMAIL|HAS_IDENTIFIER|USED_IP|INVITED*..8]-(b:Account {id: $to_account})
)
UNWIND nodes(p) AS n
WITH p, max(coalesce(n.accounts, 0)) AS busiest
RETURN length(p) AS hops, busiest, [n IN nodes(p) | n.id] AS ids,
       [n IN nodes(p) | labels(n)[0]] AS labels,
       [r IN relationships(p) | type(r)] AS relationships
ORDER BY hops, busiest, ids
LIMIT $limit
