/** The names that states have in a machine; XState reads a dot in a name as a path. */
export function nameOf(id: string): string {
  return id.replaceAll('.', '_')
}

export function readNames(attribute: string): readonly string[] {
  return attribute.trim().split(/\s+/).map(nameOf)
}
