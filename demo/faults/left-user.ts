/** What a page that ends in a reload has to say after it. */

const key = 'tabstream-demo:left'

export interface LeftUser {
  user: string
  /** What came of it so far. */
  text: string
  kept: boolean
  next: string | null
}

export const remember = (left: LeftUser): void => sessionStorage.setItem(key, JSON.stringify(left))

/** Once. */
export const recall = (): LeftUser | undefined => {
  const text = sessionStorage.getItem(key)
  sessionStorage.removeItem(key)
  return text === null ? undefined : (JSON.parse(text) as LeftUser)
}
