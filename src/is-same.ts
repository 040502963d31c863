/** Whether a component would show the same: equal, or lists or plain objects with equal properties. */
export const isSame = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  // What a Date or a Set holds is no property.
  const kind = a.constructor
  if (kind !== b.constructor || (kind !== Object && kind !== Array)) return false
  const [one, two] = [Object.entries(a), Object.entries(b)]
  return (
    one.length === two.length &&
    one.every(([key, value]) => Object.is(value, (b as Record<string, unknown>)[key]))
  )
}
