// summary: Identifiers first seen since a moment that several accounts already share.
// parameter: since datetime — RFC 3339 time
// parameter: accounts integer = 2 — least accounts that share it
// parameter: limit integer = 200 — most rows to return
// columns: label, id, masked, class, accounts, first_seen, links
CALL () {
  MATCH (i:IP) WHERE i.first_seen >= $since AND i.accounts >= $accounts RETURN i
  UNION
  MATCH (i:Device) WHERE i.first_seen >= $since AND i.accounts >= $accounts RETURN i
  UNION
  MATCH (i:PaymentInstrument)
  WHERE i.first_seen >= $since AND i.accounts >= $accounts RETURN i
  UNION
  MATCH (i:Phone) WHERE i.first_seen >= $since AND i.accounts >= $accounts RETURN i
  UNION
  MATCH (i:Identifier)
  WHERE i.first_seen >= $since AND i.accounts >= $accounts RETURN i
}
RETURN labels(i)[0] AS label, i.id AS id, i.masked AS masked, i.class AS class,
       i.accounts AS accounts, i.first_seen AS first_seen, i.links AS links
ORDER BY accounts DESC, label, id
LIMIT $limit
