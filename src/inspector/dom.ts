type Props = Record<string, string | number | boolean | ((event: never) => void)>

const fill = <E extends Element>(element: E, props: Props, children: (Node | string)[]): E => {
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'function') element.addEventListener(name, value as EventListener)
    else if (value !== false) element.setAttribute(name, value === true ? '' : String(value))
  }
  element.append(...children)
  return element
}

/** An element: attributes, and functions as listeners by the event's name. Never markup from text (Trusted Types). */
export const h = <Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  props: Props = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] => fill(document.createElement(name), props, children)

export const s = (name: string, props: Props = {}, ...children: Node[]): SVGElement =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', name), props, children)

/** Text that stays as it is loses neither a selection nor a place in the accessibility tree. */
export const setText = (node: Node, text: string): void => {
  if (node.textContent !== text) node.textContent = text
}

export interface Row<Item> {
  element: Element
  show(item: Item): void
}

/**
 * The rows of a list, one an item: one that stays keeps its element, hence its focus, its place and what is selected in it.
 */
export const createRows = <Item>(
  parent: Element,
  keyOf: (item: Item) => string | number,
  create: (item: Item) => Row<Item>,
) => {
  let rows = new Map<string | number, Row<Item>>()
  return {
    show(items: Item[]) {
      const kept = new Map<string | number, Row<Item>>()
      for (const item of items) kept.set(keyOf(item), rows.get(keyOf(item)) ?? create(item))
      for (const [key, { element }] of rows) if (!kept.has(key)) element.remove()
      rows = kept
      let next = parent.firstElementChild
      for (const item of items) {
        const row = rows.get(keyOf(item))!
        row.show(item)
        if (row.element === next) next = next.nextElementSibling
        else parent.insertBefore(row.element, next)
      }
    },
    get: (key: string | number): Element | undefined => rows.get(key)?.element,
  }
}
