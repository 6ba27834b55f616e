// summary: Tenants whose quota somebody drains, and who it is.
// parameter: limit integer = 100 — most rows to return
// columns: tenant, action, score, culprit_type, culprit, cost_usd, usage_usd, limit_usd, hours_to_exhaustion, members
MATCH (t:Tenant)
WHERE t.action <> 'none'
RETURN t.id AS tenant, t.action AS action, t.score AS score,
       t.culprit_type AS culprit_type, t.culprit AS culprit,
       t.cost_usd AS cost_usd, t.usage_usd AS usage_usd,
       t.limit_usd AS limit_usd, t.hours_to_exhaustion AS hours_to_exhaustion,
       t.members AS members
ORDER BY cost_usd DESC, tenant
LIMIT $limit
