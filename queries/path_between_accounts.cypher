// summary: The shortest ways from one account to another over what they share.
// parameter: from_account string — id of one account
// parameter: to_account string — id of the other
// parameter: hub_limit integer = 50 — leave out whatever more accounts than this share
// parameter: limit integer = 10 — most rows to return
// columns: hops, ids, labels, relationships
MATCH p = allShortestPaths(
  (a:Account {id: $from_account})-[:USED_DEVICE|PAID_WITH|HAS_PHONE|HAS_EMAIL|HAS_IDENTIFIER|USED_IP|INVITED*..8]-(b:Account {id: $to_account})
)
WHERE all(n IN nodes(p) WHERE coalesce(n.accounts, 0) <= $hub_limit)
RETURN length(p) AS hops, [n IN nodes(p) | n.id] AS ids,
       [n IN nodes(p) | labels(n)[0]] AS labels,
       [r IN relationships(p) | type(r)] AS relationships
ORDER BY hops, ids
LIMIT $limit
