// summary: Keys used by accounts of a tenant that does not own them.
// parameter: limit integer = 100 — most rows to return
// columns: key, tenant, other_tenant, accounts, cost_usd
MATCH (t:Tenant)<-[:KEY_OF_TENANT]-(k:ApiKey)<-[r:USED_KEY]-(a:Account)
MATCH (a)-[:MEMBER_OF]->(o:Tenant)
WHERE o.id <> t.id
RETURN k.id AS key, t.id AS tenant, o.id AS other_tenant,
       count(DISTINCT a) AS accounts, round(sum(r.cost_usd), 6) AS cost_usd
ORDER BY accounts DESC, key, other_tenant
LIMIT $limit
