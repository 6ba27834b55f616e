// summary: Mail domains by the share of their accounts that is suspected.
// parameter: accounts integer = 5 — least accounts with a mailbox there
// parameter: limit integer = 50 — most rows to return
// columns: domain, class, accounts, suspected
MATCH (a:Account)-[:HAS_EMAIL]->(:Email)-[:AT_DOMAIN]->(d:EmailDomain)
WHERE a.action <> 'none' AND d.accounts >= $accounts
RETURN d.id AS domain, d.class AS class, d.accounts AS accounts,
       count(DISTINCT a) AS suspected
ORDER BY suspected DESC, domain
LIMIT $limit
