// summary: Cards that pay for several accounts.
// parameter: accounts integer = 2 — least accounts that hold the card
// parameter: limit integer = 100 — most rows to return
// columns: card, masked, accounts, suspected, disputed_usd, first_seen, last_seen
MATCH (p:PaymentInstrument)
WHERE p.accounts >= $accounts
MATCH (p)<-[:PAID_WITH]-(a:Account)
RETURN p.id AS card, p.masked AS masked, p.accounts AS accounts,
       sum(CASE WHEN a.action <> 'none' THEN 1 ELSE 0 END) AS suspected,
       round(sum(coalesce(a.disputed_usd, 0)), 6) AS disputed_usd,
       p.first_seen AS first_seen, p.last_seen AS last_seen
ORDER BY accounts DESC, card
LIMIT $limit
