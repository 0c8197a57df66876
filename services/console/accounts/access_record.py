"""Puts sign-ins and changes of accounts on the record, by ids alone."""

from services.console.policy.permits import Operator
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.operators import Access, AccessRecorded, AccountId, Because

UNKNOWN = "account-unknown"


def record_access(
    uow: UnitOfWork,
    what: Access,
    operator: Operator | None,
    *,
    because: Because | None = None,
    by: AccountId | None = None,
    provider: str | None = None,
) -> None:
    """`operator` None: nobody has the name that was typed."""
    known = {} if operator is None else {"account": operator.account, "role": operator.role}
    authorities = () if operator is None else tuple(sorted(operator.authorities))
    recorded = AccessRecorded.model_validate(
        {"what": what, "because": because, "by": by, "provider": provider, "authorities": authorities} | known
    )
    uow.publish(recorded, subject=UNKNOWN if operator is None else operator.account)
