extension V1 {
    /// `GET /discovery`: a description of API v1 in the form of Google's discovery documents, which code generators
    /// read.
    package static func discovery(version: String) -> [UInt8] {
        Array(discoveryText(version).utf8)
    }

    private static func discoveryText(_ version: String) -> String {
        """
        {
          "kind": "discovery#restDescription",
          "discoveryVersion": "v1",
          "id": "fleet:v1",
          "name": "schema",
          "version": "v1",
          "title": "fleet API",
          "description": "Units and machines of a fleet (fleetd \(version))",
          "protocol": "rest",
          "rootUrl": "http://localhost/",
          "basePath": "/fleet/v1/",
          "servicePath": "fleet/v1/",
          "batchPath": "batch",
          "parameters": {},
          "auth": {},
          "schemas": \(schemas),
          "resources": {
            "Machines": {"methods": {
              "List": {"id": "fleet.Machine.List", "httpMethod": "GET", "path": "machines",
                "parameters": {"nextPageToken": {"type": "string", "location": "query"}},
                "response": {"$ref": "MachinePage"}}
            }},
            "Units": {"methods": {
              "List": {"id": "fleet.Unit.List", "httpMethod": "GET", "path": "units",
                "parameters": {"nextPageToken": {"type": "string", "location": "query"}},
                "response": {"$ref": "UnitPage"}},
              "Get": {"id": "fleet.Unit.Get", "httpMethod": "GET", "path": "units/{unitName}",
                "parameters": {"unitName": {"type": "string", "location": "path", "required": true}},
                "parameterOrder": ["unitName"], "response": {"$ref": "Unit"}},
              "Set": {"id": "fleet.Unit.Set", "httpMethod": "PUT", "path": "units/{unitName}",
                "parameters": {"unitName": {"type": "string", "location": "path", "required": true}},
                "parameterOrder": ["unitName"], "request": {"$ref": "Unit"}},
              "Delete": {"id": "fleet.Unit.Delete", "httpMethod": "DELETE", "path": "units/{unitName}",
                "parameters": {"unitName": {"type": "string", "location": "path", "required": true}},
                "parameterOrder": ["unitName"]}
            }},
            "UnitState": {"methods": {
              "List": {"id": "fleet.UnitState.List", "httpMethod": "GET", "path": "state",
                "parameters": {
                  "nextPageToken": {"type": "string", "location": "query"},
                  "machineID": {"type": "string", "location": "query"},
                  "unitName": {"type": "string", "location": "query"}
                },
                "response": {"$ref": "UnitStatePage"}},
              "Get": {"id": "fleet.UnitState.Get", "httpMethod": "GET", "path": "state/{unitName}",
                "parameters": {"unitName": {"type": "string", "location": "path", "required": true}},
                "parameterOrder": ["unitName"], "response": {"$ref": "UnitState"}}
            }}
          }
        }

        """
    }

    /// What requests and answers consist of.
    private static let schemas = """
          {
            "Machine": {"id": "Machine", "type": "object", "properties": {
              "id": {"type": "string", "required": true},
              "primaryIP": {"type": "string"},
              "metadata": {"type": "object", "additionalProperties": {"type": "string"}}
            }},
            "MachinePage": {"id": "MachinePage", "type": "object", "properties": {
              "machines": {"type": "array", "items": {"$ref": "Machine"}, "required": true},
              "nextPageToken": {"type": "string"}
            }},
            "UnitOption": {"id": "UnitOption", "type": "object", "properties": {
              "section": {"type": "string"}, "name": {"type": "string"}, "value": {"type": "string"}
            }},
            "Unit": {"id": "Unit", "type": "object", "properties": {
              "name": {"type": "string", "required": true},
              "source": {"type": "string"},
              "options": {"type": "array", "items": {"$ref": "UnitOption"}},
              "desiredState": {"type": "string", "enum": ["inactive", "loaded", "launched"]},
              "currentState": {"type": "string", "enum": ["inactive", "loaded", "launched"]},
              "machineID": {"type": "string"}
            }},
            "UnitPage": {"id": "UnitPage", "type": "object", "properties": {
              "units": {"type": "array", "items": {"$ref": "Unit"}, "required": true},
              "nextPageToken": {"type": "string"}
            }},
            "UnitState": {"id": "UnitState", "type": "object", "properties": {
              "name": {"type": "string"}, "hash": {"type": "string"}, "machineID": {"type": "string"},
              "systemdLoadState": {"type": "string"},
              "systemdActiveState": {"type": "string"},
              "systemdSubState": {"type": "string"}
            }},
            "UnitStatePage": {"id": "UnitStatePage", "type": "object", "properties": {
              "states": {"type": "array", "items": {"$ref": "UnitState"}, "required": true},
              "nextPageToken": {"type": "string"}
            }}
          }
        """
}
