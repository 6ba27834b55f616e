// summary: System prompts that several accounts send, with how many are suspected.
// parameter: accounts integer = 2 — least accounts that send it
// parameter: hub_limit integer = 200 — leave out whatever more accounts than this share
// parameter: limit integer = 100 — most rows to return
// columns: prompt, accounts, suspected, clusters, first_seen, last_seen
MATCH (p:Identifier {kind: 'prompt'})
WHERE p.accounts >= $accounts AND p.accounts <= $hub_limit
MATCH (p)<-[:HAS_IDENTIFIER]-(a:Account)
OPTIONAL MATCH (a)-[:IN_CLUSTER]->(c:Cluster)
RETURN p.id AS prompt, p.accounts AS accounts,
       count(DISTINCT CASE WHEN a.action <> 'none' THEN a.id END) AS suspected,
       count(DISTINCT c.id) AS clusters, p.first_seen AS first_seen,
       p.last_seen AS last_seen
ORDER BY suspected DESC, accounts DESC, prompt
LIMIT $limit
