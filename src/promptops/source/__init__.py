"""Where manifests come from: strict YAML with positions, schema, rules, resolving, git."""
