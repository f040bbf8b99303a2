"""What each kind of feed can be told, with an example to begin from."""

from collections.abc import Mapping, Sequence

# Kinds that need something said before they work, or may be told something.
ABOUT: Mapping[str, Sequence[tuple[str, str]]] = {
    "canvas": (
        ("jwks_url", "Where the keys are published that the events are signed with."),
        ("accounts", "Which Canvas accounts are yours: root_account_uuid, or host name."),
        (
            "unsigned",
            "true for a test installation that does not sign; its address then ends in ?token= and the token.",
        ),
    ),
    "oneroster": (
        ("student_id_from", "By which id students are known: identifier, sourcedId or username."),
        ("staff_id_from", "By which id instructors sign in: identifier, sourcedId or username."),
    ),
    "topic": (
        ("bootstrap", "Host names and ports of the brokers, separated by commas."),
        ("topic", "The name of the topic."),
        ("security", "SASL_SSL, SSL, SASL_PLAINTEXT or PLAINTEXT."),
        ("mechanism", "SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN."),
        ("username", "Who signs in to the brokers; the secret stands below."),
        ("group", "The consumer group, if your access list names one."),
        ("ca", "Your own authority's certificates, in PEM."),
        ("begin", "earliest or latest: where to begin when the group is new."),
        ("format", "json, caliper or canvas."),
    ),
}
EXAMPLES: Mapping[str, str] = {
    "canvas": "jwks_url: https://keys.example.edu/jwks\naccounts: [your-account]\n",
    "oneroster": "student_id_from: identifier\nstaff_id_from: identifier\n",
    "topic": "bootstrap: kafka.example.edu:9093\ntopic: alerts\nsecurity: SASL_SSL\nusername: caselight\n",
}
