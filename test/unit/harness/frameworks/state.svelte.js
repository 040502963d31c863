/** A rune of an application's own. */
export const state = (first) => {
  let value = $state(first)
  return {
    followed: () => value,
    get: () => value,
    set(next) {
      value = next
    },
  }
}
