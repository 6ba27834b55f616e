// summary: Accounts that share any one identifier, whatever its kind.
// parameter: identifier string — id of the address, device, card, mailbox, number or other value
// parameter: limit integer = 200 — most rows to return
// columns: label, account, action, score, role, first_seen, last_seen
CALL () {
  MATCH (i:IP {id: $identifier}) RETURN i
  UNION MATCH (i:Device {id: $identifier}) RETURN i
  UNION MATCH (i:PaymentInstrument {id: $identifier}) RETURN i
  UNION MATCH (i:Email {id: $identifier}) RETURN i
  UNION MATCH (i:Phone {id: $identifier}) RETURN i
  UNION MATCH (i:Identifier {id: $identifier}) RETURN i
}
MATCH (i)<-[r:USED_DEVICE|PAID_WITH|HAS_PHONE|HAS_EMAIL|HAS_IDENTIFIER|USED_IP]-(a:Account)
RETURN labels(i)[0] AS label, a.id AS account, a.action AS action,
       a.score AS score, a.role AS role, r.first_seen AS first_seen,
       r.last_seen AS last_seen
ORDER BY label, account
LIMIT $limit
