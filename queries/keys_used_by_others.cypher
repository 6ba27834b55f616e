// summary: Keys that accounts other than their owner use.
// parameter: users integer = 1 — least other accounts
// parameter: limit integer = 100 — most rows to return
// columns: key, owner, users, accounts, cost_usd, action
MATCH (k:ApiKey)<-[r:USED_KEY]-(b:Account)
WITH k, b, r ORDER BY b.id
WITH k, count(*) AS users, collect(b.id)[..10] AS accounts, sum(r.cost_usd) AS spent
WHERE users >= $users
OPTIONAL MATCH (k)<-[:OWNS_KEY]-(a:Account)
RETURN k.id AS key, a.id AS owner, users, accounts,
       round(spent, 6) AS cost_usd, k.action AS action
ORDER BY users DESC, key
LIMIT $limit
