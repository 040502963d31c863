/** An SVG element: attributes and text only, as dom.ts for HTML. */
export const svg = (
  name: string,
  attributes: Record<string, string | number> = {},
  ...content: (Node | string)[]
): SVGElement => {
  const created = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) created.setAttribute(key, String(value))
  created.append(...content)
  return created
}
