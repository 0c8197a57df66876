"""Declares the register's tables that an import writes."""

from sqlalchemy import ARRAY, Boolean, Date, Integer, LargeBinary, MetaData, Table, Text, Time

from services.platform.store.tables import MOMENT, columns

register = MetaData(schema="register")

authorities = Table("authorities", register, *columns(Text(), "id name duty_line bridge"))
sharing_agreements = Table(
    "sharing_agreements",
    register,
    *columns(Text(), "authority reference force basis"),
    *columns(ARRAY(Text), "fields"),
    *columns(Date(), "from_on until_on"),
)
placements = Table(
    "placements",
    register,
    *columns(Text(), "id authority reference kind force host_authority"),
    *columns(LargeBinary(), "address"),
    *columns(MOMENT, "as_of"),
)
people = Table(
    "people",
    register,
    *columns(Text(), "id authority reference language"),
    *columns(LargeBinary(), "name mobile email number_hash"),
    *columns(MOMENT, "as_of"),
)
placement_carers = Table(
    "placement_carers", register, *columns(Text(), "placement person"), *columns(MOMENT, "from_at to_at as_of")
)
children = Table(
    "children",
    register,
    *columns(Text(), "id authority reference code placement"),
    *columns(LargeBinary(), "name known_as sex language description profile"),
    *columns(Date(), "date_of_birth"),
    *columns(Boolean(), "unaccompanied modern_slavery_concern subject_to_immigration_control age_disputed"),
    *columns(Boolean(), "guardian_allocated"),
    *columns(MOMENT, "entered_care_at as_of"),
)
directory = Table(
    "directory",
    register,
    *columns(Text(), "authority role person child days"),
    *columns(Integer(), "turn"),
    *columns(Time(), "starts ends"),
    *columns(Boolean(), "bank_holidays"),
)
agency_agreements = Table(
    "agency_agreements",
    register,
    *columns(Text(), "authority agency"),
    *columns(ARRAY(Text), "types"),
    *columns(Boolean(), "verifies"),
)
