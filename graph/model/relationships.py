"""The relationship types of the graph."""

from __future__ import annotations

from graph.model.schema import COUNT, SEEN, USE, Property, Relationship


def _observed(kind: str) -> str:
    return (
        "SELECT account_id AS start_id, identifier AS end_id, *"
        " FROM observations WHERE kind = '" + kind + "'"
    )


RELATIONSHIPS: tuple[Relationship, ...] = (
    Relationship(
        "USED_IP",
        "Account",
        "IP",
        "The account signed up, signed in or sent requests from it.",
        _observed("ip"),
        USE,
    ),
    Relationship(
        "USED_DEVICE",
        "Account",
        "Device",
        "The account was used on it.",
        _observed("device"),
        USE,
    ),
    Relationship(
        "PAID_WITH",
        "Account",
        "PaymentInstrument",
        "The card was added to the account.",
        _observed("card"),
        USE,
    ),
    Relationship(
        "HAS_EMAIL",
        "Account",
        "Email",
        "The account gave this mailbox.",
        _observed("email"),
        USE,
    ),
    Relationship(
        "HAS_PHONE",
        "Account",
        "Phone",
        "The account gave this number.",
        _observed("phone"),
        USE,
    ),
    Relationship(
        "AT_DOMAIN",
        "Email",
        "EmailDomain",
        "The mailbox is at this domain.",
        "SELECT *, identifier AS start_id, domain AS end_id FROM identifiers"
        " WHERE kind = 'email' AND domain <> ''",
        (*SEEN, Property("count", "integer", "accounts behind it", "accounts")),
    ),
    Relationship(
        "HAS_IDENTIFIER",
        "Account",
        "Identifier",
        "The account was seen with it.",
        "SELECT *, account_id AS start_id, kind || ':' || identifier AS end_id"
        " FROM observations WHERE kind IN (SELECT kind FROM graph_kinds)",
        USE,
    ),
    Relationship(
        "OWNS_KEY",
        "Account",
        "ApiKey",
        "The key was made by the account, or by default first used by it.",
        "SELECT k.account_id AS start_id, k.key_id AS end_id,"
        " coalesce(o.first_seen, k.first_seen) AS first_seen,"
        " coalesce(o.last_seen, k.last_seen) AS last_seen,"
        " coalesce(o.count, 0) AS count, coalesce(o.tokens, 0) AS tokens,"
        " coalesce(o.cost_usd, 0) AS cost_usd FROM keys k"
        " LEFT JOIN observations o ON o.kind = 'key'"
        " AND o.account_id = k.account_id AND o.identifier = k.key_id",
        USE,
    ),
    Relationship(
        "USED_KEY",
        "Account",
        "ApiKey",
        "The account used a key that another account owns.",
        "SELECT o.*, o.account_id AS start_id, o.identifier AS end_id"
        " FROM observations o JOIN keys k ON k.key_id = o.identifier"
        " WHERE o.kind = 'key' AND k.account_id IS DISTINCT FROM o.account_id",
        USE,
    ),
    Relationship(
        "KEY_USED_FROM",
        "ApiKey",
        "IP",
        "Requests with the key came from this address.",
        "SELECT *, key_id AS start_id, identifier AS end_id"
        " FROM key_observations WHERE kind = 'ip'",
        (*USE, Property("foreign_use", "boolean", "not its owner's traffic")),
    ),
    Relationship(
        "KEY_HAS_IDENTIFIER",
        "ApiKey",
        "Identifier",
        "Requests with the key carried it.",
        "SELECT *, key_id AS start_id, kind || ':' || identifier AS end_id"
        " FROM key_observations WHERE kind IN (SELECT kind FROM graph_kinds)",
        (*USE, Property("foreign_use", "boolean", "not its owner's traffic")),
    ),
    Relationship(
        "MEMBER_OF",
        "Account",
        "Tenant",
        "The account belongs to the tenant.",
        "SELECT * FROM graph_members",
        USE,
    ),
    Relationship(
        "KEY_OF_TENANT",
        "ApiKey",
        "Tenant",
        "The tenant's quota pays for the key.",
        "SELECT *, key_id AS start_id, tenant_id AS end_id FROM keys",
        (*SEEN, Property("count", "integer", "requests made with it", "requests")),
    ),
    Relationship(
        "INVITED",
        "Account",
        "Account",
        "The first account invited the second.",
        "SELECT invited_by AS start_id, account_id AS end_id, 1 AS count,"
        " coalesce(created_at, first_seen) AS first_seen,"
        " coalesce(created_at, first_seen) AS last_seen FROM accounts",
        (*SEEN, COUNT),
    ),
    Relationship(
        "IN_CLUSTER",
        "Account",
        "Cluster",
        "The account is a member, graded by its role.",
        "SELECT *, account_id AS start_id, cluster_id AS end_id FROM accounts"
        " WHERE cluster_id <> ''",
        (
            Property("role", "string", "core, likely or bystander"),
            Property("score", "float", "probability that this account is abusive"),
            *SEEN,
        ),
    ),
)
