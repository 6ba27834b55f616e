// summary: Keys handled badly and still alive, in the order in which to revoke them.
// parameter: limit integer = 100 — most rows to return
// columns: key, owner, tenant, audit, exposed_at, cost_usd, owner_usd, requests, last_seen
MATCH (k:ApiKey)
WHERE k.revoked_at IS NULL AND size(coalesce(k.audit, [])) > 0
OPTIONAL MATCH (k)<-[:OWNS_KEY]-(a:Account)
OPTIONAL MATCH (k)-[:KEY_OF_TENANT]->(t:Tenant)
WITH k, a, t,
     CASE WHEN k.action = 'revoke' THEN 0
          WHEN 'exposed_and_alive' IN k.audit THEN 1
          WHEN 'shared_by_tenants' IN k.audit THEN 2
          WHEN 'shared_by_many_tools' IN k.audit THEN 3
          WHEN 'unused' IN k.audit THEN 4
          ELSE 5 END AS urgency
RETURN k.id AS key, a.id AS owner, t.id AS tenant, k.audit AS audit,
       k.exposed_at AS exposed_at, k.cost_usd AS cost_usd, k.owner_usd AS owner_usd,
       k.requests AS requests, k.last_seen AS last_seen
ORDER BY urgency, cost_usd DESC, owner_usd DESC, key
LIMIT $limit
