// summary: Whom an account invited, and whom those invited in turn.
// parameter: account string — id of the account
// parameter: limit integer = 500 — most rows to return
// columns: depth, account, invited_by, action, score, created_at
MATCH p = (:Account {id: $account})-[:INVITED*1..5]->(a:Account)
WITH length(p) AS depth, a, nodes(p)[length(p) - 1].id AS invited_by
RETURN min(depth) AS depth, a.id AS account, min(invited_by) AS invited_by,
       a.action AS action, a.score AS score, a.created_at AS created_at
ORDER BY depth, account
LIMIT $limit
