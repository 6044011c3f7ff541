"""Reads the OpenAPI document and holds values to its schemas."""

import jsonschema

METHODS = ("get", "put", "post", "delete")
SHAPE = {"type", "properties", "additionalProperties", "items", "enum"}


class Document:
    """An OpenAPI document."""

    def __init__(self, content):
        self.content = content

    def operations(self):
        """Each as (method, path, operation)."""
        for path, item in self.content["paths"].items():
            for method in METHODS:
                if method in item:
                    yield method, path, item[method]

    def operation(self, name):
        """The (method, path, operation) of an operationId."""
        (found,) = [it for it in self.operations() if it[2]["operationId"] == name]
        return found

    def resolved(self, value):
        """`value`, or what it refers to."""
        while "$ref" in value:
            place = self.content
            for step in value["$ref"].removeprefix("#/").split("/"):
                place = place[step]
            value = place
        return value

    def response(self, operation, status):
        """The response of an operation; fails if the status is not documented."""
        assert str(status) in operation["responses"], f"{operation['operationId']} answers {status}, which is not documented"
        return self.resolved(operation["responses"][str(status)])

    def schema(self, response, content_type):
        """The schema of a response; fails if the content type is not documented."""
        kind = content_type.split(";")[0]
        assert kind in response["content"], f"{kind} is not documented"
        return response["content"][kind]["schema"]

    def problems(self, value, schema):
        """What of `value` is not as `schema` says, undocumented fields included."""
        errors = self._validator(schema).iter_errors(value)
        wrong = [f"{error.json_path}: {error.message[:200]}" for error in errors]
        return wrong or [f"{place} is not documented" for place in self._undocumented(value, schema, "$")]

    def check(self, value, schema, what):
        """Fails with what of `value` is not as `schema` says."""
        found = self.problems(value, schema)
        assert not found, f"{what}: {found[:10]}"

    def _validator(self, schema):
        root = {"components": self.content["components"], "allOf": [schema]}
        return jsonschema.Draft202012Validator(root)

    def _parts(self, value, schema):
        """The schemas that apply to `value`, without references and combinations."""
        schema = self.resolved(schema)
        yield schema
        for part in schema.get("allOf", []):
            yield from self._parts(value, part)
        for part in schema.get("oneOf", []) + schema.get("anyOf", []):
            if self._validator(part).is_valid(value):
                yield from self._parts(value, part)

    def _undocumented(self, value, schema, place):
        """Places of fields that no schema names. A schema without any shape takes everything."""
        if not isinstance(value, (dict, list)):
            return
        parts = [part for part in self._parts(value, schema) if SHAPE & part.keys()]
        if not parts:
            return
        if isinstance(value, list):
            for index, item in enumerate(value):
                for part in parts:
                    yield from self._undocumented(item, part.get("items", {}), f"{place}[{index}]")
            return
        for key, item in value.items():
            named = [part["properties"][key] for part in parts if key in part.get("properties", {})]
            others = [part["additionalProperties"] for part in parts if isinstance(part.get("additionalProperties"), dict)]
            if not named and not others:
                yield f"{place}.{key}"
            for of_key in named or others:
                yield from self._undocumented(item, of_key, f"{place}.{key}")
