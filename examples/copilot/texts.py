"""What people write and what the copilot answers. Some of it must never be stored as it is."""

from random import Random

QUESTIONS = {
    "answers": (
        "How do I reset the VPN client after the certificate expired?",
        "Which refunds need a second signature?",
        "My order {number} has not arrived. You can reach me at {email}.",
        "What changed in the travel policy this quarter?",
        "Can I connect a personal tablet to the office network?",
    ),
    "search": (
        "onboarding checklist contractors",
        "laptop warranty {number}",
        "parental leave notice period",
        "incident review template",
    ),
    "summaries": (
        "Summarise ticket {number} for the weekly review.",
        "Summarise the thread with {email} in three lines.",
        "Give me the open points of the last steering meeting.",
    ),
    "drafts": (
        "Draft a reply to {email} about the delayed delivery of order {number}.",
        "Close ticket {number} and tell the customer why.",
        "Draft a polite reminder for invoice {number}.",
    ),
}
ANSWERS = {
    "answers": "Yes. Follow the three steps in {document}; if step two fails, open a ticket.",
    "search": "The best match is {document}, updated last month.",
    "summaries": "Three points: the cause is known, the fix is scheduled, one question is open "
    "({document}).",
    "drafts": "Dear customer, we are sorry for the delay. Your order {number} leaves today. "
    "See {document}.",
}
# What a later turn of a conversation is searched for: its words alone say too little.
REWRITES = {
    "answers": "VPN client certificate renewal, internal knowledge base",
    "search": "policy document, current version",
    "summaries": "ticket thread, open points",
    "drafts": "delayed delivery, reply template",
}
FALLBACK = "answered from the handbook, with a notice"
REFUSAL = "I cannot help with that. A guardrail stopped this request."
UNSAID = "The customer lives at 12 Mill Lane, and their balance is overdue."  # never answered
DOCUMENTS = tuple(f"KB-{1000 + 7 * n}" for n in range(60))
NAMES = ("lena.fischer", "tom.becker", "mia.rossi", "jan.novak", "eva.lind")


def question(feature: str, rng: Random) -> str:
    """Return something a person would ask of `feature`."""
    return rng.choice(QUESTIONS[feature]).format(
        number=rng.randrange(10_000, 99_999), email=f"{rng.choice(NAMES)}@customer.example"
    )


def answer(feature: str, documents: tuple[str, ...], rng: Random) -> str:
    """Return what the copilot says, naming the first of the `documents` it found."""
    document = documents[0] if documents else "the handbook"
    return ANSWERS[feature].format(document=document, number=rng.randrange(10_000, 99_999))
