// summary: Who invited the most suspected accounts.
// parameter: suspected integer = 1 — least suspected accounts invited
// parameter: limit integer = 100 — most rows to return
// columns: account, invited, suspected, action, score
MATCH (a:Account)-[:INVITED]->(b:Account)
WITH a, count(*) AS invited,
     sum(CASE WHEN b.action <> 'none' THEN 1 ELSE 0 END) AS suspected
WHERE suspected >= $suspected
RETURN a.id AS account, invited, suspected, a.action AS action, a.score AS score
ORDER BY suspected DESC, invited DESC, account
LIMIT $limit
