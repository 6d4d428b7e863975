"""The endpoints of the configuration's schema and the settings that the code takes are the same."""

from pathlib import Path

import yaml
from xuxie.llm.endpoint import EndpointSettings

SCHEMA = yaml.safe_load(
    (Path(__file__).parents[2] / "config" / "schema.yaml").read_text(encoding="utf-8")
)["$defs"]["endpoint"]


def test_the_schema_has_the_fields_and_defaults_of_the_settings():
    described = {name: field.get("default") for name, field in SCHEMA["properties"].items()}
    taken = {
        # what depends on where the model computes is null there
        name: None if field.is_required() else field.get_default(call_default_factory=True)
        for name, field in EndpointSettings.model_fields.items()
    }
    taken["price"] = taken["price"].model_dump(exclude_defaults=True)
    assert described == taken


def test_an_embedded_endpoint_answers_one_question_at_a_time_under_its_schema():
    embedded, provider = (
        EndpointSettings(embedded="m"),
        EndpointSettings(base_url="http://127.0.0.1:9/v1", model="m"),
    )
    assert (embedded.concurrency, embedded.structured) == (1, "schema")
    assert (provider.concurrency, provider.structured) == (8, "auto")
    assert EndpointSettings(embedded="m", concurrency=4).concurrency == 4


def test_an_embedded_endpoint_is_given_up_only_when_it_hangs():
    slow, provider = (
        EndpointSettings(embedded="m"),
        EndpointSettings(base_url="http://127.0.0.1:9/v1", model="m"),
    )
    assert slow.timeout >= 10 * provider.timeout
    assert EndpointSettings(embedded="m", timeout=60).timeout == 60
