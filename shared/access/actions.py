"""Everything that can be asked for. An action that the matrix test does not know fails it."""

from enum import StrEnum


class Action(StrEnum):
    """One thing somebody may want to do, as audit rows name it."""

    PROGRAM_READ = "program.read"
    PROGRAM_CHANGE = "program.change"

    ROSTER_IMPORT = "roster.import"
    PEOPLE_RESOLVE = "people.resolve"
    FLAGS_IMPORT = "flags.import"
    FLAGS_LIST = "flags.list"
    IMPORTS_READ = "imports.read"
    REFERRAL_CREATE = "referral.create"
    REFERRAL_IMPORT = "referral.import"
    REFERRAL_LIST = "referral.list"
    REFERRAL_READ = "referral.read"
    REFERRAL_READ_NARRATIVE = "referral.read_narrative"
    REFERRAL_TRIAGE = "referral.triage"
    REFERRAL_MATCH = "referral.match"

    CASE_LIST = "case.list"
    CASE_READ = "case.read"
    CASE_ASSIGN = "case.assign"
    CASE_ACCEPT = "case.accept"
    CASE_DECLINE = "case.decline"
    CASE_RECORD_CONTACT = "case.record_contact"
    CASE_COMBINE = "case.combine"

    PAGE_LIST = "page.list"
    PAGE_READ = "page.read"
    PAGE_WHY = "page.why"
    PAGE_ACCEPT = "page.accept"
    PAGE_DECLINE = "page.decline"
    LATE_REVIEW_LIST = "late_review.list"
    LATE_REVIEW_FINISH = "late_review.finish"

    FIGURES_READ = "figures.read"
    CASELOAD_READ = "caseload.read"

    STATUS_READ = "status.read"
    DEAD_LETTERS_LIST = "dead_letters.list"
    DEAD_LETTERS_SHOW = "dead_letters.show"
    DEAD_LETTERS_RETRY = "dead_letters.retry"
    DEAD_LETTERS_DISCARD = "dead_letters.discard"
