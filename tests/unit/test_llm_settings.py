"""The endpoints of the configuration's schema and the settings that the code takes are the same."""

from pathlib import Path

import yaml
from xuxie.llm.endpoint import EndpointSettings

SCHEMA = yaml.safe_load((Path(__file__).parents[2] / "config" / "schema.yaml").read_text(encoding="utf-8"))["$defs"]["endpoint"]


def test_the_schema_has_the_fields_and_defaults_of_the_settings():
    described = {name: field.get("default") for name, field in SCHEMA["properties"].items()}
    taken = {name: field.get_default(call_default_factory=True) for name, field in EndpointSettings.model_fields.items()}
    assert described == taken
