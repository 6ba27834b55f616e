"""Who consumed what without paying for it, in US dollars.

Credit is used up first, then undisputed charges; what is left is unpaid. Credit that
was bought (`purchase`) is covered by its charge and is not counted beside it.
"""

from __future__ import annotations

import duckdb

# Stripe: 80 % of early fraud warnings become fraudulent disputes if nothing is done
# (docs.stripe.com/disputes/how-disputes-work).
EARLY_WARNING_BECOMES_DISPUTE = 0.8

# The latest word on a dispute counts; one that was won or withdrawn is none.
_DISPUTES = """
    CREATE OR REPLACE TEMP TABLE disputes AS
    SELECT charge_id, payment_method_id, account_id,
           min(occurred_at) AS disputed_at,
           bool_or(coalesce(kind, 'chargeback') = 'chargeback') AS chargeback,
           bool_or(kind = 'early_fraud_warning') AS warning
    FROM deeds WHERE type = 'payment.disputed'
    GROUP BY charge_id, payment_method_id, account_id
    HAVING coalesce(arg_max(outcome, (occurred_at, event_id))
                    FILTER (outcome IS NOT NULL), 'open') NOT IN ('won', 'withdrawn')
"""

_CARDS = """
    CREATE OR REPLACE TEMP TABLE payment_methods AS
    SELECT account_id, payment_method_id,
           min(occurred_at) AS added_at,
           min(coalesce(card_fingerprint, payment_method_id)) AS card,
           min(card_bin) AS bin, min(card_funding) AS funding,
           min(card_country) AS country,
           bool_or(cvc_check = 'fail') AS cvc_failed,
           bool_or(avs_check = 'fail') AS avs_failed
    FROM deeds WHERE type = 'payment_method.added'
    GROUP BY account_id, payment_method_id
"""

_CHARGES = """
    CREATE OR REPLACE TEMP TABLE charges AS
    WITH refunds AS (
        SELECT charge_id, sum(amount_usd) AS refunded FROM deeds
        WHERE type = 'payment.refunded' GROUP BY charge_id
    ), attempts AS (
        SELECT account_id, charge_id, payment_method_id, occurred_at,
               amount_usd, coalesce(status, 'succeeded') AS status, decline_code
        FROM deeds WHERE type = 'payment.charged'
    )
    SELECT a.*, m.card, m.bin, coalesce(r.refunded, 0)::DECIMAL(18, 9) AS refunded_usd,
           least(by_charge.disputed_at, by_method.disputed_at, by_account.disputed_at)
               AS disputed_at,
           coalesce(by_charge.chargeback, FALSE)
               OR coalesce(by_method.chargeback, FALSE)
               OR coalesce(by_account.chargeback, FALSE) AS chargeback,
           coalesce(by_charge.warning, FALSE) OR coalesce(by_method.warning, FALSE)
               OR coalesce(by_account.warning, FALSE) AS warning
    FROM attempts a
    LEFT JOIN payment_methods m USING (account_id, payment_method_id)
    LEFT JOIN refunds r ON a.charge_id = r.charge_id
    LEFT JOIN (SELECT charge_id, min(disputed_at) AS disputed_at,
                      bool_or(chargeback) AS chargeback, bool_or(warning) AS warning
               FROM disputes WHERE charge_id IS NOT NULL GROUP BY charge_id) by_charge
           ON a.charge_id = by_charge.charge_id
    LEFT JOIN (SELECT payment_method_id, min(disputed_at) AS disputed_at,
                      bool_or(chargeback) AS chargeback, bool_or(warning) AS warning
               FROM disputes WHERE payment_method_id IS NOT NULL AND charge_id IS NULL
               GROUP BY payment_method_id) by_method
           ON a.payment_method_id = by_method.payment_method_id
    LEFT JOIN (SELECT account_id, min(disputed_at) AS disputed_at,
                      bool_or(chargeback) AS chargeback, bool_or(warning) AS warning
               FROM disputes WHERE charge_id IS NULL AND payment_method_id IS NULL
               GROUP BY account_id) by_account
           ON a.account_id = by_account.account_id
"""

# A card that its holder disputes on two accounts, and on most of those it pays, is
# stolen wherever it is used. One quarrel of an agency's client is not that. Whoever
# used it first may be its holder and answers for his own disputes only.
_STOLEN_CARDS = """
    CREATE OR REPLACE TEMP TABLE stolen_cards AS
    SELECT card, arg_min(account_id, (occurred_at, account_id)) AS holder
    FROM charges WHERE card IS NOT NULL AND status = 'succeeded'
    GROUP BY card
    HAVING count(DISTINCT account_id) FILTER (disputed_at IS NOT NULL) >= 2
       AND 2 * count(DISTINCT account_id) FILTER (disputed_at IS NOT NULL)
           >= count(DISTINCT account_id)
"""

_PAYMENTS = """
    CREATE OR REPLACE TEMP TABLE payments AS
    SELECT account_id,
           count(*) FILTER (status = 'declined') AS declines,
           count(*) FILTER (status = 'succeeded') AS successes,
           min(occurred_at) FILTER (status = 'succeeded') AS first_paid_at,
           max(occurred_at) FILTER (status = 'succeeded') AS last_paid_at,
           coalesce(sum(greatest(amount_usd - refunded_usd, 0))
               FILTER (status = 'succeeded' AND NOT bad), 0) AS honest_usd,
           coalesce(sum(amount_usd) FILTER (status = 'succeeded' AND bad), 0)
               AS disputed_usd,
           count(*) FILTER (status = 'succeeded' AND NOT bad) AS honest_charges,
           count(*) FILTER (status = 'succeeded' AND bad) AS disputed_charges,
           coalesce(bool_or(chargeback), FALSE) AS chargeback,
           coalesce(bool_or(warning), FALSE) AS warning,
           min(disputed_at) AS disputed_at,
           count(DISTINCT card) FILTER (status = 'declined') AS declined_cards,
           min(occurred_at) FILTER (bad OR status = 'declined') AS first_bad_at,
           max(within_a_day) AS charges_in_a_day
    FROM (SELECT c.*, c.disputed_at IS NOT NULL
                      OR coalesce(s.holder <> c.account_id, FALSE) AS bad,
                 count(*) FILTER (status = 'succeeded') OVER (
                     PARTITION BY c.account_id ORDER BY c.occurred_at
                     RANGE BETWEEN INTERVAL 24 HOUR PRECEDING AND CURRENT ROW)
                     AS within_a_day
          FROM charges c LEFT JOIN stolen_cards s USING (card))
    GROUP BY account_id
"""

_CREDIT = """
    CREATE OR REPLACE TEMP TABLE credit AS
    SELECT account_id,
           coalesce(sum(amount_usd) FILTER (coalesce(reason, '') <> 'purchase'), 0)
               AS free_usd,
           coalesce(sum(amount_usd) FILTER (reason = 'purchase'), 0) AS bought_usd,
           count(*) FILTER (coalesce(reason, '') <> 'purchase') AS free_grants,
           count(*) FILTER (reason = 'reset') AS reset_grants
    FROM deeds WHERE type = 'credit.granted' GROUP BY account_id
"""

# `foreign_usage` is the traffic of thieves on leaked keys: it weighs on the key.
_CONSUMPTION = """
    CREATE OR REPLACE TEMP TABLE consumption AS
    WITH billed AS (
        SELECT account_id, paid_by, sum(cost_usd) AS usd
        FROM usage WHERE account_id IS NOT NULL GROUP BY account_id, paid_by
        UNION ALL
        SELECT account_id, paid_by, -sum(cost_usd) FROM foreign_usage
        WHERE account_id IS NOT NULL GROUP BY account_id, paid_by
    )
    SELECT account_id,
           coalesce(sum(usd), 0) AS usage_usd,
           coalesce(sum(usd) FILTER (paid_by = 'credit'), 0) AS by_credit,
           coalesce(sum(usd) FILTER (paid_by = 'card'), 0) AS by_card,
           coalesce(sum(usd) FILTER (paid_by = 'invoice'), 0) AS by_invoice,
           coalesce(sum(usd) FILTER (paid_by IS NULL), 0) AS by_unknown
    FROM billed GROUP BY account_id
"""

# Each step takes what the step before left of the free credit and of the honest
# charges. Card use without any charge in the log is billed later, not unpaid, unless
# a charge of the account was disputed or every one declined.
_UNPAID = """
    CREATE OR REPLACE TEMP TABLE money AS
    WITH pools AS (
        SELECT c.account_id, c.usage_usd, c.by_credit, c.by_card, c.by_unknown,
               coalesce(g.free_usd, 0) AS free_usd,
               coalesce(g.free_grants, 0) AS free_grants,
               coalesce(g.reset_grants, 0) AS reset_grants,
               coalesce(p.honest_usd, 0) AS honest_usd,
               coalesce(p.disputed_usd, 0) AS disputed_usd,
               coalesce(p.disputed_charges, 0) > 0
                   OR (coalesce(p.declines, 0) > 0 AND coalesce(p.successes, 0) = 0)
                   AS card_failed
        FROM consumption c
        LEFT JOIN credit g USING (account_id)
        LEFT JOIN payments p USING (account_id)
    ), credited AS (
        SELECT *, least(by_credit, free_usd) AS credit_free FROM pools
    ), bought AS (
        SELECT *, least(by_credit - credit_free, honest_usd) AS credit_bought
        FROM credited
    ), carded AS (
        SELECT *, CASE WHEN card_failed
                       THEN least(by_card, honest_usd - credit_bought) ELSE by_card END
                  AS card_paid
        FROM bought
    ), unknown AS (
        SELECT *, least(by_unknown, free_usd - credit_free) AS unknown_free,
               greatest(honest_usd - credit_bought - card_paid, 0) AS honest_left
        FROM carded
    )
    SELECT account_id, usage_usd, free_usd, free_grants, reset_grants, honest_usd,
           disputed_usd,
           greatest(by_card - greatest(honest_usd - credit_bought, 0), 0)::DOUBLE
               AS owed_usd,
           (credit_free + unknown_free)::DOUBLE AS credit_usd,
           (by_credit - credit_bought + by_card - card_paid
            + by_unknown - least(by_unknown - unknown_free, honest_left))::DOUBLE
               AS unpaid_usd
    FROM unknown
"""

# What `settle` makes.
SETTLED = (
    "disputes", "payment_methods", "charges", "stolen_cards", "payments", "credit",
    "consumption", "money",
)  # fmt: skip


def settle(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `payment_methods`, `charges`, `payments`, `credit`, `money`.

    Needs `seen`, `usage` and `foreign_usage` (account_id, paid_by, cost_usd).
    """
    for statement in (_DISPUTES, _CARDS, _CHARGES, _STOLEN_CARDS, _PAYMENTS, _CREDIT):
        connection.execute(statement)
    for statement in (_CONSUMPTION, _UNPAID):
        connection.execute(statement)
