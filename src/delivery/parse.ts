/**
 * Turns data into a payload where `parse` is not set. Data may be empty, which JSON is not: `null`.
 *
 * @throws SyntaxError the data is no JSON
 */
export const json = (data: string): unknown => (data === '' ? null : JSON.parse(data))

/** For `parse`: listeners get the data as it came. */
export const text = (data: string): string => data
