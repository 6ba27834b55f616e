// summary: Keys that the same crew replays, with the addresses they share.
// parameter: key string — id of one of the keys
// parameter: hub_limit integer = 200 — leave out whatever more accounts than this share
// parameter: limit integer = 100 — most rows to return
// columns: key, owner, same_crew, shared_addresses, action, cost_usd
MATCH (k:ApiKey {id: $key})-[:KEY_USED_FROM {foreign_use: true}]->(i:IP)
WHERE coalesce(i.accounts, 0) <= $hub_limit
MATCH (i)<-[:KEY_USED_FROM {foreign_use: true}]-(other:ApiKey)
WHERE other.id <> $key
WITH k, other, count(DISTINCT i) AS shared_addresses
OPTIONAL MATCH (other)<-[:OWNS_KEY]-(a:Account)
RETURN other.id AS key, a.id AS owner,
       coalesce(other.crew_id = k.crew_id, false) AS same_crew,
       shared_addresses, other.action AS action, other.cost_usd AS cost_usd
ORDER BY shared_addresses DESC, key
LIMIT $limit
