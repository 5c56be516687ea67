"""The forms of the report: `document` makes the JSON by its published schema, the others are made from that."""
