// summary: How many nodes of each label the graph holds.
// columns: label, nodes
MATCH (n)
WHERE NOT n:Publication
RETURN labels(n)[0] AS label, count(*) AS nodes
ORDER BY label
