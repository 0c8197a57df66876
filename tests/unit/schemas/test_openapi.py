"""What an OpenAPI document holds in several places stands once in it, by name."""

from typing import Any

from services.schemas.openapi import name_parts

FORM = {"title": "Form", "type": "object", "properties": {"state": {"title": "State", "enum": ["a", "b"]}}}


def document(*answers: dict[str, Any]) -> dict[str, Any]:
    return {"paths": {f"/{at}": {"get": {"responses": each}} for at, each in enumerate(answers)}}


def answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def test_a_model_and_what_it_holds_stand_once_by_name() -> None:
    named = name_parts(document({"200": answer("one", FORM)}, {"200": answer("two", FORM)}))
    assert named["paths"]["/1"]["get"]["responses"]["200"] == answer("two", {"$ref": "#/components/schemas/Form"})
    assert named["components"]["schemas"] == {
        "Form": FORM | {"properties": {"state": {"$ref": "#/components/schemas/State"}}},
        "State": {"title": "State", "enum": ["a", "b"]},
    }


def test_a_model_of_the_same_name_that_differs_stays_where_it_is() -> None:
    other = {"title": "State", "enum": ["c"]}
    named = name_parts(document({"200": answer("one", FORM)}, {"200": answer("two", other)}))
    assert named["paths"]["/1"]["get"]["responses"]["200"] == answer("two", other)


def test_answers_that_recur_are_named_by_their_status_and_those_that_differ_by_a_number() -> None:
    first, second = answer("wait", {"type": "string"}), answer("wait longer", {"type": "string"})
    named = name_parts(document(*({"429": dict(each)} for each in (first, first, second, second)), {"429": {}}))
    given = [named["paths"][f"/{at}"]["get"]["responses"]["429"] for at in range(5)]
    assert given == [
        *[{"$ref": "#/components/responses/TooManyRequests"}] * 2,
        *[{"$ref": "#/components/responses/TooManyRequests2"}] * 2,
        {},
    ]
    assert named["components"] == {"responses": {"TooManyRequests": first, "TooManyRequests2": second}}


def test_a_property_that_is_called_title_makes_no_model() -> None:
    form = {"type": "object", "properties": {"title": {"type": "string"}, "properties": {"type": "object"}}}
    assert name_parts(document({"200": answer("one", form)})) == document({"200": answer("one", form)})
