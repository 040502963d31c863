import type { Inspected, InspectorElement } from '../stream.ts'
import { styleSheets } from './styles.ts'
import { createView, type View } from './view.ts'

/** On a server nothing is defined, and importing this must not fail. */
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement)

/** A thin shell: attributes and the life of an element. What is seen is view.ts. */
export class TabstreamInspector extends Base implements InspectorElement {
  static observedAttributes = ['open', 'docked']

  #stream: Inspected | null = null
  #view: View | null = null
  #byHand = false

  constructor() {
    super()
    this.attachShadow({ mode: 'open' }).adoptedStyleSheets = styleSheets()
  }

  get stream(): Inspected | null {
    return this.#stream
  }

  set stream(stream: Inspected | null) {
    if (stream === this.#stream) return
    this.#stream = stream
    this.#unmount()
    this.#mount()
  }

  get open(): boolean {
    return this.hasAttribute('open')
  }

  set open(open: boolean) {
    this.toggleAttribute('open', open)
  }

  connectedCallback() {
    // Set before the class was there.
    if (Object.hasOwn(this, 'stream')) {
      const { stream } = this
      delete (this as { stream?: unknown }).stream
      this.stream = stream
    }
    this.#mount()
  }

  disconnectedCallback() {
    this.#unmount()
  }

  attributeChangedCallback() {
    this.#view?.toggled(this.#byHand)
  }

  #mount() {
    if (this.#stream === null || !this.isConnected || this.#view !== null) return
    this.#view = createView({
      stream: this.#stream,
      host: this,
      isOpen: () => this.open || this.hasAttribute('docked'),
      onToggle: (open) => {
        this.#byHand = true
        this.open = open
        this.#byHand = false
      },
    })
    this.shadowRoot!.replaceChildren(...this.#view.elements)
  }

  #unmount() {
    this.#view?.close()
    this.#view = null
    this.shadowRoot!.replaceChildren()
  }
}
