// summary: Addresses where suspected accounts outnumber the rest.
// parameter: suspected integer = 2 — least suspected accounts
// parameter: hub_limit integer = 500 — leave out whatever more accounts than this share
// parameter: limit integer = 100 — most rows to return
// columns: ip, masked, class, asn, accounts, suspected
MATCH (a:Account)-[:USED_IP]->(i:IP)
WHERE a.action <> 'none' AND i.accounts <= $hub_limit
WITH i, count(DISTINCT a) AS suspected
WHERE suspected >= $suspected AND suspected * 2 > i.accounts
RETURN i.id AS ip, i.masked AS masked, i.class AS class, i.asn AS asn,
       i.accounts AS accounts, suspected
ORDER BY suspected DESC, ip
LIMIT $limit
