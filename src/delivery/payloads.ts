/** What listeners get of an event's data. One for all listeners of a tab: they count together. */
export interface Payloads {
  /** Calls `use` with the payload, unless the data does not parse. */
  of(type: string, data: string, use: (payload: unknown) => void): void
  /** How many events were not delivered because `parse` threw. */
  invalid(): number
}

/** @param onInvalid hears what `parse` throws, once for each type: a faulty server would fail with each event */
export const createPayloads = (
  parse: (data: string, type: string) => unknown,
  onInvalid: (type: string, cause: unknown) => void,
): Payloads => {
  const invalidTypes = new Set<string>()
  let invalid = 0

  return {
    invalid: () => invalid,
    of(type, data, use) {
      let payload: unknown
      try {
        payload = parse(data, type)
      } catch (error) {
        invalid++
        if (!invalidTypes.has(type)) onInvalid(type, error)
        invalidTypes.add(type)
        return
      }
      use(payload)
    },
  }
}
