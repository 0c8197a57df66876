"""What an authority takes for proof that a search may end."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class StandDown(BaseModel):
    """`word`: a text of the child's own carer alone, where else a code that their handset sends back is needed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by_text: Literal["code", "word"] = Field("code", alias="by-text")


BY_CODE = StandDown.model_validate({})
