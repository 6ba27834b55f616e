// summary: Throw-away mail domains, with the accounts behind them.
// parameter: accounts integer = 1 — least accounts with a mailbox there
// parameter: limit integer = 100 — most rows to return
// columns: domain, emails, accounts, suspected, first_seen, last_seen
MATCH (d:EmailDomain {class: 'disposable'})
WHERE d.accounts >= $accounts
OPTIONAL MATCH (d)<-[:AT_DOMAIN]-(:Email)<-[:HAS_EMAIL]-(a:Account)
WHERE a.action <> 'none'
RETURN d.id AS domain, d.emails AS emails, d.accounts AS accounts,
       count(DISTINCT a) AS suspected, d.first_seen AS first_seen,
       d.last_seen AS last_seen
ORDER BY accounts DESC, domain
LIMIT $limit
