/** The element of index.html with this id. Throws if page and script have parted ways. */
export const byId = <E extends HTMLElement = HTMLElement>(id: string): E => {
  const found = document.getElementById(id)
  if (!found) throw new Error(`index.html has no #${id}`)
  return found as E
}

/** Text only, never markup: what arrives in an event was written by somebody else. */
export const element = <Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  text = '',
  className = '',
): HTMLElementTagNameMap[Name] => {
  const created = document.createElement(name)
  created.textContent = text
  created.className = className
  return created
}
