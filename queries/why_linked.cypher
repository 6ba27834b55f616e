// summary: Why two accounts are linked: each thing both were seen with.
// parameter: from_account string — id of one account
// parameter: to_account string — id of the other
// columns: relationship, label, id, masked, accounts, links, score, from_first_seen, to_first_seen
MATCH (a:Account {id: $from_account})-[r:USED_DEVICE|PAID_WITH|HAS_PHONE|HAS_EMAIL|HAS_IDENTIFIER|USED_IP]->(i)
MATCH (i)<-[s:USED_DEVICE|PAID_WITH|HAS_PHONE|HAS_EMAIL|HAS_IDENTIFIER|USED_IP]-(b:Account {id: $to_account})
RETURN type(r) AS relationship, labels(i)[0] AS label, i.id AS id,
       i.masked AS masked, i.accounts AS accounts, i.links AS links,
       i.score AS score, r.first_seen AS from_first_seen,
       s.first_seen AS to_first_seen
ORDER BY accounts, relationship, id
