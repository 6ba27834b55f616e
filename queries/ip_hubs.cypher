// summary: The addresses that most accounts share: campuses, carriers, common fingerprints.
// parameter: accounts integer = 20 — least accounts that share it
// parameter: limit integer = 50 — most rows to return
// columns: id, masked, class, accounts, suspected, links, first_seen, last_seen
MATCH (i:IP)
WHERE i.accounts >= $accounts
WITH i ORDER BY i.accounts DESC, i.id LIMIT $limit
OPTIONAL MATCH (i)<-[:USED_IP]-(a:Account)
RETURN i.id AS id, i.masked AS masked, i.class AS class, i.accounts AS accounts,
       sum(CASE WHEN a.action <> 'none' THEN 1 ELSE 0 END) AS suspected,
       i.links AS links, i.first_seen AS first_seen, i.last_seen AS last_seen
ORDER BY accounts DESC, id
