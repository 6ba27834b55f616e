// summary: Accounts whose mailbox is at one domain.
// parameter: domain string — registrable domain, such as example.com
// parameter: limit integer = 200 — most rows to return
// columns: account, action, score, email, created_at, cost_usd
MATCH (:EmailDomain {id: $domain})<-[:AT_DOMAIN]-(e:Email)<-[:HAS_EMAIL]-(a:Account)
RETURN a.id AS account, a.action AS action, a.score AS score, e.masked AS email,
       a.created_at AS created_at, a.cost_usd AS cost_usd
ORDER BY created_at, account, email
LIMIT $limit
