// summary: Everything an account was seen with, and how many others share it.
// parameter: account string — id of the account
// parameter: limit integer = 200 — most rows to return
// columns: relationship, label, id, masked, class, accounts, links, count, first_seen, last_seen
MATCH (a:Account {id: $account})-[r:USED_DEVICE|PAID_WITH|HAS_PHONE|HAS_EMAIL|HAS_IDENTIFIER|USED_IP]->(i)
RETURN type(r) AS relationship, labels(i)[0] AS label, i.id AS id,
       i.masked AS masked, i.class AS class, i.accounts AS accounts,
       i.links AS links, r.count AS count, r.first_seen AS first_seen,
       r.last_seen AS last_seen
ORDER BY relationship, accounts DESC, id
LIMIT $limit
