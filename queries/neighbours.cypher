// summary: Accounts that share something with an account, by how much they share.
// parameter: account string — id of the account
// parameter: hub_limit integer = 50 — leave out whatever more accounts than this share
// parameter: limit integer = 100 — most rows to return
// columns: account, shared, kinds, score, action
MATCH (a:Account {id: $account})-[:USED_DEVICE|PAID_WITH|HAS_PHONE|HAS_EMAIL|HAS_IDENTIFIER|USED_IP]->(i)
WHERE i.accounts <= $hub_limit
MATCH (i)<-[:USED_DEVICE|PAID_WITH|HAS_PHONE|HAS_EMAIL|HAS_IDENTIFIER|USED_IP]-(b:Account)
WHERE b.id <> $account
WITH DISTINCT b, i
WITH b, labels(i)[0] AS kind, count(*) AS each
ORDER BY kind
RETURN b.id AS account, sum(each) AS shared, collect(kind) AS kinds,
       b.score AS score, b.action AS action
ORDER BY shared DESC, account
LIMIT $limit
