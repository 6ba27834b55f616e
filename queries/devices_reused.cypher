// summary: Devices on which several accounts were used, suspicious ones first.
// parameter: accounts integer = 3 — least accounts on the device
// parameter: limit integer = 100 — most rows to return
// columns: device, masked, accounts, suspected, cost_usd, first_seen, last_seen
MATCH (d:Device)
WHERE d.accounts >= $accounts
MATCH (d)<-[:USED_DEVICE]-(a:Account)
RETURN d.id AS device, d.masked AS masked, d.accounts AS accounts,
       sum(CASE WHEN a.action <> 'none' THEN 1 ELSE 0 END) AS suspected,
       round(sum(coalesce(a.cost_usd, 0)), 6) AS cost_usd,
       d.first_seen AS first_seen, d.last_seen AS last_seen
ORDER BY suspected DESC, accounts DESC, device
LIMIT $limit
