"""The labels of the graph."""

from __future__ import annotations

from graph.model.schema import ID, SEEN, Node, Property

BLUE, ORANGE, GREEN, SKY = "#0072B2", "#E69F00", "#009E73", "#56B4E9"
PURPLE, YELLOW, VERMILION, GREY = "#CC79A7", "#F0E442", "#D55E00", "#999999"

_VERDICT = (
    Property("score", "float", "probability of abuse, 0 to 1"),
    Property("action", "string", "recommendation; `none`: not suspected"),
    Property("typology", "string", "the case it fits; empty: none"),
    Property("cost_usd", "float", "US dollars lost to abuse"),
)
_REASONS = (
    Property("reasons", "strings", "reason codes of the verdict"),
    Property("frameworks", "strings", "control ids of published frameworks"),
)
_SHARED = (
    Property("masked", "string", "the value, masked"),
    Property("accounts", "integer", "accounts that share it"),
    Property("score", "float", "weight of the link it makes, in nats"),
    Property("links", "boolean", "whether it links accounts to clusters"),
    *SEEN,
)
_CLASS = Property("class", "string", "kind of value, such as residential or relay")


def _identifiers(label: str) -> str:
    return "SELECT * FROM graph_identifiers WHERE label = '" + label + "'"


NODES: tuple[Node, ...] = (
    Node(
        "Account",
        "One account of the service.",
        "SELECT a.*, a.account_id AS id, h.account_id IS NOT NULL AS hot"
        " FROM accounts a LEFT JOIN hot_accounts h USING (account_id)",
        (
            ID,
            *_VERDICT,
            *_REASONS,
            Property("role", "string", "core, likely, bystander; empty: no cluster"),
            Property("plan", "string", "plan at the last event that names one"),
            Property("created_at", "datetime", "signed up"),
            Property("closed_at", "datetime", "closed"),
            Property("removed_at", "datetime", "removed for abuse"),
            *SEEN,
            Property("requests", "integer", "requests made"),
            Property("tokens", "integer", "tokens used"),
            Property("usage_usd", "float", "US dollars used in all"),
            Property("credit_usd", "float", "US dollars of credit granted"),
            Property("paid_usd", "float", "US dollars paid"),
            Property("disputed_usd", "float", "US dollars disputed"),
            Property("at_risk_usd_per_hour", "float", "US dollars an hour still used"),
        ),
        BLUE,
        "ellipse",
        "person",
    ),
    Node(
        "ApiKey",
        "One API key, named by its id or by the keyed hash of the key.",
        "SELECT k.*, k.key_id AS id, h.key_id IS NOT NULL AS hot"
        " FROM keys k LEFT JOIN hot_keys h USING (key_id)",
        (
            ID,
            *_VERDICT,
            *_REASONS,
            Property("created_at", "datetime", "made"),
            Property("exposed_at", "datetime", "first reported as leaked"),
            Property("first_abuse_at", "datetime", "first foreign use"),
            Property("latency_seconds", "float", "seconds from leak to first abuse"),
            Property("revoked_at", "datetime", "revoked; missing: alive"),
            *SEEN,
            Property("requests", "integer", "requests made with it"),
            Property("owner_usd", "float", "US dollars of its owner's own use"),
            Property("crew_id", "string", "who replays it, beside other keys"),
            Property("audit", "strings", "faults of its handling, most urgent first"),
        ),
        ORANGE,
        "diamond",
        "key",
    ),
    Node(
        "IP",
        "One address: IPv4 whole, IPv6 as its /64; the id is a keyed hash.",
        _identifiers("IP"),
        (
            ID,
            *_SHARED,
            _CLASS,
            Property("asn", "integer", "autonomous system number"),
            Property("country", "string", "ISO 3166 code"),
        ),
        GREEN,
        "rectangle",
        "lan",
    ),
    Node(
        "Device",
        "One device or browser; the id is a keyed hash over its scheme too.",
        _identifiers("Device"),
        (ID, *_SHARED, _CLASS),
        SKY,
        "hexagon",
        "devices",
    ),
    Node(
        "PaymentInstrument",
        "One card, by its processor's fingerprint; the id is a keyed hash.",
        _identifiers("PaymentInstrument"),
        (ID, *_SHARED, _CLASS),
        PURPLE,
        "triangle",
        "credit_card",
    ),
    Node(
        "Email",
        "One mailbox after aliases are undone; the id is a keyed hash.",
        _identifiers("Email"),
        (ID, *_SHARED, _CLASS, Property("domain", "string", "registrable domain")),
        YELLOW,
        "round-rectangle",
        "mail",
    ),
    Node(
        "EmailDomain",
        "One registrable mail domain; the id is the domain.",
        "SELECT * FROM graph_domains",
        (
            ID,
            Property("class", "string", "disposable, relay, free, university or own"),
            Property("emails", "integer", "mailboxes seen at it"),
            Property("accounts", "integer", "accounts with a mailbox at it"),
            *SEEN,
        ),
        YELLOW,
        "barrel",
        "alternate_email",
    ),
    Node(
        "Phone",
        "One telephone number in E.164; the id is a keyed hash.",
        _identifiers("Phone"),
        (ID, *_SHARED, _CLASS),
        PURPLE,
        "vee",
        "call",
    ),
    Node(
        "Identifier",
        "Any further thing that accounts or keys share; the id is `kind:value`.",
        _identifiers("Identifier"),
        (
            ID,
            Property("kind", "string", "user_agent, ja4, prompt, referral, …"),
            *_SHARED,
            _CLASS,
        ),
        GREY,
        "tag",
        "fingerprint",
    ),
    Node(
        "Tenant",
        "One organisation that owns accounts and keys and whose quota pays.",
        "SELECT t.*, t.tenant_id AS id, h.tenant_id IS NOT NULL AS hot"
        " FROM tenants t LEFT JOIN hot_tenants h USING (tenant_id)",
        (
            ID,
            *_VERDICT,
            *_REASONS,
            Property("culprit_type", "string", "account, key, end_user or ip"),
            Property("culprit", "string", "who drains it"),
            Property("members", "integer", "accounts that belong to it"),
            Property("usage_usd", "float", "US dollars used in all"),
            Property("limit_usd", "float", "quota in US dollars"),
            Property("hours_to_exhaustion", "float", "hours until the quota is gone"),
            *SEEN,
        ),
        BLUE,
        "pentagon",
        "apartment",
    ),
    Node(
        "Cluster",
        "Accounts behind which one operator stands.",
        "SELECT *, cluster_id AS id, action <> 'none' AS hot FROM clusters",
        (
            ID,
            *_VERDICT,
            Property("frameworks", "strings", "control ids of published frameworks"),
            Property("summary", "string", "the case in words"),
            Property("accounts", "integer", "members"),
            Property("core_members", "integer", "members graded core"),
            Property("paying_members", "integer", "members who pay"),
            Property("at_risk_usd_per_hour", "float", "US dollars an hour still used"),
            Property(
                "expected_chargebacks_usd", "float", "US dollars yet to come back"
            ),
            Property("wrong_ban_usd", "float", "US dollars a wrong ban would cost"),
            *SEEN,
        ),
        VERMILION,
        "octagon",
        "hub",
    ),
)
