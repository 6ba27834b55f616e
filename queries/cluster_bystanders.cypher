// summary: Members of a cluster who only stand near it, with what they pay.
// parameter: cluster string — id of the cluster
// parameter: limit integer = 500 — most rows to return
// columns: account, score, action, plan, paid_usd, usage_usd, created_at
MATCH (a:Account)-[:IN_CLUSTER {role: 'bystander'}]->(:Cluster {id: $cluster})
RETURN a.id AS account, a.score AS score, a.action AS action, a.plan AS plan,
       a.paid_usd AS paid_usd, a.usage_usd AS usage_usd,
       a.created_at AS created_at
ORDER BY paid_usd DESC, account
LIMIT $limit
