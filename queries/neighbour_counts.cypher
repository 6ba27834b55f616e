// summary: What lies one step from an account, counted by type before it is drawn.
// parameter: account string — id of the account
// parameter: hub_limit integer = 50 — leave out whatever more accounts than this share
// columns: relationship, label, direction, neighbours, hubs
MATCH (a:Account {id: $account})-[r]-(n)
WITH type(r) AS relationship, labels(n)[0] AS label,
     CASE WHEN startNode(r).id = a.id THEN 'out' ELSE 'in' END AS direction,
     CASE WHEN coalesce(n.accounts, 0) > $hub_limit THEN 1 ELSE 0 END AS hub
RETURN relationship, label, direction, count(*) AS neighbours, sum(hub) AS hubs
ORDER BY relationship, label, direction
