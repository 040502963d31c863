import { h } from './dom.ts'

export interface TabListItem {
  name: string
  label: string
  element: HTMLElement
}

/** Tabs by the keyboard, as the ARIA Authoring Practices have them: one stop, arrows choose, Home and End too. */
export const createTabList = (items: TabListItem[], onChoose: (name: string) => void) => {
  let chosen = items[0]!.name

  const buttons = items.map(({ name, label, element }) => {
    element.id = `panel-${name}`
    element.setAttribute('role', 'tabpanel')
    element.setAttribute('aria-labelledby', `tab-${name}`)
    element.tabIndex = 0
    element.classList.add('panel')
    return h(
      'button',
      {
        type: 'button',
        role: 'tab',
        id: `tab-${name}`,
        'aria-controls': `panel-${name}`,
        click: () => choose(name),
      },
      label,
    )
  })

  const show = () => {
    for (const [at, { name, element }] of items.entries()) {
      buttons[at]!.setAttribute('aria-selected', String(name === chosen))
      buttons[at]!.tabIndex = name === chosen ? 0 : -1
      element.hidden = name !== chosen
    }
  }

  const choose = (name: string) => {
    if (name === chosen) return
    chosen = name
    show()
    onChoose(name)
  }

  const onKey = (event: KeyboardEvent) => {
    const at = items.findIndex(({ name }) => name === chosen)
    const steps: Record<string, number> = {
      ArrowRight: (at + 1) % items.length,
      ArrowLeft: (at + items.length - 1) % items.length,
      Home: 0,
      End: items.length - 1,
    }
    const next = steps[event.key]
    if (next === undefined) return
    event.preventDefault()
    choose(items[next]!.name)
    buttons[next]!.focus()
  }

  show()
  return {
    element: h(
      'div',
      { class: 'tablist', role: 'tablist', 'aria-label': 'Panels', keydown: onKey },
      ...buttons,
    ),
    chosen: () => chosen,
    focus: () => buttons[items.findIndex(({ name }) => name === chosen)]!.focus(),
  }
}
