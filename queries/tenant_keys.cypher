// summary: The keys a tenant pays for, with owners and verdicts.
// parameter: tenant string — id of the tenant
// parameter: limit integer = 500 — most rows to return
// columns: key, owner, action, typology, owner_usd, cost_usd, exposed_at, revoked_at
MATCH (:Tenant {id: $tenant})<-[:KEY_OF_TENANT]-(k:ApiKey)
OPTIONAL MATCH (k)<-[:OWNS_KEY]-(a:Account)
RETURN k.id AS key, a.id AS owner, k.action AS action, k.typology AS typology,
       k.owner_usd AS owner_usd, k.cost_usd AS cost_usd,
       k.exposed_at AS exposed_at, k.revoked_at AS revoked_at
ORDER BY cost_usd DESC, key
LIMIT $limit
