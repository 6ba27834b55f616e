// summary: Where one key was used from, owner's and foreign traffic apart.
// parameter: key string — id of the key
// parameter: limit integer = 200 — most rows to return
// columns: ip, masked, class, asn, country, foreign_use, count, tokens, cost_usd, first_seen, last_seen
MATCH (:ApiKey {id: $key})-[r:KEY_USED_FROM]->(i:IP)
RETURN i.id AS ip, i.masked AS masked, i.class AS class, i.asn AS asn,
       i.country AS country, r.foreign_use AS foreign_use, r.count AS count,
       r.tokens AS tokens, r.cost_usd AS cost_usd, r.first_seen AS first_seen,
       r.last_seen AS last_seen
ORDER BY foreign_use, first_seen, ip
LIMIT $limit
