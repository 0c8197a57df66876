"""Who may be told, by what, and in which words: closed vocabularies of the protocol."""

from enum import StrEnum


class Role(StrEnum):
    """A recipient. Who holds a role is asked of the directory when sending, never before."""

    POLICE_CONTROL_ROOM = "police.control-room"
    POLICE_MISSING_COORDINATOR = "police.missing-coordinator"
    """Whom the force sends to strategy discussions. A child placed in another force's area has its coordinator by name."""
    DUTY_WORKER = "duty.worker"
    """The duty social worker in hours, the emergency duty team out of hours: the rota decides (S36 inference, practice)."""
    DUTY_EMERGENCY_TEAM = "duty.emergency-team"
    DUTY_SENIOR_MANAGER = "duty.senior-manager"
    DUTY_HEAD_OF_SERVICE = "duty.head-of-service"
    CHILD_SOCIAL_WORKER = "child.social-worker"
    CHILD_TEAM_MANAGER = "child.team-manager"
    CHILD_INDEPENDENT_REVIEWING_OFFICER = "child.independent-reviewing-officer"
    CHILD_GUARDIAN = "child.guardian"
    CHILD_LEGAL_ADVISER = "child.legal-adviser"
    CHILD_PERSONAL_ADVISER = "child.personal-adviser"
    CHILD_HEALTH_PRACTITIONER = "child.health-practitioner"
    HOST_DUTY_DESK = "host.duty-desk"
    HOME_OFFICE_MISSING_DESK = "home-office.missing-desk"
    HOME_OFFICE_CASEWORKER = "home-office.caseworker"
    CARER_REPORTING = "carer.reporting"
    """The carer who sent the report: the duty names the person."""
    CARERS_ALL = "carers.all"
    """Each carer of the child's placement now."""
    PLAN_OWNER = "plan.owner"
    """Who is to carry out a step of a discussion's plan: the event names the role, and the duty is told to that."""
    EVERYONE_TOLD = "everyone-told"
    """Each recipient told of this episode so far, by the channel by which they were told."""


PLAN_OWNERS = frozenset(Role) - {
    Role.POLICE_CONTROL_ROOM,
    Role.CARER_REPORTING,
    Role.CARERS_ALL,
    Role.PLAN_OWNER,
    Role.EVERYONE_TOLD,
}
"""Who may have a step of a plan: somebody whom a mail reaches."""


class Channel(StrEnum):
    WEBHOOK = "webhook"
    TEXT = "text"
    EMAIL = "email"
    INVITATION = "invitation"


class Wording(StrEnum):
    """The message sent: a template of the service that carries the duty out, or the police notice's type."""

    MISSING_NOTICE = "missing-notice"
    MISSING_UPDATE = "missing-update"
    LOCATED_NOTICE = "located-notice"
    RETURNED_NOTICE = "returned-notice"
    RETURN_WITHDRAWN_NOTICE = "return-withdrawn-notice"
    REPORT_RETRACTED_NOTICE = "report-retracted-notice"
    SAFE_AND_WELL_CHECK_DUE = "safe-and-well-check-due"
    RETURN_INTERVIEW_DUE = "return-interview-due"
    RETURN_INTERVIEW_OVERDUE = "return-interview-overdue"
    POLICE_NOT_REACHED = "police-not-reached"
    POLICE_NOT_ACKNOWLEDGED = "police-not-acknowledged"
    NOT_ACKNOWLEDGED = "not-acknowledged"
    STILL_MISSING = "still-missing"
    REFERENCE_MISSING = "reference-missing"
    NOTICE_HAS_GAPS = "notice-has-gaps"
    POLICE_LIST_DIFFERS = "police-list-differs"
    POLICE_TOLD = "police-told"
    POLICE_NOT_YET_TOLD = "police-not-yet-told"
    RETURN_RECORDED = "return-recorded"
    NEEDS_HUMAN = "needs-human"
    CHILD_PROVISIONAL = "child-provisional"
    CONTACT_UNREACHABLE = "contact-unreachable"
    DEAD_LETTER = "dead-letter"
    LOCATION_ENQUIRY = "location-enquiry"
    LURING_SUSPECTED = "luring-suspected"
    WATCH_OPENED = "watch-opened"
    """Heightened risk of going missing. Says nothing of its cause."""
    WATCH_REVIEW_DUE = "watch-review-due"
    PLEASE_CALL_SOCIAL_WORKER = "please-call-social-worker"
    APPEAL_TIME_RUNNING = "appeal-time-running"
    LEAVE_EXPIRING = "leave-expiring"
    LEAVE_EXPIRED = "leave-expired"
    APPROACHING_18 = "approaching-18"
    TURNED_18 = "turned-18"
    STRATEGY_DISCUSSION = "strategy-discussion"
    STRATEGY_NOT_ANSWERED = "strategy-not-answered"
    STRATEGY_WITHOUT_QUORUM = "strategy-without-quorum"
    STRATEGY_COUNTER_PROPOSED = "strategy-counter-proposed"
    STRATEGY_RECORD = "strategy-record"
    """Asks whoever convened to record the discussion, by a page."""
    STRATEGY_RECORD_MISSING = "strategy-record-missing"
    FULL_MEETING_DUE = "full-meeting-due"
    CONFERENCE_DUE = "conference-due"
    PLAN_STEP_SET = "plan-step-set"
    PLAN_STEP_DUE = "plan-step-due"
