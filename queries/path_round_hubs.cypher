// summary: Ways from one account to another over rare things: directly, or over one account.
// parameter: from_account string — id of one account
// parameter: to_account string — id of the other
// parameter: hub_limit integer = 50 — leave out whatever more accounts than this share
// parameter: limit integer = 20 — most rows to return
// columns: hops, ids, labels, relationships
CALL () {
  MATCH (a:Account {id: $from_account})-[r:USED_DEVICE|PAID_WITH|HAS_PHONE|HAS_EMAIL|HAS_IDENTIFIER|USED_IP]->(i)
  MATCH (i)<-[s:USED_DEVICE|PAID_WITH|HAS_PHONE|HAS_EMAIL|HAS_IDENTIFIER|USED_IP]-(b:Account {id: $to_account})
  WHERE i.accounts <= $hub_limit
  RETURN 2 AS hops, [a.id, i.id, b.id] AS ids,
         [labels(i)[0]] AS labels, [type(r), type(s)] AS relationships
  UNION
  MATCH (a:Account {id: $from_account})-[r:USED_DEVICE|PAID_WITH|HAS_PHONE|HAS_EMAIL|HAS_IDENTIFIER|USED_IP]->(i)
  WHERE i.accounts <= $hub_limit
  MATCH (i)<-[s:USED_DEVICE|PAID_WITH|HAS_PHONE|HAS_EMAIL|HAS_IDENTIFIER|USED_IP]-(m:Account)
  WHERE m.id <> $from_account AND m.id <> $to_account
  MATCH (m)-[t:USED_DEVICE|PAID_WITH|HAS_PHONE|HAS_EMAIL|HAS_IDENTIFIER|USED_IP]->(j)
  WHERE j.accounts <= $hub_limit AND j.id <> i.id
  MATCH (j)<-[u:USED_DEVICE|PAID_WITH|HAS_PHONE|HAS_EMAIL|HAS_IDENTIFIER|USED_IP]-(b:Account {id: $to_account})
  RETURN 4 AS hops, [a.id, i.id, m.id, j.id, b.id] AS ids,
         [labels(i)[0], labels(m)[0], labels(j)[0]] AS labels,
         [type(r), type(s), type(t), type(u)] AS relationships
}
RETURN hops, ids, labels, relationships
ORDER BY hops, ids
LIMIT $limit
