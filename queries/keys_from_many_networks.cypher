// summary: Keys used from many networks, foreign use first.
// parameter: networks integer = 3 — least networks
// parameter: limit integer = 100 — most rows to return
// columns: key, owner, networks, addresses, foreign_addresses, foreign_usd, action, revoked_at
MATCH (k:ApiKey)-[r:KEY_USED_FROM]->(i:IP)
WITH k, count(DISTINCT coalesce(toString(i.asn), i.id)) AS networks,
     count(*) AS addresses,
     sum(CASE WHEN r.foreign_use THEN 1 ELSE 0 END) AS foreign_addresses,
     sum(CASE WHEN r.foreign_use THEN r.cost_usd ELSE 0.0 END) AS foreign_usd
WHERE networks >= $networks
OPTIONAL MATCH (k)<-[:OWNS_KEY]-(a:Account)
RETURN k.id AS key, a.id AS owner, networks, addresses, foreign_addresses,
       round(foreign_usd, 6) AS foreign_usd, k.action AS action,
       k.revoked_at AS revoked_at
ORDER BY foreign_addresses DESC, networks DESC, key
LIMIT $limit
